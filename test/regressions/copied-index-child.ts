import { BlockStore } from '../../storage/block-store.js'

// Writes an index, copies it, and replaces every block of the copy in its first transaction.

const directory = process.argv[2]!
const blocks = Array.from({ length: 2000 }, (_, place) => ({ place, bytes: new Uint8Array(4072) }))
const store = new BlockStore(`${directory}/original`)
store.write(blocks, new Map())
await store.copyTo(`${directory}/copy`)
await store.close()
const copy = new BlockStore(`${directory}/copy`)
copy.write(blocks, new Map())
if (!copy.read(1999, new Uint8Array(4072))) throw new Error('a block is missing')
await copy.close()
