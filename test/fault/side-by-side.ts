import { readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { withDirectory } from '../src/store.js'

/** Does jobs two at a time, in the order in which they come; each of the two has a directory to itself, empty for every job. */
export async function sideBySide<Job>(jobs: Generator<Job>, work: (job: Job, directory: string) => Promise<void>): Promise<void> {
  await Promise.all([0, 1].map(() => withDirectory(async directory => {
    // Both take from the same generator, so that neither waits for the other.
    for (let next = jobs.next(); !next.done; next = jobs.next()) {
      await work(next.value, directory)
      // A process that was left behind may be about to end.
      for (const name of readdirSync(directory)) rmSync(join(directory, name), { recursive: true, force: true, maxRetries: 10 })
    }
  })))
}
