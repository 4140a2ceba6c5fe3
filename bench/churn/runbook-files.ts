import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { readMatrix, rowOf, writeMatrix, type Matrix } from '../data/fbin-file.js'
import { places } from '../places.js'
import type { PolicyName } from './policies.js'
import type { Runbook } from './runbook.js'

/** Which runbook it is: all else about it is the same everywhere. */
export interface RunbookName {
  dataset: string
  policy: PolicyName
  count: number
  rounds: number
  /** The first of the data set's queries. */
  queries: number
}

/** The part of the vectors that each round changes. */
export const share = 0.1
export const k = 10
export const seed = 20260401

export interface PreparedRunbook extends Runbook {
  /** Of each moment the keys of all queries' neighbors. */
  truth: Matrix<Int32Array>
}

export function isPrepared(name: RunbookName): boolean {
  return existsSync(fileOf(name, 'truth'))
}

export async function writeRunbook(name: RunbookName, { start, rounds, truth }: PreparedRunbook): Promise<void> {
  await writeMatrix(fileOf(name, 'start'), { count: 1, dim: start.length, values: start })
  await writeMatrix(fileOf(name, 'deletes'), matrixOf(rounds.map(({ deletes }) => deletes)))
  await writeMatrix(fileOf(name, 'puts'), matrixOf(rounds.map(({ puts }) => puts)))
  // The last one says that all are there.
  await writeMatrix(fileOf(name, 'truth'), truth)
}

export async function readRunbook(name: RunbookName): Promise<PreparedRunbook> {
  const read = (part: string): Promise<Matrix<Int32Array>> => readMatrix(fileOf(name, part), (length) => new Int32Array(length))
  const [start, deletes, puts, truth] = [await read('start'), await read('deletes'), await read('puts'), await read('truth')]
  const rounds = Array.from({ length: puts.count }, (_, i) => ({ deletes: rowOf(deletes, i), puts: rowOf(puts, i) }))
  return { start: start.values, rounds, truth }
}

/** The exact neighbors of each query at one moment. */
export function truthAt({ truth }: PreparedRunbook, moment: number): Matrix<Int32Array> {
  return { count: truth.dim / k, dim: k, values: rowOf(truth, moment) }
}

function fileOf({ dataset, policy, count, rounds, queries }: RunbookName, part: string): string {
  return join(places.cache, 'churn', `${dataset}.first-${count}.${policy}-${seed}-${rounds}x${queries}.${part}.ibin`)
}

function matrixOf(rows: readonly Int32Array[]): Matrix<Int32Array> {
  const dim = rows[0].length
  const values = new Int32Array(rows.length * dim)
  rows.forEach((row, i) => values.set(row, i * dim))
  return { count: rows.length, dim, values }
}
