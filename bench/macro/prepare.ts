import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Dataset } from '../data/dataset.js'

/**
 * Makes data and exact neighbors in a process of their own.
 *
 * NOTE: a process begins with the peak memory of the one that started it, so that this one has to stay small.
 *
 * @returns whether the data is there; if it is not, the child has said why
 */
export async function prepareInOwnProcess(dataset: Dataset, count: number): Promise<boolean> {
  const script = fileURLToPath(new URL('./prepare-process.js', import.meta.url))
  const [code] = (await once(fork(script, [dataset.name, String(count)]), 'exit')) as [number | null]
  return code === 0
}
