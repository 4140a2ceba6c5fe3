import type { Slices } from '../floor/slices.js'
import { type LogEntry, NONE } from '../storage/log-format.js'
import type { Engine } from './engine.js'

/** Makes the operations of an entry, whose vectors are stored, visible: all at once. Then trains what has enough by then. */
export function* applyEntry(engine: Engine, { operations }: Pick<LogEntry, 'operations'>): Slices<void> {
  for (const { collection, ordinal, previous, rewrite } of operations) {
    const { graph } = engine.collectionById(collection)
    if (ordinal !== NONE && !rewrite) graph.note(ordinal)
    if (previous !== NONE) graph.noteRemoval(previous)
    yield
  }
  engine.threads.stop(() => {
    for (const { collection, ordinal, previous, rewrite } of operations) {
      const { graph } = engine.collectionById(collection)
      if (ordinal !== NONE && !rewrite) graph.show(ordinal)
      if (previous !== NONE) graph.remove(previous)
    }
  })
  for (const id of new Set(operations.map(({ collection }) => collection))) {
    const { graph, name } = engine.collectionById(id)
    if (graph.wantsTraining) yield* graph.train(share => engine.onTraining(name, share))
  }
}
