// Uses workers in a process of its own, which must end by itself.
import { Stage } from './stage.js'

const stage = await new Stage(2).ready()
// Nothing but what is under way keeps the process.
await stage.search({ microseconds: 50_000, faults: 1 })
await stage.run([{ count: 20, mutates: true, microseconds: 1000 }])
switch (process.argv[2]) {
  case 'closed':
    await stage.close()
    break
  case 'under way':
    void stage.search({ microseconds: 50_000 }).then(() => { process.stdout.write('ended\n') })
    break
}
process.stdout.write('done\n')
