import { mkdirSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { VectorLevelError } from '../../floor/errors.js'
import { BlockStore, dataFile } from '../../storage/block-store.js'

/** Opens copies of a data file that has one bit flipped each, reads, writes and copies them; says each bit before. */
const [directory, bits] = [process.argv[2]!, JSON.parse(process.argv[3]!) as number[]]
const whole = readFileSync(dataFile(directory))

for (const bit of bits) {
  writeSync(1, `${bit}\n`)
  const copy = join(directory, `flipped-${bit}`)
  mkdirSync(copy)
  const bytes = Buffer.from(whole)
  bytes[bit >> 3]! ^= 1 << (bit & 7)
  writeFileSync(dataFile(copy), bytes)
  try {
    const store = new BlockStore(copy)
    for (let place = 0; place < 200; place++) store.read(place, Buffer.alloc(place % 50 ? 4072 : 16360))
    for (let round = 0; round < 2; round++) {
      const blocks = Array.from({ length: 29 }, (_, i) => ({ place: 7 * i, bytes: Buffer.alloc(7 * i % 50 ? 4072 : 16360, round) }))
      store.write(blocks, new Map([['checkpoint', Buffer.alloc(300)]]))
    }
    await store.copyTo(join(copy, 'copy'))
    await store.close()
  } catch (error) {
    if (!(error instanceof VectorLevelError)) throw error
  }
  rmSync(copy, { recursive: true })
}
