import { existsSync } from 'node:fs'
import type { Dataset } from './data/dataset.js'
import { readMatrix, type Matrix } from './data/fbin-file.js'
import { glove } from './data/glove.js'
import { ensureGroundTruth, groundTruthFile } from './data/ground-truth.js'
import { mnist } from './data/mnist.js'
import { largeSynth, smallSynth, synth } from './data/synth.js'

export const datasets: readonly Dataset[] = [glove, mnist, synth, smallSynth, largeSynth]

/** @throws {RangeError} when there is no such data set */
export function datasetOf(name: string): Dataset {
  const dataset = datasets.find((candidate) => candidate.name === name)
  if (dataset !== undefined) return dataset
  throw new RangeError(`no data set ${name}; there are ${datasets.map((each) => each.name).join(', ')}`)
}

/**
 * Makes the data set's files in the cache folder, unless they are there.
 *
 * @throws {DataUnavailableError} when they would have to be fetched and cannot be
 */
export async function ensureDataset(dataset: Dataset): Promise<void> {
  if (!Object.values(dataset.files).every(existsSync)) await dataset.make()
}

/** Makes all that a bench needs to search the first `count` vectors: data and exact neighbors. */
export async function ensureBenchData(dataset: Dataset, count: number): Promise<void> {
  await ensureDataset(dataset)
  await ensureGroundTruth(dataset, count)
}

export async function readQueries(dataset: Dataset): Promise<Matrix> {
  return readMatrix(dataset.files.query, (components) => new Float32Array(components))
}

export async function readGroundTruth(dataset: Dataset, count: number): Promise<Matrix<Int32Array>> {
  return readMatrix(groundTruthFile(dataset, count), (components) => new Int32Array(components))
}
