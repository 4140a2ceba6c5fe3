import * as assert from 'uvu/assert'
import type { Hit, Metric } from '../../src/index.js'
import { distance } from './distance.js'

interface Version {
  vector: Float32Array | undefined
  metadata: unknown
  /** When it was written, and by when: what is asked in between may find it or what was before it. */
  called: number
  acknowledged: number
}

/** What records were when, as far as who writes them can know: for searches that run while others write. */
export class Versions {
  readonly metric: Metric
  readonly #keys = new Map<string, Version[]>()
  #now = 0

  constructor(metric: Metric) {
    this.metric = metric
  }

  /** A moment, later than all before. */
  now(): number {
    return ++this.#now
  }

  /** What a key is, for who wrote it last. */
  latest(key: string): Version | undefined {
    const version = this.#keys.get(key)?.at(-1)
    return version?.vector && version
  }

  get live(): [key: string, version: Version][] {
    return [...this.#keys].flatMap(([key, versions]) => versions.at(-1)!.vector ? [[key, versions.at(-1)!]] : [])
  }

  /** Writes versions, all at once; one writer a key. Returns what is to be called when that is acknowledged. */
  write(changes: Map<string, { vector: Float32Array | undefined, metadata: unknown }>): () => void {
    const called = this.now()
    const written = [...changes].map(([key, { vector, metadata }]): Version => {
      const version = { vector, metadata, called, acknowledged: Infinity }
      const versions = this.#keys.get(key)
      if (versions) versions.push(version)
      else this.#keys.set(key, [version])
      return version
    })
    return () => {
      const acknowledged = this.now()
      for (const version of written) version.acknowledged = acknowledged
    }
  }

  /** A search of between `begun` and now must have found this: `k` hits, each of them right at some moment, and none of them twice; all that is near, when it was exact. */
  expect(hits: Hit<unknown>[], query: Float32Array, k: number, begun: number, exact: boolean): void {
    const ended = this.now()
    assert.is(new Set(hits.map(({ key }) => key)).size, hits.length, 'each key once')
    for (const [i, hit] of hits.entries()) {
      if (i) assert.ok(hit.distance >= hits[i - 1]!.distance, 'nearest first')
      const versions = (this.#keys.get(hit.key) ?? []).filter((_, at, all) => this.#mayBeFound(all, at, begun, ended))
      assert.ok(versions.some(({ vector, metadata }) => metadata === hit.metadata && isNear(distance(this.metric, query, vector!), hit.distance)),
        `'${hit.key}' at ${hit.distance} with ${String(hit.metadata)} is none of ${versions.map(({ vector, metadata, called, acknowledged }) =>
          `${distance(this.metric, query, vector!)} with ${String(metadata)} (${called} to ${acknowledged})`).join(', ')}, between ${begun} and ${ended}`)
    }
    const last = hits.length < k ? Infinity : hits.at(-1)!.distance
    const found = new Set(hits.map(({ key }) => key))
    for (const [key, versions] of this.#keys) {
      if (!exact && hits.length === k) break
      const at = versions.findIndex((version, at) => version.acknowledged < begun && (versions[at + 1]?.called ?? Infinity) > ended)
      const version = versions[at]
      if (!version?.vector || found.has(key)) continue
      const missed = distance(this.metric, query, version.vector)
      assert.ok(missed > last || isNear(missed, last), `'${key}' at ${missed} was not found, the last of ${hits.length} is ${last} away`)
    }
  }

  #mayBeFound(versions: Version[], at: number, begun: number, ended: number): boolean {
    const { vector, called } = versions[at]!
    return vector !== undefined && called < ended && (versions[at + 1]?.acknowledged ?? Infinity) > begun
  }
}

function isNear(a: number, b: number): boolean {
  return Math.abs(a - b) <= 1e-3 * Math.max(1, Math.abs(a))
}
