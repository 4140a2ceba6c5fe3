import { unlessDamaged } from '../floor/errors.js'
import { KEY_RANGE, logKey, ordinalOf, RECORD_RANGE, recordKey, userKey, userPart } from '../storage/keys.js'
import { type LogEntry, NONE } from '../storage/log-format.js'
import { decodeOrdinal, encodeOrdinal } from '../storage/ordinal-format.js'
import { decodeRecord } from '../storage/record-format.js'
import type { Engine } from './engine.js'

/** A record that counts, and the key that is to lead to it. */
interface Live {
  collection: number
  key: Buffer
  ordinal: number
}

/**
 * Takes back what the truth holds behind a gap in its log, so that it is a beginning of the operations again.
 *
 * LevelDB begins a new log file without having synced the one before: after a power cut, commits that were not synced may be missing while later
 * ones are there. What was before them is still known: records stay until a checkpoint has made the operations that replaced or deleted them
 * durable, and every record knows its key and its sequence. So those count that were written before the gap, and that no entry before the
 * gap replaced or deleted.
 *
 * Cost: one pass over all records and keys; memory for all keys.
 *
 * @throws {VectorLevelError} VECTOR_CORRUPTION when a record is damaged: its key is not to be known then
 */
export async function forgetBehindGap(engine: Engine, log: LogEntry[]): Promise<void> {
  const dels: Buffer[] = []
  const live = await liveBeforeGap(engine, log, dels)
  for await (const [stored, value] of engine.truth.entries(KEY_RANGE)) {
    const collection = stored.readUInt32BE(1)
    const wanted = live.get(stored.toString('latin1'))
    const ordinal = unlessDamaged(() => decodeOrdinal(engine.checksum, collection, userPart(stored), value))
    if (!wanted) dels.push(stored)
    else if (wanted.ordinal === ordinal) live.delete(stored.toString('latin1'))
  }
  for await (const [stored] of engine.truth.entries({ gte: logKey(engine.head.sequence + 1), lt: logKey(Number.MAX_SAFE_INTEGER) })) dels.push(stored)
  await engine.truth.commit(batch => {
    for (const stored of dels) batch.del(stored)
    for (const { collection, key, ordinal } of live.values()) batch.put(userKey(collection, key), encodeOrdinal(engine.checksum, collection, key, ordinal))
  }, true)
}

/** The records that count, by their stored keys as latin1; adds those from behind the gap to `dels`. */
async function liveBeforeGap(engine: Engine, log: LogEntry[], dels: Buffer[]): Promise<Map<string, Live>> {
  const gone = new Set<string>()
  for (const { operations } of log) {
    for (const { collection, previous } of operations) if (previous !== NONE) gone.add(recordKey(collection, previous).toString('latin1'))
  }
  const dimensions = new Map([...engine.collections.values()].map(({ id, options }) => [id, options.dimensions]))
  const live = new Map<string, Live>()
  for await (const [stored, value] of engine.truth.entries(RECORD_RANGE)) {
    if (gone.has(stored.toString('latin1'))) continue
    const collection = stored.readUInt32BE(1)
    const ordinal = ordinalOf(stored)
    const dim = dimensions.get(collection)
    // A collection whose description is missing was created in the gap.
    const record = dim === undefined ? undefined : decodeRecord(engine.checksum, collection, ordinal, value, dim, new Uint32Array(dim), 0)
    if (!record || record.sequence > engine.head.sequence) dels.push(stored)
    else live.set(userKey(collection, record.key).toString('latin1'), { collection, key: Buffer.from(record.key), ordinal })
  }
  return live
}
