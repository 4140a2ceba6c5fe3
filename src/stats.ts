import type { CodecName, Metric } from '../codecs/codec.js'
import type { GraphOptions, Store } from '../index/graph.js'
import { SLAB_BYTES } from '../storage/arena.js'
import type { CacheCounts } from '../storage/block-cache.js'
import { checkDeadline, type Deadline, DEADLINE_OPTIONS, type DeadlineOptions } from './deadline.js'
import type { Engine, OpenCollection } from './engine.js'
import { type GraphHealth, measureHealth, probeHealth } from './health.js'
import { boolean, checkNames } from './options.js'
import type { Session } from './session.js'

export interface StatsOptions extends DeadlineOptions {
  /** Whether to walk over all nodes and to measure recall, instead of taking a sample: seconds for 100,000 records. */
  exact?: boolean
}

export interface CollectionStats extends GraphHealth {
  name: string
  /** Records. */
  count: number
  dimensions: number
  metric: Metric
  /** Of the codes in use; and the one that recode() has codes made of to take their place, undefined when there is none. */
  codec: CodecName
  nextCodec: CodecName | undefined
  /** What is kept of vectors. */
  store: Store
  /** Whether codes are in use: before enough vectors are there to train on, search is exact. */
  trained: boolean
  /**
   * How badly codes fit what is written now, as a share of what is tolerated: above 1 another codebook is looked for, and taken when it fits
   * much better. 0 where codes are exact, or not in use yet.
   */
  drift: number
  /**
   * How much of the codes was made again, from 0 to 1, while that is under way: with another codebook, with each vector that is written; or by another codec,
   * in the background.
   */
  recoding: number | undefined
  /** Vectors that are searched by scanning, because they are not linked into the graph yet. */
  unlinked: number
  /** Nodes whose records were replaced or deleted, and that are still to be taken out of the graph. No search returns them. */
  tombstones: number
  /** Nodes that are to be linked, or begun to be taken out, in the background; 0 when what is left waits for more to come. */
  pending: number
  /** Upper levels of the graph. */
  levels: number
  /** Bytes of a vector in the graph and its codes. */
  bytesPerVector: { code: number, neighbors: number }
}

/** What blocks hold: vectors as they are searched, neighbors on level 0 and above, states of ordinals, and full vectors with keys and metadata. */
const CACHE_KINDS = { codes: ['codes', 'recodes'], neighbors: ['base'], upperLevels: ['upper'], states: ['states'], records: ['records'] } as const
export type CacheKind = keyof typeof CACHE_KINDS

/** What became of a cache, or of a part of it; frames, and bytes of them. */
export interface CacheUse extends CacheCounts {
  /** The share of accesses that found their block; undefined when there were none. Since the database was opened: take differences of counts for a while of it. */
  hitRatio: number | undefined
}

export interface CacheStats extends CacheUse {
  /** cacheSize in whole slabs of 64 KiB, to which `bytes` add up. */
  limit: number
  /** Threads that read blocks beside the calling one: there are some as soon as much is missed by an index that is larger than the cache. */
  readers: number
  kinds: Record<CacheKind, CacheUse>
  bytes: {
    /** Blocks, and frames that have none at the moment. */
    blocks: number
    emptyFrames: number
    /** In which full vectors, keys and metadata of records are kept. */
    records: number
    /** Where each block is; what threads work with; codebooks; and queries, batches that are linked, and the like. */
    tables: number
    scratch: number
    codebooks: number
    other: number
    /** What nobody has. */
    free: number
  }
}

export interface DatabaseStats {
  /** Operations since the store was created; and up to which of them the index on disk is complete. */
  sequence: number
  watermark: number
  /** Bytes on disk: of records, keys and log (LevelDB), of the index (LMDB), and of its pages that hold nothing. */
  bytes: { records: number, index: number, free: number }
  /** Why writes are refused until the database is opened again or repaired; undefined when they are not. */
  damage: string | undefined
  cacheSize: number
  cache: CacheStats
  collections: CollectionStats[]
}

