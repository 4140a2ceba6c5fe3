/** Insertion of one node, and the tree of protected edges that keeps the graph connected. Told in kernel/insert.ts. */

import { ROW_BELOW, ROW_LEVEL, ROW_ORDINAL } from '../kernel/layout.js'
import type { GraphRows, Level } from './graph.js'
import { byKey, descend, type Met, searchLevel, toBase, type Work } from './search.js'
import { selectDiverse } from './select.js'

const NO_SLOT = 0xffffffff

/** The upper levels of an ordinal: a draw from seed and ordinal (splitmix64), with a share of 1/M reaching each further level. */
export function levelOf(graph: GraphRows, ordinal: number): number {
  const u64 = (value: bigint): bigint => BigInt.asUintN(64, value)
  let hash = u64(graph.seed + (BigInt(ordinal) + 1n) * 0x9E3779B97F4A7C15n)
  hash = u64((hash ^ (hash >> 30n)) * 0xBF58476D1CE4E5B9n)
  hash = u64((hash ^ (hash >> 27n)) * 0x94D049BB133111EBn)
  hash ^= hash >> 31n
  const draw = Number(hash >> 32n)
  let level = 0
  for (let threshold = Math.floor(0xffffffff / graph.M); draw < threshold && level < 31; threshold = Math.floor(threshold / graph.M)) level++
  return level
}

/** Links a node whose code is in place. */
export function insert(graph: GraphRows, work: Work, ordinal: number): void {
  const levels = levelOf(graph, ordinal)
  const height = graph.entry.level
  if (!height) {
    const top = Math.max(levels, 1)
    graph.setNode(graph.base, ordinal, { protectedCount: 0, neighbors: [] })
    graph.entry = { slot: createSlots(graph, ordinal, top), level: top }
    return
  }
  const code = graph.codeOf(graph.base, ordinal)
  const highest = Math.max(1, Math.min(levels, height))
  let start = descend(graph, work, code, highest)
  if (levels) {
    const first = createSlots(graph, ordinal, levels)
    for (let level = highest; level > 0; level--) {
      const met = searchLevel(graph, work, graph.upper, code, start, graph.efConstruction)
      linkUpper(graph, work, first + levels - level, met)
      start = level > 1 ? { key: met[0].key, id: graph.slotBelow(met[0].id) } : met[0]
    }
    if (levels > height) graph.entry = { slot: first, level: levels }
  }
  linkBase(graph, work, ordinal, searchLevel(graph, work, graph.base, code, toBase(graph, start), graph.efConstruction))
}

/** New slots for the levels `top` to 1 of an ordinal; returns that of the highest. */
function createSlots(graph: GraphRows, ordinal: number, top: number): number {
  const first = graph.slots
  graph.slots = first + top
  for (let level = top; level > 0; level--) {
    const slot = first + top - level
    graph.setNode(graph.upper, slot, { protectedCount: 0, neighbors: [] })
    const row = graph.rows.dirtyAddress(graph.upper.space, slot)
    graph.memory.setU8(row + ROW_LEVEL, level)
    graph.memory.setU32(row + ROW_ORDINAL, ordinal)
    graph.memory.setU32(row + ROW_BELOW, level > 1 ? slot + 1 : NO_SLOT)
  }
  return first
}

function linkUpper(graph: GraphRows, work: Work, slot: number, met: Met[]): void {
  const neighbors = selectDiverse(graph, work, graph.upper, met, graph.M)
  graph.setNode(graph.upper, slot, { protectedCount: 0, neighbors })
  for (const neighbor of neighbors) connect(graph, work, graph.upper, neighbor, slot, false)
}

/** Links a node at level 0, its parent first. */
function linkBase(graph: GraphRows, work: Work, ordinal: number, met: Met[]): void {
  const chosen = selectDiverse(graph, work, graph.base, met, graph.M)
  const parent = chosen.find(id => hasRoom(graph, id)) ?? descendantWithRoom(graph, chosen[0])
  const neighbors = [parent, ...chosen.filter(id => id !== parent)]
  graph.setNode(graph.base, ordinal, { protectedCount: 1, neighbors })
  for (const neighbor of neighbors) connect(graph, work, graph.base, neighbor, ordinal, neighbor === parent)
}

/** Whether a node may have another child. */
function hasRoom(graph: GraphRows, ordinal: number): boolean {
  return graph.node(graph.base, ordinal).protectedCount < graph.M
}

/** Goes from a node without room to its last child, and on, until there is room. */
function descendantWithRoom(graph: GraphRows, ordinal: number): number {
  const { protectedCount, neighbors } = graph.node(graph.base, ordinal)
  const child = neighbors[protectedCount - 1]
  return hasRoom(graph, child) ? child : descendantWithRoom(graph, child)
}

/** Adds `added` to the neighbors of a node; a full list is pruned, and may then be without it unless it is protected. */
function connect(graph: GraphRows, work: Work, level: Level, id: number, added: number, protect: boolean): void {
  const { protectedCount, neighbors } = graph.node(level, id)
  const all = [...neighbors, added]
  // A protected neighbor changes places with the first unprotected one.
  if (protect) [all[protectedCount], all[all.length - 1]] = [all[all.length - 1], all[protectedCount]]
  const kept = protect ? protectedCount + 1 : protectedCount
  const fits = all.length <= level.capacity
  graph.setNode(level, id, { protectedCount: kept, neighbors: fits ? all : prune(graph, work, level, id, all, kept) })
}

/** Chooses anew among too many neighbors; the first `kept` stay. */
function prune(graph: GraphRows, work: Work, level: Level, id: number, neighbors: number[], kept: number): number[] {
  const code = graph.codeOf(level, id)
  work.distances += neighbors.length
  const candidates = neighbors.slice(kept).map(neighbor => ({ key: graph.key(code, graph.codeOf(level, neighbor)), id: neighbor })).sort(byKey)
  return selectDiverse(graph, work, level, candidates, level.capacity, neighbors.slice(0, kept))
}
