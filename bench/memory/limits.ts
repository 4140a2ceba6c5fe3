import { rm } from 'node:fs/promises'
import { readersOf } from '../../src/engine.js'
import { checkDatabaseOptions } from '../../src/options.js'
import { WorkloadProcess } from '../macro/child.js'
import { type GroupHeld, type LimitsRow, limitsSteps, type Store } from './figures.js'
import type { LimitedReplies, LimitedRequest } from './limited-process.js'
import { MemoryGroup } from './memory-group.js'
import type { MemoryWorkload } from './workload.js'

const script = new URL('./limited-process.js', import.meta.url)
const groupName = 'vector-level-bench'
const lookMs = 50

/** What a process has besides the cache and what it held before: for the store, and for each worker and reader. */
const storeBytes = 119 * 2 ** 20
const threadBytes = 9 * 2 ** 20

/**
 * What a process holds that is about to open a store, without a limit.
 *
 * @throws {Error} where the system lets no group be made
 */
export async function measureBase(workload: MemoryWorkload): Promise<number> {
  const group = MemoryGroup.create(groupName)
  const child = new WorkloadProcess<LimitedRequest, LimitedReplies>(script, group.path)
  try {
    await child.ask({ type: 'begin', workload, cacheBytes: 0 })
    const { anonymous, kernel } = group.held()
    return anonymous + kernel
  } finally {
    await child.end()
    await group.remove()
  }
}

/** Has a process do all that is done with a store, within a limit; tells how far it came. */
export async function runWithinLimit(workload: MemoryWorkload, baseBytes: number, cacheBytes: number): Promise<Omit<LimitsRow, keyof Store | 'share'>> {
  const settings = checkDatabaseOptions({})
  const { workers } = settings
  const allowanceBytes = storeBytes + (workers + readersOf(settings)) * threadBytes
  const limitBytes = baseBytes + cacheBytes + allowanceBytes
  const group = MemoryGroup.create(groupName, limitBytes)
  const child = new WorkloadProcess<LimitedRequest, LimitedReplies>(script, group.path)
  const steps: LimitsRow['steps'] = []
  let failure: string | undefined
  try {
    await child.ask({ type: 'begin', workload, cacheBytes })
    for (const step of limitsSteps) steps.push({ step, ...(await watched(group, () => child.ask({ type: step, workload, cacheBytes }))) })
  } catch (error) {
    failure = (error as Error).message.split('\n')[0]
  } finally {
    await child.end()
  }
  try {
    return { workers, cacheBytes, baseBytes, allowanceBytes, limitBytes, steps, ...group.outcome(), ...(failure !== undefined && { failure }) }
  } finally {
    await group.remove()
    await rm(workload.directory, { recursive: true, force: true })
  }
}

/** With the most that the group held meanwhile, of each kind for itself. */
async function watched<T>(group: MemoryGroup, task: () => Promise<T>): Promise<T & { most: GroupHeld }> {
  const most = group.held()
  const look = (): void => {
    const now = group.held()
    for (const kind of ['anonymous', 'files', 'kernel'] as const) most[kind] = Math.max(most[kind], now[kind])
  }
  const timer = setInterval(look, lookMs)
  try {
    return { ...(await task()), most }
  } finally {
    clearInterval(timer)
  }
}
