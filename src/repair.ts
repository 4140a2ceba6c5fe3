import { existsSync, readdirSync, renameSync } from 'node:fs'
import { join } from 'node:path'
import { unlessDamaged, VectorLevelError } from '../floor/errors.js'
import {
  dataDirectory, forgetGeneration, newIdentity, readGeneration, readIdentity, type StoreIdentity, truthDirectory,
  writeIdentity
} from '../storage/store-file.js'
import { syncDirectory } from '../storage/sync.js'
import { removeDirectory, removeLeftOver } from '../storage/remove.js'
import { Truth } from '../storage/truth.js'
import { type Checkpoint, readTruthIdentity } from './checkpoint.js'
import { Engine, type LogPosition } from './engine.js'
import type { Maintenance } from './maintenance.js'
import type { DatabaseSettings } from './options.js'
import { openGeneration } from './recovery.js'
import { type LostItem, Salvage } from './salvage.js'
import { openSalvageable } from './salvageable.js'
import { TruthCopy } from './truth-copy.js'
import type { Finding } from './verify.js'
import { Witness } from './witness.js'

/** What was wrong, what was done, and what is gone. */
export interface RepairReport {
  /** What was found before; when it is empty the store was sound, and nothing was done. */
  findings: Finding[]
  /** What was done, a sentence each. */
  actions: string[]
  /** Exactly what could not be saved; empty when nothing was lost. */
  lost: LostItem[]
  /** Where the damaged files are, when something was lost. They are no part of the store any more. */
  kept: string | undefined
}

/** Findings that say nothing against the records: the index is derived from them. */
const OF_INDEX: Finding['where'][] = ['block', 'graph']

/**
 * Makes a damaged store, which nobody has open, sound from what can be trusted.
 *
 * When only the index is damaged it is given up, and built anew at the next opening. Otherwise all that passes its checks is written into new
 * data, which become the current ones when they are complete.
 *
 * @throws {VectorLevelError} VECTOR_FORMAT_UNSUPPORTED when the directory holds no store, VECTOR_LOCKED, VECTOR_IO_ERROR, VECTOR_ABORTED;
 * the store is as it was then
 */
export async function repairStore(directory: string, settings: DatabaseSettings, findings: Finding[], maintenance: Maintenance): Promise<RepairReport> {
  const report: RepairReport = { findings, actions: [], lost: [], kept: undefined }
  const named = unlessDamaged(() => readIdentity(directory))
  const written = named && existsSync(dataDirectory(directory, named.data)) ? named : undefined
  const identity = written ?? { ...newIdentity(), data: likelyData(directory) }
  const data = dataDirectory(directory, identity.data)
  if (written && findings.every(({ where }) => OF_INDEX.includes(where))) {
    forgetGeneration(data)
    report.actions.push('gave the index up: the next opening builds it anew from the records')
    return report
  }
  const number = Math.max(...dataIn(directory)) + 1
  const next = dataDirectory(directory, number)
  try {
    const uuid = await new Repair(directory, settings, identity, next, maintenance, report).run()
    if (!written) report.actions.push('wrote the STORE file anew')
    else if (uuid !== written.uuid) report.actions.push(`the STORE file named store ${written.uuid}: it is ${uuid}, as the records say`)
    await Truth.refuseLocked(truthDirectory(data))
    writeIdentity(directory, { ...identity, uuid, data: number })
  } catch (error) {
    if (unlessDamaged(() => readIdentity(directory))?.data !== number) removeLeftOver(next)
    throw error
  }
  putAway(directory, data, report)
  return report
}

/** The data of a store that does not say which are current: the newest that were complete, since a compaction writes INDEX last. */
function likelyData(directory: string): number {
  const numbers = dataIn(directory)
  return numbers.findLast(number => existsSync(join(dataDirectory(directory, number), 'INDEX'))) ?? numbers[0]!
}

/** The numbers of all data, ascending. */
function dataIn(directory: string): number[] {
  const numbers = readdirSync(directory).flatMap(name => /^data-([1-9]\d*)$/.exec(name)?.[1] ?? []).map(Number)
  if (!numbers.length) throw new VectorLevelError('VECTOR_FORMAT_UNSUPPORTED', `${directory} is not a store: it has neither a STORE file nor data`)
  return numbers.sort((a, b) => a - b)
}

