import { setImmediate as nextTurn } from 'node:timers/promises'
import { VectorLevelError } from '../floor/errors.js'
import { OrdinalSet } from '../floor/ordinal-set.js'
import { findInGraph } from '../index/graph-check.js'
import { isFindable } from '../index/graph.js'
import { STATE_FREE } from '../index/kernel/layout.js'
import { logKey, ordinalOf, recordKey, sequenceOf, userKey, userKeyEnd, userPart } from '../storage/keys.js'
import { decodeLogEntry, NONE } from '../storage/log-format.js'
import { decodeOrdinal, type TaggedOrdinal, tagOf } from '../storage/ordinal-format.js'
import { decodeRecord } from '../storage/record-format.js'
import type { TruthSnapshot } from '../storage/truth.js'
import { readTruthMeta } from './checkpoint.js'
import type { Engine, LogPosition, OpenCollection } from './engine.js'
import type { Maintenance } from './maintenance.js'
import type { Session } from './session.js'
import { StoredCodes } from './stored-codes.js'
import type { Writer } from './writer.js'

/** Something that is wrong in a store. */
export interface Finding {
  /** 'code': codes that are kept in place of vectors; 'block': what the index has, which is derived. */
  where: 'store' | 'table' | 'log' | 'record' | 'key' | 'code' | 'block' | 'graph'
  collection?: string
  message: string
}

/** Records or nodes between two pauses for others. */
const PAUSE = 500

/** The store at one moment, between two commits. */
interface View {
  snapshot: TruthSnapshot
  trimmed: LogPosition
  head: LogPosition
  /** states are an error when the blocks that hold them are damaged. */
  collections: { collection: OpenCollection, states: Uint8Array | Error }[]
}

/**
 * Walks through the tables of LevelDB, the log, the records, the keys, the codes and the graphs.
 *
 * Records, log and states are those of one moment; the graphs may grow meanwhile, and are looked at node by node.
 */
export async function verifyStore({ engine, writer }: Session, maintenance: Maintenance): Promise<Finding[]> {
  return await writer.walk(() => walk(engine, writer, maintenance))
}

async function walk(engine: Engine, writer: Writer, maintenance: Maintenance): Promise<Finding[]> {
  const findings: Finding[] = []
  maintenance.deadline.check()
  const view = await writer.atRest(() => viewOf(engine), maintenance.deadline)
  const steps = new Steps(engine, view.collections.reduce((sum, { collection: { graph } }) => sum + 3 * graph.live + 3 * graph.ordinals, 0), maintenance)
  if (engine.damage) findings.push({ where: 'block', message: engine.damage.message })
  try {
    // LevelDB ends the process on some damage: what stands in damaged tables is not read through it.
    if (await verifyTables(engine, findings, steps)) return findings
    const superseded = await verifyLog(engine, view, findings)
    for (const { collection, states } of view.collections) await verifyTruth(engine, view.snapshot, collection, states, superseded, findings, steps)
  } finally {
    await view.snapshot.close()
  }
  for (const { collection } of view.collections) await verifyGraph(engine, collection, findings, steps)
  return findings
}

/** Counts what was looked at, and gives others their turn. */
class Steps {
  #done = 0
  readonly #engine: Engine
  readonly #total: number
  readonly #maintenance: Maintenance

  constructor(engine: Engine, total: number, maintenance: Maintenance) {
    this.#engine = engine
    this.#total = total
    this.#maintenance = maintenance
  }

