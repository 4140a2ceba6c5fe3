import { isDeepStrictEqual } from 'node:util'
import { Random } from '../../floor/random.js'
import { type Collection, type CollectionOptions, type VectorLevel, VectorLevelError, type VectorRecord } from '../../src/index.js'
import { expectHonest, expectNearest, recallOf } from '../model/hits.js'
import { ModelCollection } from '../model/model.js'
import { tagOf } from '../../storage/ordinal-format.js'
import { normalVector } from '../src/vectors.js'
import type { Commit } from './damage-stores.js'

/** What became of a damaged store, and what must not have. */
export interface Verdict {
  /** What happened, words that are counted. */
  kinds: Set<string>
  violations: string[]
}

type Models = Map<string, ModelCollection>
/** What a key gave: a record, nothing, or an error with a code. */
type Found = VectorRecord<number> | undefined | VectorLevelError

/** An error that a caller may handle; anything else is thrown on. */
export async function typed<T>(run: () => Promise<T>): Promise<T | VectorLevelError> {
  try {
    return await run()
  } catch (error) {
    if (error instanceof VectorLevelError) return error
    throw error
  }
}

/** Compares an open store, damaged before, with what the commits made of it. */
export class Judge {
  readonly #commits: Commit[]
  readonly #collections: Record<string, CollectionOptions>
  readonly #mayEndEarlier: boolean
  readonly #verdict: Verdict
  /** All keys that ever were. */
  readonly #keys = new Map<string, Set<string>>()
  /** The tag of the records that each commit wrote (storage/ordinal-format.ts): an older one of the same key and tag cannot be told from the right one. */
  readonly #tags: number[] = []
  /** Whether something is not as it was, so that verify() has to say so. */
  #amiss = false
  /** Whether it holds an earlier beginning of the history, which is whole. */
  #shortened = false

  constructor(commits: Commit[], collections: Record<string, CollectionOptions>, mayEndEarlier: boolean, verdict: Verdict) {
    this.#commits = commits
    this.#collections = collections
    this.#mayEndEarlier = mayEndEarlier
    this.#verdict = verdict
    const present = new Set<string>()
    let sequence = 1
    for (const { collection, operations } of commits) {
      const keys = this.#keys.get(collection) ?? new Set()
      this.#keys.set(collection, keys)
      this.#tags.push(tagOf(sequence))
      for (const { type, key } of operations) {
        keys.add(key)
        const name = `${collection}/${key}`
        // What has no effect has no sequence.
        if (type === 'put' || present.has(name)) sequence++
        if (type === 'put') present.add(name)
        if (type === 'del') present.delete(name)
      }
    }
  }

  /** Reads and searches everything; returns whether what is there is all that was, without an error. */
  async look(db: VectorLevel): Promise<boolean> {
    this.#amiss = this.#shortened = false
    const found = new Map<string, Map<string, Found>>()
    for (const [name, keys] of this.#keys) found.set(name, await readAll(db.collection<number>(name, this.#collections[name]!), keys))
    const models = await this.#modelFor(found)
    for (const [name, model] of models) {
      const collection = db.collection<number>(name, this.#collections[name]!)
      await this.#compare(name, model, found.get(name)!)
      await this.#iterate(name, collection, found.get(name)!)
      await this.#search(name, collection, model)
    }
    return !this.#amiss && !this.#shortened
  }

  /** verify() must report what is amiss, and in a store that is whole again nothing. */
  async verify(db: VectorLevel, when: string, mustBeSound: boolean): Promise<void> {
    const findings = await typed(() => db.verify())
    if (findings instanceof VectorLevelError) {
      this.#count(`verify() throws ${findings.code}`)
      if (mustBeSound) this.#verdict.violations.push(`${when}: verify() throws ${findings.message}`)
      return
    }
    if (findings.length) this.#count(`verify() reports, ${when}`)
    if (findings.length && mustBeSound) this.#verdict.violations.push(`${when}: verify() finds ${JSON.stringify(findings.slice(0, 3))}`)
    const silent = [...this.#verdict.kinds].filter(kind => kind.startsWith('silent')).map(kind => kind.replace(/, .*/, ''))
    for (const kind of new Set(silent)) {
      this.#count(`${kind}, ${findings.length ? 'reported' : 'not reported'} by verify()`)
      if (!findings.length) this.#verdict.violations.push(`${when}: ${kind}, and verify() finds nothing`)
    }
  }

  #count(kind: string): void {
    this.#verdict.kinds.add(kind)
  }

  #silent(kind: string): void {
    this.#amiss = true
    this.#count(`silent ${kind}`)
  }

  #failed(what: string, error: VectorLevelError): void {
    this.#amiss = true
    this.#count(`${what} throws ${error.code}`)
  }

