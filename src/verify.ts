import { setImmediate as nextTurn } from 'node:timers/promises'
import { findInGraph } from '../index/graph-check.js'
import { STATE_LIVE } from '../index/kernel/layout.js'
import { logKey, ordinalOf, recordKey, sequenceOf, userKey, userKeyEnd, userPart } from '../storage/keys.js'
import { decodeLogEntry, NONE } from '../storage/log-format.js'
import { decodeRecord } from '../storage/record-format.js'
import type { Engine, OpenCollection } from './engine.js'
import type { Session } from './vector-level.js'

/** Something that is wrong in a store. */
export interface Finding {
  where: 'log' | 'record' | 'key' | 'block' | 'graph'
  collection?: string
  message: string
}

/** Records or nodes between two pauses for others. */
const PAUSE = 1000

/**
 * Walks through the log, the records, the keys and the graphs.
 *
 * Looks at a moving store only between its commits: no write may be under way in what it reads together, so it reads the truth from one
 * snapshot and each graph in one turn of the event loop a thousand nodes at a time.
 */
export async function verifyStore({ engine }: Session): Promise<Finding[]> {
  const findings: Finding[] = []
  const superseded = await verifyLog(engine, findings)
  for (const collection of engine.collections.values()) {
    await verifyTruth(engine, collection, superseded, findings)
    await verifyGraph(collection, findings)
  }
  return findings
}

/** Returns the records that the log replaced or deleted, and that the next checkpoint removes. */
async function verifyLog(engine: Engine, findings: Finding[]): Promise<Set<string>> {
  const superseded = new Set<string>()
  let { sequence, hash } = engine.trimmed
  try {
    for await (const [key, value] of engine.truth.entries({ gte: logKey(sequence + 1), lte: logKey(engine.head.sequence) })) {
      if (sequenceOf(key) !== sequence + 1) {
        findings.push({ where: 'log', message: `sequence ${sequence + 1} is missing, ${sequenceOf(key)} follows` })
        return superseded
      }
      const entry = decodeLogEntry(engine.checksum, hash, sequence + 1, value)
      for (const { collection, previous } of entry.operations) if (previous !== NONE) superseded.add(recordKey(collection, previous).toString('hex'))
      sequence += entry.operations.length
      hash = entry.hash
    }
    if (sequence !== engine.head.sequence) findings.push({ where: 'log', message: `the log ends at sequence ${sequence}, not ${engine.head.sequence}` })
  } catch (error) {
    findings.push({ where: 'log', message: (error as Error).message })
  }
  return superseded
}

/** Every key has one record, every record one key, and the graph has just these. */
async function verifyTruth(engine: Engine, collection: OpenCollection, superseded: Set<string>, findings: Finding[]): Promise<void> {
  const { id, name, options, graph } = collection
  const report = (where: Finding['where'], message: string): void => void findings.push({ where, collection: name, message })
  const keys = new Map<number, string>()
  for await (const [stored, value] of engine.truth.entries({ gte: userKey(id, Buffer.alloc(0)), lt: userKeyEnd(id) })) {
    const ordinal = value.length === 4 ? value.readUInt32LE(0) : -1
    const key = userPart(stored).toString()
    if (keys.has(ordinal)) report('key', `keys '${keys.get(ordinal)}' and '${key}' lead to the same ordinal ${ordinal}`)
    keys.set(ordinal, key)
  }
  const bits = new Uint32Array(options.dimensions)
  let records = 0
  for await (const [stored, value] of engine.truth.entries({ gte: recordKey(id, 0), lt: recordKey(id + 1, 0) })) {
    const ordinal = ordinalOf(stored)
    if (superseded.has(stored.toString('hex'))) continue
    try {
      const key = decodeRecord(engine.checksum, id, ordinal, value, options.dimensions, bits, 0).key.toString()
      if (keys.get(ordinal) !== key) report('record', `the record of '${key}' has ordinal ${ordinal}, which ${keys.has(ordinal) ? `is that of '${keys.get(ordinal)}'` : 'no key leads to'}`)
      if (graph.stateOf(ordinal) !== STATE_LIVE) report('graph', `ordinal ${ordinal} of '${key}' is not live in the index`)
    } catch (error) {
      report('record', (error as Error).message)
    }
    records++
    keys.delete(ordinal)
  }
  for (const [ordinal, key] of keys) report('key', `key '${key}' leads to ordinal ${ordinal}, which has no record`)
  if (records !== graph.live) report('graph', `the index has ${graph.live} live ordinals, the records are ${records}`)
}

async function verifyGraph({ name, graph }: OpenCollection, findings: Finding[]): Promise<void> {
  let steps = 0
  try {
    for (const message of findInGraph(graph)) {
      if (message) findings.push({ where: 'graph', collection: name, message })
      else if (++steps % PAUSE === 0) await nextTurn()
    }
  } catch (error) {
    findings.push({ where: 'block', collection: name, message: (error as Error).message })
  }
}
