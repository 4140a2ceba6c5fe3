import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { suite } from 'uvu'
import { ReadAhead } from '../../storage/read-ahead.js'
import { inTime, withDirectory } from '../src/store.js'

const test = suite('read ahead')

test('what is missing, a directory, or shorter than is to be read fails nobody, and closing waits for the end', async () => {
  await withDirectory(async directory => {
    const file = join(directory, 'file')
    writeFileSync(file, Buffer.alloc(5 << 20))
    for (const path of [file, join(directory, 'none'), directory]) {
      for (const byteLength of [0, 1, 3 << 20, 64 << 20]) {
        const ahead = new ReadAhead(path, byteLength)
        await inTime(ahead.close())
        await inTime(ahead.close())
      }
    }
  })
})

if (process.platform === 'linux') {
  test('closed early, it stops', async () => {
    const ahead = new ReadAhead('/dev/zero', Infinity)
    await delay(20)
    await inTime(ahead.close())
  })
}

test.run()
