import { setTimeout as delay } from 'node:timers/promises'
import { BATCH } from '../index/kernel/layout.js'
import type { Collection } from '../src/index.js'

/** Waits until all whole batches of what was written are in the graph; what is too little for one stays where it is, and is scanned by searches. */
export async function linked<M>(items: Collection<M>): Promise<void> {
  // Too few vectors to train codes on are never linked.
  for (;;) {
    const { trained, pending } = await items.stats()
    if (!trained || pending < BATCH) return
    await delay(1)
  }
}