const NOTHING: GraphHealth = { unreachable: 0, probeRecall: undefined }

export interface StatsSettings {
  exact: boolean
  deadline: Deadline
}

export function checkStatsOptions(options: StatsOptions): StatsSettings {
  checkNames(options, ['exact', ...DEADLINE_OPTIONS])
  return { exact: boolean('exact', options.exact ?? false), deadline: checkDeadline('measuring', options) }
}

export async function databaseStats({ engine }: Session): Promise<DatabaseStats> {
  const probed = await Promise.all(engine.storedCollections.map(async collection => ({ collection, health: await probeHealth(engine, collection.graph) })))
  const records = await engine.truth.byteLength()
  const { head, watermark, settings } = engine
  const index = engine.blocks!.size()
  return {
    sequence: head.sequence,
    watermark: watermark.sequence,
    bytes: { records, index: index.bytes, free: index.free },
    damage: engine.damage?.message,
    cacheSize: settings.cacheSize,
    cache: cacheStats(engine),
    collections: probed.map(({ collection, health }) => statsOf(collection.name, collection.options, collection, health))
  }
}

/** Cost: microseconds, and a look at a byte of each block; no block is read for it. */
export function cacheStats({ arena, cache, readers }: Engine): CacheStats {
  const useOf = (kinds?: readonly string[]): CacheUse => {
    const counts = cache.counts(kinds)
    const accesses = counts.hits + counts.misses
    return { ...counts, hitRatio: accesses ? counts.hits / accesses : undefined }
  }
  const all = useOf()
  const kinds = Object.fromEntries(Object.entries(CACHE_KINDS).map(([kind, spaces]) => [kind, useOf(spaces)])) as Record<CacheKind, CacheUse>
  const { tables, scratch, codebooks } = arena.used
  const blocks = all.residentBytes - kinds.records.residentBytes
  const free = arena.free * SLAB_BYTES
  const other = arena.bytes.length - free - cache.frameBytes - cache.keptBytes - tables - scratch - codebooks
  const bytes = { blocks, emptyFrames: cache.frameBytes - blocks, records: cache.keptBytes, tables, scratch, codebooks, other, free }
  return { ...all, limit: arena.bytes.length, readers: readers?.size ?? 0, kinds, bytes }
}

/** Of a collection, undefined when nothing is stored in it. @throws {VectorLevelError} VECTOR_ABORTED, VECTOR_DATABASE_NOT_OPEN */
export async function collectionStats(
  { engine, writer }: Session, name: string, options: GraphOptions, collection: OpenCollection | undefined, { exact, deadline }: StatsSettings
): Promise<CollectionStats> {
  deadline.check()
  if (!collection) return statsOf(name, options, collection, NOTHING)
  const health = exact
    ? await writer.walk(() => measureHealth(engine, collection, deadline))
    : await deadline.limit(probeHealth(engine, collection.graph), () => true)
  return statsOf(name, options, collection, health)
}

function statsOf(name: string, { dimensions, metric, codec, store }: GraphOptions, collection: OpenCollection | undefined, health: GraphHealth): CollectionStats {
  const graph = collection?.graph
  return {
    name,
    count: graph?.live ?? 0,
    dimensions: collection?.options.dimensions ?? dimensions,
    metric: collection?.options.metric ?? metric,
    codec: graph?.options.codec ?? codec,
    nextCodec: graph?.next?.codec,
    store: collection?.options.store ?? store,
    trained: graph?.trained ?? false,
    drift: graph?.drift ?? 0,
    recoding: graph?.recoded,
    unlinked: graph?.unlinked ?? 0,
    tombstones: graph ? graph.ghosts + graph.unremoved : 0,
    pending: graph?.pending ?? 0,
    ...health,
    levels: graph?.levels ?? 0,
    bytesPerVector: { code: graph?.rowBytes.codes ?? 0, neighbors: graph?.rowBytes.base ?? 0 }
  }
}
