import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'

/**
 * Makes what a bench reads, such as data and exact neighbors, by a script in a process of its own.
 *
 * NOTE: a process begins with the peak memory of the one that started it, so that this one has to stay small.
 *
 * @returns whether the data is there; if it is not, the child has said why
 */
export async function prepareInOwnProcess(script: URL, ...args: (string | number)[]): Promise<boolean> {
  const [code] = (await once(fork(fileURLToPath(script), args.map(String)), 'exit')) as [number | null]
  return code === 0
}