/** Removes the damaged data, or keeps them aside when something of them was lost. */
function putAway(directory: string, data: string, report: RepairReport): void {
  if (!report.lost.length) {
    removeLeftOver(data)
    return
  }
  for (let n = 1; ; n++) {
    const kept = join(directory, `damaged-${n}`)
    if (existsSync(kept)) continue
    renameSync(data, kept)
    syncDirectory(directory)
    report.kept = kept
    return
  }
}

class Repair {
  readonly #directory: string
  readonly #settings: DatabaseSettings
  readonly #identity: StoreIdentity
  readonly #next: string
  readonly #maintenance: Maintenance
  readonly #report: RepairReport

  constructor(
    directory: string, settings: DatabaseSettings, identity: StoreIdentity, next: string, maintenance: Maintenance, report: RepairReport
  ) {
    this.#directory = directory
    this.#settings = settings
    this.#identity = identity
    this.#next = next
    this.#maintenance = maintenance
    this.#report = report
  }

  /** Writes what can be saved into the next data; returns the uuid of the store. */
  async run(): Promise<string> {
    const copy = join(this.#next, 'salvaged', 'truth')
    const truth = await openSalvageable(truthDirectory(dataDirectory(this.#directory, this.#identity.data)), copy, this.#report.actions)
    let engine = new Engine(this.#directory, this.#settings, this.#identity, truth)
    try {
      const meta = unlessDamaged(() => readTruthIdentity(engine, truth))
      if (meta && meta.uuid !== this.#identity.uuid) {
        await engine.threads.close()
        engine = new Engine(this.#directory, this.#settings, { ...this.#identity, uuid: meta.uuid }, truth)
      }
      await this.#salvage(engine, meta)
      return engine.identity.uuid
    } finally {
      await engine.close()
      removeDirectory(join(this.#next, 'salvaged'))
    }
  }

  async #salvage(engine: Engine, trimmed: LogPosition | undefined): Promise<void> {
    await engine.loadCollections(error => this.#report.actions.push(`passed over damage: ${error.message}`))
    const checkpoint = await this.#openIndex(engine, trimmed)
    const witness = await Witness.hear(engine, trimmed, checkpoint)
    const copy = await TruthCopy.create(truthDirectory(this.#next))
    try {
      const salvage = new Salvage(engine, witness, copy, this.#maintenance)
      await salvage.run()
      await (await copy.finish()).close()
      this.#report.lost.push(...salvage.lost)
      this.#report.actions.push(`wrote ${copy.count} entries into new data`)
      if (salvage.restored) this.#report.actions.push(`restored ${salvage.restored} keys from their records`)
      if (salvage.dropped) this.#report.actions.push(`left out ${salvage.dropped} records that had been replaced or deleted`)
    } finally {
      await copy.close()
    }
  }

  /** The checkpoint of an index that belongs to the store, whose graphs are restored, to be asked; and descriptions that it still has. */
  async #openIndex(engine: Engine, trimmed: LogPosition | undefined): Promise<Checkpoint | undefined> {
    const generation = readGeneration(engine.data) || lastGeneration(engine.data)
    const found = await openGeneration(engine, generation)
    if (typeof found === 'string') return undefined
    engine.useGeneration(generation, found.blocks)
    if (found.checkpoint.uuid === this.#identity.uuid && found.checkpoint.uuid !== engine.identity.uuid) {
      throw new VectorLevelError('VECTOR_CORRUPTION', `the records in ${engine.data} are those of store ${engine.identity.uuid}, the STORE file and the index are of ` +
        `${found.checkpoint.uuid}: put its records back, or remove both to go on with these`)
    }
    if (found.checkpoint.uuid !== engine.identity.uuid || (trimmed && found.checkpoint.sequence < trimmed.sequence)) return undefined
    for (const { id, name, options, state } of found.checkpoint.graphs) {
      const known = unlessDamaged(() => engine.collectionById(id))
      if (!known) this.#report.actions.push(`took the description of collection '${name}' from the index`)
      ;(known ?? engine.addStored(id, name, options)).graph.restore(state)
    }
    return found.checkpoint
  }
}

/** The newest generation that is there, 0 when none is: a damaged one is forgotten, but not removed. */
function lastGeneration(data: string): number {
  return Math.max(0, ...readdirSync(data).map(name => Number(/^index-([1-9]\d*)$/.exec(name)?.[1] ?? 0)))
}
