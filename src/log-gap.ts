import { unlessDamaged } from '../floor/errors.js'
import { OrdinalSet } from '../floor/ordinal-set.js'
import { KEY_RANGE, logKey, ordinalOf, RECORD_RANGE, userKey, userPart } from '../storage/keys.js'
import { type LogEntry, NONE } from '../storage/log-format.js'
import { decodeOrdinal, encodeOrdinal, tagOf } from '../storage/ordinal-format.js'
import { decodeRecord } from '../storage/record-format.js'
import type { Engine } from './engine.js'

/**
 * Takes back what the truth holds behind a gap in its log, so that it is a beginning of the operations again.
 *
 * LevelDB begins a new log file without having synced the one before: after a power cut, commits that were not synced may be missing while later
 * ones are there. What was before them is still known: records stay until a checkpoint has made the operations that replaced or deleted them
 * durable, every record knows its key and its sequence, and none was written anew behind a gap (group.ts). So those count that were written
 * before the gap, and that no entry before the gap replaced or deleted.
 *
 * Cost: two passes over all keys and one over all records; a bit an ordinal.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when a record is damaged: its key is not to be known then
 */
export async function forgetBehindGap(engine: Engine, log: LogEntry[]): Promise<void> {
  const known = new Map([...engine.collections.values()].map(({ id, options }) =>
    [id, { dim: options.dimensions, named: new OrdinalSet(), live: new OrdinalSet(), gone: new OrdinalSet() }]))
  for (const { operations } of log) for (const { collection, previous } of operations) if (previous !== NONE) known.get(collection)?.gone.add(previous)
  const ordinalIn = (stored: Buffer, value: Buffer): number | undefined =>
    unlessDamaged(() => decodeOrdinal(engine.checksum, stored.readUInt32BE(1), userPart(stored), value))?.ordinal

  for await (const [stored, value] of engine.truth.entries(KEY_RANGE)) {
    const ordinal = ordinalIn(stored, value)
    if (ordinal !== undefined) known.get(stored.readUInt32BE(1))?.named.add(ordinal)
  }
  const dels: Buffer[] = []
  const puts: [Buffer, Buffer][] = []
  for await (const [stored, value] of engine.truth.entries(RECORD_RANGE)) {
    const id = stored.readUInt32BE(1)
    const ordinal = ordinalOf(stored)
    const collection = known.get(id)
    if (collection?.gone.has(ordinal)) continue
    // A collection whose description is missing was created in the gap.
    const record = collection && decodeRecord(engine.checksum, id, ordinal, value, collection.dim, new Uint32Array(collection.dim), 0)
    if (!record || record.sequence > engine.head.sequence) {
      dels.push(stored)
      continue
    }
    collection.live.add(ordinal)
    if (collection.named.has(ordinal)) continue
    puts.push([userKey(id, record.key), encodeOrdinal(engine.checksum, id, record.key, { ordinal, tag: tagOf(record.sequence) })])
  }
  for await (const [stored, value] of engine.truth.entries(KEY_RANGE)) {
    const ordinal = ordinalIn(stored, value)
    if (ordinal === undefined || !known.get(stored.readUInt32BE(1))?.live.has(ordinal)) dels.push(stored)
  }
  for await (const [stored] of engine.truth.entries({ gte: logKey(engine.head.sequence + 1), lt: logKey(Number.MAX_SAFE_INTEGER) })) dels.push(stored)
  await engine.truth.commit(batch => {
    for (const stored of dels) batch.del(stored)
    for (const [stored, value] of puts) batch.put(stored, value)
  }, true)
}
