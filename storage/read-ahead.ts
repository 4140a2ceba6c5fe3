import { open } from 'node:fs/promises'

const CHUNK = 1 << 20

/**
 * Has the system read the beginning of a file into its memory, one piece after the other, in a thread of the pool: so those who read pages here and there
 * need not wait for the disk at each of them. Nothing depends on it, so what fails is not told.
 *
 * The first search after the files had been dropped from memory: of 340,000 words 43 ms, without it 66; of 50,000 vectors of 1,536 dimensions 38 and 83.
 */
export class ReadAhead {
  readonly #done: Promise<void>
  #ends = false

  constructor(file: string, byteLength: number) {
    this.#done = this.#read(file, byteLength).catch(() => undefined)
  }

  /** Resolves when the file is closed. */
  async close(): Promise<void> {
    this.#ends = true
    await this.#done
  }

  async #read(file: string, byteLength: number): Promise<void> {
    const handle = await open(file, 'r')
    try {
      const chunk = Buffer.allocUnsafeSlow(CHUNK)
      for (let at = 0; at < byteLength && !this.#ends; at += CHUNK) {
        const { bytesRead } = await handle.read(chunk, 0, Math.min(CHUNK, byteLength - at), at)
        if (bytesRead < CHUNK) break
      }
    } finally {
      await handle.close()
    }
  }
}
