/** Product quantisation (codecs/kernel/pq.ts), by its definitions, rounded to f32 where the kernel is. */

import {
  CODEBOOK_CENTERS, CODEBOOK_CENTROIDS, CODEBOOK_KEY_UNIT, CODEBOOK_ORDER, CODEBOOK_PARTS, CODEBOOK_STARTS, CODEBOOK_SYMMETRIC, LANES, MOST_ENTRY, MOST_SUM
} from '../../codecs/kernel/layout.js'
import type { Memory } from './memory.js'

const { fround } = Math

/** A query: a table a part; keys are sums of their entries, and stand for base + key * unit. */
export interface Tables {
  entries: Uint8Array
  base: number
  unit: number
}

/** A codebook in kernel memory. */
export class PqBook {
  readonly parts: number
  readonly centroids: number
  readonly #memory: Memory
  readonly #ptr: number

  constructor(memory: Memory, ptr: number) {
    this.#memory = memory
    this.#ptr = ptr
    this.parts = memory.u32(ptr + CODEBOOK_PARTS)
    this.centroids = memory.u32(ptr + CODEBOOK_CENTROIDS)
  }

  get rowBytes(): number {
    return this.centroids > LANES ? this.parts : Math.ceil(this.parts / 2)
  }

  /** Writes the tables of distances between the centroids of each part, and the unit of the keys of rows. */
  complete(isDot: boolean): void {
    const { parts } = this
    let sum = 0
    let widest = 0
    const above = Array.from({ length: parts }, (_, part) => {
      const all = this.#centroids(part)
      const distances = all.flatMap(point => all.map(center => distanceBetween(point, center, isDot)))
      const least = distances.reduce((a, b) => Math.min(a, b))
      const width = fround(distances.reduce((a, b) => Math.max(a, b)) - least)
      sum += width
      widest = Math.max(widest, width)
      return distances.map(distance => fround(distance - least))
    })
    const unit = this.#unitFor(widest, sum)
    this.#memory.setF32(this.#ptr + CODEBOOK_KEY_UNIT, unit)
    this.#memory.bytes.set(entriesOf(above, unit), this.#memory.u32(this.#ptr + CODEBOOK_SYMMETRIC))
  }

  encode(vector: Float32Array): Uint8Array {
    const row = new Uint8Array(this.rowBytes)
    for (let part = 0; part < this.parts; part++) {
      const distances = this.#measure(vector, part, false)
      const nearest = distances.indexOf(distances.reduce((least, distance) => (distance < least ? distance : least)))
      if (this.centroids > LANES) row[part] = nearest
      else row[part >> 1] |= nearest << (part & 1) * 4
    }
    return row
  }

  /** The tables of a vector. */
  tablesOf(vector: Float32Array, isDot: boolean): Tables {
    const { parts } = this
    const measured = Array.from({ length: parts }, (_, part) => this.#measure(vector, part, isDot))
    let base = 0
    let sum = 0
    let widest = 0
    const above = measured.map(distances => {
      const least = distances.reduce((a, b) => Math.min(a, b))
      const width = fround(distances.reduce((a, b) => Math.max(a, b)) - least)
      base = fround(base + least)
      sum += width
      widest = Math.max(widest, width)
      return distances.map(distance => fround(distance - least))
    })
    const unit = this.#unitFor(widest, sum)
    return { entries: entriesOf(above, unit), base, unit }
  }

  /** The tables of a stored row. */
  tablesOfRow(row: Uint8Array): Uint8Array {
    const { parts, centroids } = this
    const entries = new Uint8Array(parts * centroids)
    const symmetric = this.#memory.u32(this.#ptr + CODEBOOK_SYMMETRIC)
    for (let part = 0; part < parts; part++) {
      entries.set(this.#memory.copy(symmetric + (part * centroids + this.#numberIn(row, part)) * centroids, centroids), part * centroids)
    }
    return entries
  }

  key(entries: Uint8Array, row: Uint8Array): number {
    let sum = 0
    for (let part = 0; part < this.parts; part++) sum += entries[part * this.centroids + this.#numberIn(row, part)]
    return sum
  }

  #numberIn(row: Uint8Array, part: number): number {
    return this.centroids > LANES ? row[part] : (row[part >> 1] >> (part & 1) * 4) & 15
  }

  #unitFor(widest: number, sum: number): number {
    return Math.max(fround(widest / MOST_ENTRY), fround(sum / (MOST_SUM - this.parts)))
  }

  /** The distances of a part of a vector to its centroids. */
  #measure(vector: Float32Array, part: number, isDot: boolean): number[] {
    const { start, count } = this.#place(part)
    const order = this.#memory.u32(this.#ptr + CODEBOOK_ORDER)
    const point = Array.from({ length: count }, (_, i) => vector[this.#memory.u32(order + 4 * (start + i))])
    return this.#centroids(part).map(center => distanceBetween(point, center, isDot))
  }

  #centroids(part: number): number[][] {
    const { start, count } = this.#place(part)
    const centers = this.#memory.u32(this.#ptr + CODEBOOK_CENTERS) + start * this.centroids * 4
    return Array.from({ length: this.centroids }, (_, i) =>
      Array.from({ length: count }, (_, j) => this.#memory.f32(centers + ((Math.floor(i / LANES) * count + j) * LANES + i % LANES) * 4)))
  }

  /** The place of the first component of a part, and how many it has. */
  #place(part: number): { start: number, count: number } {
    const starts = this.#memory.u32(this.#ptr + CODEBOOK_STARTS) + 4 * part
    const start = this.#memory.u32(starts)
    return { start, count: this.#memory.u32(starts + 4) - start }
  }
}

/** Squared L2, or the negated product; summed in the order of the components. */
function distanceBetween(point: number[], center: number[], isDot: boolean): number {
  let sum = 0
  for (let i = 0; i < point.length; i++) {
    const difference = fround(point[i] - center[i])
    sum = fround(isDot ? sum - fround(point[i] * center[i]) : sum + fround(difference * difference))
  }
  return sum
}

/** Distances as entries of tables, one behind the other. */
function entriesOf(above: number[][], unit: number): Uint8Array {
  const inverse = unit > 0 ? fround(1 / unit) : 0
  return Uint8Array.from(above.flat(), distance => Math.min(255, halfToEven(fround(distance * inverse))))
}

function halfToEven(value: number): number {
  const floor = Math.floor(value)
  if (value - floor !== 0.5) return Math.round(value)
  return floor % 2 === 0 ? floor : floor + 1
}
