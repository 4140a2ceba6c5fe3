import type { BatchOperation, Collection, Hit, VectorLevel, VectorRecord } from '../../src/index.js'

/** Never run: that this file compiles is the test. What must not compile says so. */
export async function metadataIsTyped(db: VectorLevel): Promise<void> {
  interface Word { pos: 'noun' | 'verb', count?: number }
  const words: Collection<Word> = db.collection<Word>('words', { dimensions: 3 })

  await words.put('king', [1, 2, 3], { pos: 'noun' })
  await words.put('king', Float32Array.of(1, 2, 3), { pos: 'noun', count: 7 })
  await words.put('king', [1, 2, 3])
  // @ts-expect-error: another part of speech
  await words.put('king', [1, 2, 3], { pos: 'adverb' })
  // @ts-expect-error: no part of speech
  await words.put('king', [1, 2, 3], {})
  // @ts-expect-error: a vector is of numbers
  await words.put('king', ['1', '2', '3'], { pos: 'noun' })
  // @ts-expect-error: a vector is no bytes
  await words.put('king', new Uint8Array(3), { pos: 'noun' })

  const record: VectorRecord<Word> | undefined = await words.get('king')
  // @ts-expect-error: there may be no such record
  record.metadata
  const pos: 'noun' | 'verb' | undefined = record?.metadata.pos
  const count: number | undefined = record?.metadata.count
  const vector: Float32Array | undefined = record?.vector

  const operations: BatchOperation<Word>[] = [{ type: 'put', key: 'go', vector: [1, 2, 3], metadata: { pos: 'verb' } }, { type: 'del', key: 'king' }]
  await words.batch(operations)
  await words.batch([{ type: 'updateMetadata', key: 'king', metadata: { pos: 'noun' } }, { type: 'updateMetadata', key: 'go', metadata: undefined }])
  const updated: boolean = await words.updateMetadata('king', { pos: 'noun', count: 8 })
  await words.updateMetadata('king', undefined)
  // @ts-expect-error: another part of speech
  await words.updateMetadata('king', { pos: 'adverb' })
  // @ts-expect-error: that it is cleared has to be said
  await words.updateMetadata('king')
  // @ts-expect-error: the vector stays
  await words.batch([{ type: 'updateMetadata', key: 'king', vector: [1, 2, 3], metadata: { pos: 'noun' } }])
  // @ts-expect-error: a deletion has no vector
  await words.batch([{ type: 'del', key: 'king', vector: [1, 2, 3] }])
  // @ts-expect-error: a put has one
  await words.batch([{ type: 'put', key: 'king', metadata: { pos: 'noun' } }])

  const hits: Hit<Word>[] = await words.search([1, 2, 3], { k: 3, ef: 100, maxDistance: 1, exact: true, metadata: true })
  const nearest: Hit<Word>[] = words.searchSync([1, 2, 3])
  const alike: Hit<Word>[] | undefined = await words.searchByKey('king')
  const many: Hit<Word>[][] = await words.searchMany([[1, 2, 3], Float32Array.of(1, 2, 3)])
  for (const { key, distance, metadata } of [...hits, ...nearest, ...alike ?? [], ...many.flat()]) said(key, distance, metadata.pos)
  // @ts-expect-error: options are known by name
  await words.search([1, 2, 3], { limit: 3 })

  for await (const key of words.keys({ gte: 'a', limit: 3, reverse: true })) said(key)
  for await (const { metadata } of words.values()) said(metadata.pos)
  for await (const [key, { metadata: { count } }] of words.entries()) said(key, count)

  const anything = db.collection('anything', { dimensions: 3, metric: 'l2', codec: 'f32' })
  await anything.put('a', [1, 2, 3], [1n, new Date(), null])
  const metadata: unknown = (await anything.get('a'))?.metadata
  // @ts-expect-error: nothing is known of it
  said(metadata.length)
  // @ts-expect-error: dimensions are always said
  db.collection('anything', { metric: 'l2' })
  // @ts-expect-error: there is no such metric
  db.collection('anything', { dimensions: 3, metric: 'manhattan' })

  db.on('checkpoint', ({ sequence }) => said(sequence.toFixed()))
  db.on('write', ({ collection, operations }) => said(collection.length, operations.toFixed()))
  // @ts-expect-error: there is no such event
  db.on('compacted', () => undefined)
  await using scoped: VectorLevel = db
  said(pos, count, vector, updated, scoped.status satisfies 'opening' | 'open' | 'closing' | 'closed')
}

declare function said(...values: unknown[]): void
