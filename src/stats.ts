import type { CodecName, Metric } from '../codecs/codec.js'
import type { GraphOptions } from '../index/graph.js'
import type { CacheCounts } from '../storage/block-cache.js'
import type { Engine, OpenCollection } from './engine.js'
import { type GraphHealth, measureHealth, probeHealth } from './health.js'
import { checkNames } from './options.js'
import type { Session } from './session.js'

export interface StatsOptions {
  /** Whether to walk over all nodes and to measure recall, instead of taking a sample: seconds for 100,000 records. */
  exact?: boolean
  signal?: AbortSignal
}

export interface CollectionStats extends GraphHealth {
  name: string
  /** Records. */
  count: number
  dimensions: number
  metric: Metric
  codec: CodecName
  /** Whether codes are in use: before enough vectors are there to train on, search is exact. */
  trained: boolean
  /**
   * How badly codes fit what is written now, as a share of what is tolerated: above 1 another codebook is looked for, and taken when it fits
   * much better. 0 where codes are exact, or not in use yet.
   */
  drift: number
  /** How much of the codes was made again with another codebook, from 0 to 1, while that is under way: with each vector that is written. */
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

export interface DatabaseStats {
  /** Operations since the store was created; and up to which of them the index on disk is complete. */
  sequence: number
  watermark: number
  /** Bytes on disk: of records, keys and log (LevelDB), of the index (LMDB), and of its pages that hold nothing. */
  bytes: { records: number, index: number, free: number }
  /** Why writes are refused until the database is opened again or repaired; undefined when they are not. */
  damage: string | undefined
  cacheSize: number
  cache: CacheCounts
  collections: CollectionStats[]
}

const NOTHING: GraphHealth = { unreachable: 0, probeRecall: undefined }
const OPTIONS = ['exact', 'signal']

export async function databaseStats({ engine }: Session): Promise<DatabaseStats> {
  const { truth, head, watermark, settings } = engine
  const index = engine.blocks!.size()
  return {
    sequence: head.sequence,
    watermark: watermark.sequence,
    bytes: { records: await truth.byteLength(), index: index.bytes, free: index.free },
    damage: engine.damage?.message,
    cacheSize: settings.cacheSize,
    cache: engine.cache.counts(),
    collections: engine.storedCollections.map(collection => collectionStats(engine, collection.name, collection.options, collection))
  }
}

function collectionStats(
  engine: Engine, name: string, { dimensions, metric, codec }: GraphOptions, collection: OpenCollection | undefined
): CollectionStats {
  const graph = collection?.graph
  return {
    name,
    count: graph?.live ?? 0,
    dimensions: collection?.options.dimensions ?? dimensions,
    metric: collection?.options.metric ?? metric,
    codec: collection?.options.codec ?? codec,
    trained: graph?.trained ?? false,
    drift: graph?.drift ?? 0,
    recoding: graph?.recoded,
    unlinked: graph?.unlinked ?? 0,
    tombstones: graph ? graph.ghosts + graph.unremoved : 0,
    pending: graph?.pending ?? 0,
    ...graph ? probeHealth(engine, graph) : NOTHING,
    levels: graph?.levels ?? 0,
    bytesPerVector: { code: graph?.rowBytes.codes ?? 0, neighbors: graph?.rowBytes.base ?? 0 }
  }
}

/** collectionStats, of which `exact` measures what is else an estimate. @throws {VectorLevelError} VECTOR_ABORTED */
export async function measuredStats(
  { engine, writer }: Session, name: string, options: GraphOptions, collection: OpenCollection | undefined, given: StatsOptions
): Promise<CollectionStats> {
  checkNames(given, OPTIONS)
  const stats = collectionStats(engine, name, options, collection)
  if (!given.exact || !collection) return stats
  return { ...stats, ...await writer.walk(() => measureHealth(engine, collection, given.signal)) }
}