  /** @throws {VectorLevelError} VECTOR_ABORTED, VECTOR_DATABASE_NOT_OPEN */
  async next(step: string): Promise<void> {
    if (++this.#done % PAUSE) return
    await nextTurn()
    this.#engine.underWay.check()
    this.#maintenance.deadline.check(`after ${this.#done} steps`)
    this.#maintenance.onProgress({ step, done: this.#done, total: Math.max(this.#total, this.#done) })
  }
}

async function verifyTables({ truth }: Engine, findings: Finding[], steps: Steps): Promise<boolean> {
  let damaged = false
  for await (const message of truth.findInTables()) {
    if (message) findings.push({ where: 'table', message })
    damaged ||= message !== undefined
    await steps.next('tables')
  }
  return damaged
}

function viewOf(engine: Engine): View {
  const snapshot = engine.truth.snapshot()
  return {
    snapshot,
    trimmed: readTruthMeta(engine, snapshot),
    head: engine.head,
    collections: engine.storedCollections.map(collection => ({ collection, states: statesOf(collection) }))
  }
}

function statesOf({ graph }: OpenCollection): Uint8Array | Error {
  try {
    return graph.copyStates()
  } catch (error) {
    return error as Error
  }
}

/** Returns the records that the log replaced or deleted, and that are removed when it is cut. */
async function verifyLog(engine: Engine, { snapshot, trimmed, head }: View, findings: Finding[]): Promise<Set<string>> {
  const superseded = new Set<string>()
  let { sequence, hash } = trimmed
  try {
    for await (const [key, value] of snapshot.entries({ gte: logKey(sequence + 1), lte: logKey(head.sequence) })) {
      if (sequenceOf(key) !== sequence + 1) {
        findings.push({ where: 'log', message: `sequence ${sequence + 1} is missing, ${sequenceOf(key)} follows` })
        return superseded
      }
      const entry = decodeLogEntry(engine.checksum, hash, sequence + 1, value)
      for (const { collection, previous } of entry.operations) if (previous !== NONE) superseded.add(recordKey(collection, previous).toString('hex'))
      sequence += entry.operations.length
      hash = entry.hash
    }
    if (sequence !== head.sequence) findings.push({ where: 'log', message: `the log ends at sequence ${sequence}, not ${head.sequence}` })
  } catch (error) {
    if (!(error instanceof VectorLevelError) || error.code !== 'VECTOR_CORRUPTION') throw error
    findings.push({ where: 'log', message: error.message })
  }
  return superseded
}

/** Every key has one record, every record one key, and the index has just these. */
async function verifyTruth(
  engine: Engine, snapshot: TruthSnapshot, collection: OpenCollection, states: Uint8Array | Error, superseded: Set<string>, findings: Finding[], steps: Steps
): Promise<void> {
  const { id, name, options } = collection
  const codes = await verifyCodes(engine, snapshot, collection, findings, steps)
  const report = (where: Finding['where'], message: string): void => void findings.push({ where, collection: name, message })
  if (states instanceof Error) report('block', states.message)
  const keys = new Map<number, { key: string, tag: number }>()
  for await (const [stored, value] of snapshot.entries({ gte: userKey(id, Buffer.alloc(0)), lt: userKeyEnd(id) })) {
    await steps.next('keys')
    const bytes = userPart(stored)
    const key = bytes.toString()
    let named: TaggedOrdinal
    try {
      named = decodeOrdinal(engine.checksum, id, bytes, value)
    } catch (error) {
      report('key', (error as Error).message)
      continue
    }
    const { ordinal, tag } = named
    const other = keys.get(ordinal)
    if (other) report('key', `keys '${other.key}' and '${key}' lead to the same ordinal ${ordinal}`)
    keys.set(ordinal, { key, tag })
  }
  const bits = new Uint32Array(options.dimensions)
  const recorded = new OrdinalSet()
  for await (const [stored, value] of snapshot.entries({ gte: recordKey(id, 0), lt: recordKey(id + 1, 0) })) {
    await steps.next('records')
    const ordinal = ordinalOf(stored)
    if (superseded.has(stored.toString('hex'))) continue
    try {
      const { key: bytes, sequence, coded } = decodeRecord(engine.checksum, id, ordinal, value, options.dimensions, bits, 0)
      const key = bytes.toString()
      const named = keys.get(ordinal)
      if (named?.key !== key) report('record', `the record of '${key}' has ordinal ${ordinal}, which ${named ? `is that of '${named.key}'` : 'no key leads to'}`)
      else if (named.tag !== tagOf(sequence)) report('record', `only an older record of key '${key}' is left (ordinal ${ordinal}, sequence ${sequence})`)
      if (coded && codes && !codes.has(ordinal)) report('record', `the record of '${key}' (ordinal ${ordinal}) has no vector, and its code is missing or damaged`)
      if (!(states instanceof Error) && !isFindable(states[ordinal] ?? STATE_FREE)) report('graph', `ordinal ${ordinal} of '${key}' is not live in the index`)
    } catch (error) {
      report('record', (error as Error).message)
    }
    recorded.add(ordinal)
    keys.delete(ordinal)
  }
  for (const [ordinal, { key }] of keys) report('key', `key '${key}' leads to ordinal ${ordinal}, which has no record`)
  if (states instanceof Error) return
  for (const [ordinal, state] of states.entries()) {
    if (isFindable(state) && !recorded.has(ordinal)) report('record', `ordinal ${ordinal} is live in the index, and has no record`)
  }
}

/** Looks at the codes that are kept in place of vectors; undefined when there are none that can be read. */
async function verifyCodes(engine: Engine, snapshot: TruthSnapshot, collection: OpenCollection, findings: Finding[], steps: Steps): Promise<StoredCodes | undefined> {
  const report = (error: unknown): void => {
    if (!(error instanceof VectorLevelError) || error.code !== 'VECTOR_CORRUPTION') throw error
    findings.push({ where: 'code', collection: collection.name, message: error.message })
  }
  try {
    const codes = new StoredCodes(engine, collection, snapshot)
    for (const block of codes.blocks()) {
      await steps.next('codes')
      try {
        codes.rowsOf(block)
      } catch (error) {
        report(error)
      }
    }
    return codes
  } catch (error) {
    report(error)
    return undefined
  }
}

async function verifyGraph({ threads }: Engine, { name, graph }: OpenCollection, findings: Finding[], steps: Steps): Promise<void> {
  try {
    const messages = findInGraph(graph)
    for (;;) {
      const { done, value } = threads.read(() => messages.next())
      if (done) break
      if (value) findings.push({ where: 'graph', collection: name, message: value })
      else await steps.next('graph')
    }
  } catch (error) {
    if (!(error instanceof VectorLevelError) || error.code !== 'VECTOR_CORRUPTION') throw error
    findings.push({ where: 'block', collection: name, message: (error as Error).message })
  }
}
