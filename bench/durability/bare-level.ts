import { ClassicLevel } from 'classic-level'

/** Entries of one put, each a key and a value of as many bytes as the database writes for it. */
export interface EntryBytes {
  key: number
  value: number
}

/**
 * What one fsync for each group allows: LevelDB alone, with callers whose puts are gathered into one synced batch while the one before is on
 * its way. Nothing is checked, encoded or indexed. Returns puts a second.
 */
export async function bareLevel(directory: string, callers: number, count: number, entries: EntryBytes[]): Promise<number> {
  const level = new ClassicLevel<Buffer, Buffer>(directory, { keyEncoding: 'buffer', valueEncoding: 'buffer', compression: false, writeBufferSize: 16 << 20 })
  await level.open()
  const values = entries.map(({ value }) => Buffer.alloc(value, 7))
  let waiting: (() => void)[] = []
  let written = 0
  let running = false
  const run = async (): Promise<void> => {
    running = true
    while (waiting.length) {
      const group = waiting
      waiting = []
      const batch = level.batch()
      for (let i = 0; i < group.length; i++) {
        for (const [part, { key }] of entries.entries()) {
          const name = Buffer.alloc(key, part)
          name.writeUInt32BE(written, key - 4)
          batch.put(name, values[part])
        }
        written++
      }
      await batch.write({ sync: true } as object)
      for (const resolve of group) resolve()
      await new Promise(resolve => setImmediate(resolve))
    }
    running = false
  }
  const put = (): Promise<void> => new Promise(resolve => {
    waiting.push(resolve)
    if (!running) void run()
  })
  const started = performance.now()
  let left = count
  await Promise.all(Array.from({ length: callers }, async () => {
    while (left-- > 0) await put()
  }))
  const seconds = (performance.now() - started) / 1000
  await level.close()
  return count / seconds
}