  /** The beginning of the history that the store holds; all of it when it holds none. */
  async #modelFor(found: Map<string, Map<string, Found>>): Promise<Models> {
    if (this.#mayEndEarlier) {
      let longest = -1
      await this.#replay(this.#commits.length, (models, count) => {
        if ([...models].every(([name, model]) => isThis(found.get(name)!, model))) longest = count
      })
      if (longest >= 0 && longest < this.#commits.length) {
        this.#count('an earlier beginning')
        this.#shortened = true
        return await this.#replay(longest)
      }
    }
    return await this.#replay(this.#commits.length)
  }

  async #replay(count: number, look: (models: Models, count: number) => void = () => undefined): Promise<Models> {
    const models: Models = new Map([...this.#keys.keys()].map(name => [name, new ModelCollection('l2')]))
    look(models, 0)
    for (let i = 0; i < count; i++) {
      await models.get(this.#commits[i]!.collection)!.batch(this.#commits[i]!.operations)
      look(models, i + 1)
    }
    return models
  }

  async #compare(name: string, model: ModelCollection, found: Map<string, Found>): Promise<void> {
    for (const [key, record] of found) {
      const expected = model.records.get(key)
      if (record instanceof VectorLevelError) this.#failed('get', record)
      else if (isDeepStrictEqual(record, expected)) continue
      else if (!record) this.#silent('absence')
      else if (!expected) this.#wrong(`${name}/${key} is a deleted key with metadata ${record.metadata}`, 'resurrection')
      else if (this.#was(name, key, record) && this.#tags[record.metadata] === this.#tags[expected.metadata as number]) this.#count('an older record of the same tag')
      else if (this.#was(name, key, record)) this.#wrong(`${key} is of commit ${record.metadata}, not ${expected.metadata as number}`, 'stale value')
      else this.#wrong(`${name}/${key} is ${JSON.stringify(record)}, not ${JSON.stringify(expected)}`, 'wrong value')
    }
  }

  /** Whether a record was put under a key once, or became this by an update. */
  #was(name: string, key: string, { vector, metadata }: VectorRecord<number>): boolean {
    const operations = this.#commits.flatMap(commit => commit.collection === name ? commit.operations : []).filter(operation => operation.key === key)
    return operations.some(operation => operation.type === 'put' && isDeepStrictEqual(operation.vector, vector)) &&
      operations.some(operation => operation.type !== 'del' && operation.metadata === metadata)
  }

  #wrong(what: string, kind: string): void {
    this.#silent(kind)
    // One is enough to see.
    if (!this.#verdict.violations.some(said => said.includes(kind))) this.#verdict.violations.push(`${kind}: ${what}`)
  }

  /** An iteration gives what the single reads gave, or an error. */
  async #iterate(name: string, collection: Collection<number>, found: Map<string, Found>): Promise<void> {
    const seen = new Map<string, VectorRecord<number>>()
    const error = await typed(async () => {
      for await (const [key, record] of collection.entries()) seen.set(key, record)
    })
    if (error) this.#failed('iteration', error)
    for (const [key, record] of seen) {
      if (!isDeepStrictEqual(found.get(key), record)) this.#wrong(`iterating over ${name}, ${key} is ${JSON.stringify(record)}`, 'wrong iteration')
    }
    if (error) return
    for (const [key, record] of found) if (record && !seen.has(key)) this.#silent('absence in an iteration')
  }

  async #search(name: string, collection: Collection<number>, model: ModelCollection): Promise<void> {
    const random = new Random(model.records.size)
    const trained = this.#collections[name]!.codec === 'sq8'
    for (let i = 0; i < 4; i++) {
      const query = normalVector(random, 8)
      const exact = i % 2 === 0
      const options = exact ? { k: 10_000, exact } : { k: 20, ef: 4000 }
      const hits = await typed(async () => collection.search(query, options))
      if (hits instanceof VectorLevelError) {
        this.#failed('search', hits)
        continue
      }
      const nearest = model.searchSync(query, options)
      try {
        expectHonest(hits, model, query)
        if (hits.length < nearest.length && exact && this.#amiss) this.#silent('absence in a search')
        else if (exact || !trained) expectNearest(hits, nearest, model, query)
        else if (recallOf(hits, nearest, model, query) < 0.9) throw new Error(`recall is ${recallOf(hits, nearest, model, query)}`)
      } catch (error) {
        if (this.#amiss) this.#silent('wrong search of a store that lacks records')
        else this.#wrong(`searching ${name} with ${JSON.stringify(options)}: ${(error as Error).message}`, 'wrong search')
      }
    }
  }
}

async function readAll(collection: Collection<number>, keys: Set<string>): Promise<Map<string, Found>> {
  const found = new Map<string, Found>()
  for (const key of keys) {
    const record = await typed(() => collection.get(key))
    const has = await typed(() => collection.has(key))
    if (!(has instanceof Error) && !(record instanceof Error) && has !== (record !== undefined)) throw new Error(`get and has differ for ${key}`)
    found.set(key, record)
  }
  return found
}

/** Whether all that could be read is what the model holds, and at least half could. */
function isThis(found: Map<string, Found>, model: ModelCollection): boolean {
  let failed = 0
  for (const [key, record] of found) {
    if (record instanceof VectorLevelError) failed++
    else if (!isDeepStrictEqual(record, model.records.get(key))) return false
  }
  return failed * 2 <= found.size
}
