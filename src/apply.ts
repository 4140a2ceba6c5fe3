import { codecOf, withChoice } from '../codecs/codec.js'
import { VectorLevelError } from '../floor/errors.js'
import type { Slices } from '../floor/slices.js'
import { type LogEntry, type LogOperation, NONE } from '../storage/log-format.js'
import type { Engine } from './engine.js'

/** Makes the operations of an entry, whose vectors are stored, visible: all at once. Then changes codecs, and trains what has enough by then. */
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
  for (const operation of operations) yield* applyCodec(engine, operation)
  for (const id of new Set(operations.map(({ collection }) => collection))) {
    const { graph, name } = engine.collectionById(id)
    if (graph.wantsTraining) yield* graph.train(share => engine.onTraining(name, share))
  }
}

function* applyCodec(engine: Engine, { collection: id, recode, recoded }: LogOperation): Slices<void> {
  if (!recode && !recoded) return
  const collection = engine.collectionById(id)
  if (recoded) collection.graph.endChange()
  if (!recode) return
  const codec = codecOf(recode.codec)
  if (!codec) throw new VectorLevelError('VECTOR_FORMAT_UNSUPPORTED', `the log names codec ${recode.codec} for collection '${collection.name}', which this version does not know`)
  const choice = { codec, ...(recode.codeBytes && { codeBytes: recode.codeBytes }) }
  collection.options = withChoice(collection.options, choice)
  yield* collection.graph.change(choice, share => engine.onTraining(collection.name, share))
}
