import type { Slices } from '../floor/slices.js'
import { lineUp } from '../index/line-up.js'
import type { OpenCollection } from './engine.js'
import type { KeyOperation, WriteOperation } from './write-operation.js'

type Put = KeyOperation & Required<Pick<KeyOperation, 'put'>>

/**
 * The operations of a batch with its puts in an order in which like vectors follow each other (index/line-up.ts). What it comes to is the same: where a key occurs more
 * than once, its operations stay where they are.
 */
export function* withLocalPuts(operations: WriteOperation[]): Slices<WriteOperation[]> {
  const arranged = [...operations]
  for (const [{ options: { metric }, graph }, places] of yield* placesOfPuts(operations)) {
    const vectors = places.map(place => (operations[place] as Put).put.vector)
    const order = yield* lineUp(vectors, metric, graph[graph.codeKind].rowsPerBlock)
    for (const [i, at] of order.entries()) arranged[places[i]!] = operations[places[at]!]!
  }
  return arranged
}

/** Where the puts of each collection stand whose keys occur once. */
function* placesOfPuts(operations: WriteOperation[]): Slices<Map<OpenCollection, number[]>> {
  /** Of each key of a collection the only place; or that it has several. */
  const found = new Map<OpenCollection, Map<string, number | undefined>>()
  for (const [place, operation] of operations.entries()) {
    yield
    if (!('key' in operation)) continue
    const { collection } = operation
    let keys = found.get(collection)
    if (!keys) found.set(collection, keys = new Map())
    const key = operation.key.toString('latin1')
    keys.set(key, keys.has(key) ? undefined : place)
  }
  const isPut = (place: number | undefined): place is number => place !== undefined && (operations[place] as KeyOperation).put !== undefined
  return new Map([...found].map(([collection, keys]) => [collection, [...keys.values()].filter(isPut)]))
}
