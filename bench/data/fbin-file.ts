import { open, type FileHandle } from 'node:fs/promises'
import { writeAtomically } from './atomic-file.js'
import { decodeHeader, encodeHeader, headerByteLength, offsetOfRow, type Shape } from './fbin-format.js'

type Values = Float32Array | Int32Array

/** A matrix in memory; row `i` is `values[i * dim .. (i + 1) * dim]`. */
export interface Matrix<V extends Values = Float32Array> extends Shape {
  values: V
}

/** Lends row `i`: a view into the matrix, not a copy. */
export function rowOf<V extends Values>(matrix: Matrix<V>, i: number): V {
  return matrix.values.subarray(i * matrix.dim, (i + 1) * matrix.dim) as V
}

/** An .fbin file that is read a few rows at a time, so that data larger than memory can be streamed. */
export class FbinFile {
  readonly count: number
  readonly dim: number
  readonly #handle: FileHandle

  private constructor(handle: FileHandle, shape: Shape) {
    this.#handle = handle
    this.count = shape.count
    this.dim = shape.dim
  }

  static async open(file: string): Promise<FbinFile> {
    const handle = await open(file, 'r')
    try {
      const header = new Uint8Array(headerByteLength)
      const { bytesRead } = await handle.read(header, 0, headerByteLength, 0)
      return new FbinFile(handle, decodeHeader(header.subarray(0, bytesRead), (await handle.stat()).size))
    } catch (cause) {
      await handle.close()
      throw new Error(`cannot read ${file}; delete it, and it is made anew`, { cause })
    }
  }

  /** Fills `values` with the rows from `first` on. */
  async read(first: number, values: Values): Promise<void> {
    const bytes = bytesOf(values)
    const start = offsetOfRow(first, this.dim)
    // One read call returns 2 GiB at most.
    for (let done = 0; done < bytes.byteLength; ) {
      const part = Math.min(bytes.byteLength - done, 2 ** 30)
      const { bytesRead } = await this.#handle.read(bytes, done, part, start + done)
      if (bytesRead === 0) throw new RangeError(`rows from ${first} on end after ${done} of ${bytes.byteLength} bytes`)
      done += bytesRead
    }
  }

  /** The file's rows in order, `blockCount` at a time; each block is a fresh array. */
  async *blocks(blockCount: number, count = this.count): AsyncGenerator<Matrix & { first: number }> {
    for (let first = 0; first < count; first += blockCount) {
      const rows = Math.min(blockCount, count - first)
      const values = new Float32Array(rows * this.dim)
      await this.read(first, values)
      yield { first, count: rows, dim: this.dim, values }
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/** Reads the first `count` rows; into `make(components)` when the caller wants another kind of memory. */
export async function readMatrix<V extends Values>(
  file: string,
  make: (components: number) => V,
  count?: number
): Promise<Matrix<V>> {
  const source = await FbinFile.open(file)
  try {
    const rows = Math.min(count ?? source.count, source.count)
    const values = make(rows * source.dim)
    await source.read(0, values)
    return { count: rows, dim: source.dim, values }
  } finally {
    await source.close()
  }
}

const writeBlockCount = 1_000

/** Writes `fill(row, out, at)` for each row, a block at a time, as one file that appears when it is whole. */
export async function writeRows(
  file: string,
  shape: Shape,
  fill: (row: number, out: Float32Array, at: number) => void
): Promise<void> {
  await writeAtomically(file, async (handle) => {
    await handle.write(encodeHeader(shape))
    for (let first = 0; first < shape.count; first += writeBlockCount) {
      const block = new Float32Array(Math.min(writeBlockCount, shape.count - first) * shape.dim)
      for (let at = 0; at < block.length; at += shape.dim) fill(first + at / shape.dim, block, at)
      await handle.write(bytesOf(block))
    }
  })
}

/** Writes a matrix that is in memory. */
export async function writeMatrix(file: string, matrix: Matrix<Values>): Promise<void> {
  await writeAtomically(file, async (handle) => {
    await handle.write(encodeHeader(matrix))
    await handle.write(bytesOf(matrix.values))
  })
}

function bytesOf(values: Values): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
}
