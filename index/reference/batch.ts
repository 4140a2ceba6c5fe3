/** Nodes that are linked together. Told in kernel/seek.ts and kernel/join.ts; what the steps hand on stands in the same memory. */

import {
  BATCH_EDGES, BATCH_LINKS, BATCH_MEMBERS, BATCH_PARTS, BATCH_RANGES, BATCH_SWEEPS, EDGE_BYTES, EDGE_ID, EDGE_NODE, EDGE_UPPER, LIST_COUNT, LIST_HEADER,
  LIST_NEAREST, MEMBER_BYTES, MEMBER_LEVELS, MEMBER_LISTS, MEMBER_ORDINAL, MEMBER_SLOT, MORE_IN_PLACE, NO_SLOT, PARTS, RANGE_BYTES, RANGE_ROWS, RANGE_UPPER
} from '../kernel/layout.js'
import { connect } from './connect.js'
import type { GraphRows } from './graph.js'
import type { Memory } from './memory.js'
import { byKey, descend, type Met, searchLevel, toBase, type Work } from './search.js'
import { selectDiverse } from './select.js'
import { firstWithRoom, hasRoom } from './tree.js'

interface Member {
  ordinal: number
  levels: number
  slot: number
  /** Where its lists stand, that of its highest level first. */
  lists: number
}

interface Edge {
  node: number
  id: number
  isUpper: boolean
}

function memberOf(memory: Memory, batch: number, index: number): Member {
  const at = memory.u32(batch + BATCH_MEMBERS) + index * MEMBER_BYTES
  return {
    ordinal: memory.u32(at + MEMBER_ORDINAL), levels: memory.u32(at + MEMBER_LEVELS), slot: memory.u32(at + MEMBER_SLOT), lists: memory.u32(at + MEMBER_LISTS)
  }
}

/** Neighbors on level 0 of a node that takes the place of one that left, at most. */
function inPlace(M: number): number {
  return M + Math.floor(M / MORE_IN_PLACE)
}

/** Where the list of a member at some height stands. */
function listAt({ M }: GraphRows, { levels, lists }: Member, height: number): number {
  return lists + (levels - height) * (LIST_HEADER + 4 * inPlace(M))
}

function readList({ memory }: GraphRows, list: number): number[] {
  return Array.from({ length: memory.u32(list + LIST_COUNT) }, (_, i) => memory.u32(list + LIST_HEADER + 4 * i))
}

/** Chooses the neighbors of member `index` of a batch. */
export function seek(graph: GraphRows, work: Work, batch: number, index: number): void {
  const { memory, base, upper, efConstruction } = graph
  const member = memberOf(memory, batch, index)
  const code = graph.codeOf(base, member.ordinal)
  const height = graph.entry.level
  const earlier = Array.from({ length: index }, (_, i) => memberOf(memory, batch, i))
  const choose = (level: number, beam: Met[]): void => {
    const ids = earlier.filter(({ levels }) => levels >= level).map(({ ordinal, levels, slot }) => (level ? slot + levels - level : ordinal))
    const own = level ? upper : base
    work.distances += ids.length
    const met = [...beam, ...ids.map(id => ({ key: graph.key(code, graph.codeOf(own, id)), id }))].sort(byKey).slice(0, efConstruction)
    const list = listAt(graph, member, level)
    const chosen = selectDiverse(graph, work, own, met, !level && graph.slotLeft(member.ordinal) !== undefined ? inPlace(graph.M) : graph.M)
    memory.setU32(list + LIST_COUNT, chosen.length)
    memory.setU32(list + LIST_NEAREST, met[0]?.id ?? NO_SLOT)
    for (const [i, id] of chosen.entries()) memory.setU32(list + LIST_HEADER + 4 * i, id)
  }
  for (let level = member.levels; level > height; level--) choose(level, [])
  if (!height) {
    choose(0, [])
    return
  }
  const highest = Math.min(member.levels, height)
  let start = descend(graph, work, code, Math.max(1, highest))
  for (let level = highest; level > 0; level--) {
    const met = searchLevel(graph, work, upper, code, start, efConstruction)
    choose(level, met)
    start = level > 1 ? { key: met[0].key, id: graph.slotBelow(met[0].id) } : met[0]
  }
  choose(0, searchLevel(graph, work, base, code, toBase(graph, start), efConstruction))
}

/** Writes the swept rows and the nodes of a batch, gives each node its parent, and sorts the edges to them into parts. */
export function join(graph: GraphRows, work: Work, batch: number): void {
  const { memory } = graph
  const edges: Edge[] = []
  for (let i = 0; i < memory.u32(batch + BATCH_SWEEPS); i++) edges.push(...writeSwept(graph, memory.u32(batch + BATCH_RANGES) + i * RANGE_BYTES))
  for (let i = 0; i < memory.u32(batch + BATCH_LINKS); i++) edges.push(...joinMember(graph, work, memberOf(memory, batch, i)))
  let at = 0
  for (let part = 0; part < PARTS; part++) {
    memory.setU32(memory.u32(batch + BATCH_PARTS) + 4 * part, at)
    for (const { node, id, isUpper } of edges) {
      if (node % PARTS !== part) continue
      const edge = memory.u32(batch + BATCH_EDGES) + at++ * EDGE_BYTES
      memory.setU32(edge + EDGE_NODE, node)
      memory.setU32(edge + EDGE_ID, id)
      memory.setU32(edge + EDGE_UPPER, isUpper ? 1 : 0)
    }
  }
  memory.setU32(memory.u32(batch + BATCH_PARTS) + 4 * PARTS, at)
}

/** Returns the edges that the rows ask for. */
function writeSwept(graph: GraphRows, range: number): Edge[] {
  const { memory } = graph
  const level = memory.u32(range + RANGE_UPPER) ? graph.upper : graph.base
  let at = memory.u32(range + RANGE_ROWS)
  const word = (): number => memory.u32((at += 4) - 4)
  const edges: Edge[] = []
  for (let rows = word(); rows > 0; rows--) {
    const id = word()
    const count = word()
    const offered = word()
    const neighbors = Array.from({ length: count }, word)
    graph.setNode(level, id, { protectedCount: graph.node(level, id).protectedCount, neighbors })
    for (const node of neighbors.slice(offered)) edges.push({ node, id, isUpper: level.isUpper })
  }
  return edges
}

/** Returns the edges that lead to the member. */
function joinMember(graph: GraphRows, work: Work, member: Member): Edge[] {
  const { base, upper } = graph
  const { ordinal, levels, slot } = member
  const edges: Edge[] = []
  for (let i = 0; i < levels; i++) {
    const neighbors = readList(graph, listAt(graph, member, levels - i))
    graph.setNode(upper, slot + i, { protectedCount: 0, neighbors })
    for (const node of neighbors) edges.push({ node, id: slot + i, isUpper: true })
  }
  if (graph.entry.level) {
    const list = listAt(graph, member, 0)
    const chosen = readList(graph, list)
    const parent = chosen.find(id => hasRoom(graph, id)) ?? firstWithRoom(graph, chosen[0] ?? graph.memory.u32(list + LIST_NEAREST))
    const others = chosen.filter(id => id !== parent)
    graph.setNode(base, ordinal, { protectedCount: 1, neighbors: [parent, ...others] })
    connect(graph, work, base, parent, ordinal, true)
    for (const node of others) edges.push({ node, id: ordinal, isUpper: false })
  } else {
    graph.setNode(base, ordinal, { protectedCount: 0, neighbors: [] })
  }
  if (levels > graph.entry.level) graph.entry = { slot, level: levels }
  return edges
}

/** Connects the edges of a part. */
export function connectPart(graph: GraphRows, work: Work, batch: number, part: number): void {
  const { memory } = graph
  const parts = memory.u32(batch + BATCH_PARTS) + 4 * part
  for (let i = memory.u32(parts); i < memory.u32(parts + 4); i++) {
    const edge = memory.u32(batch + BATCH_EDGES) + i * EDGE_BYTES
    const level = memory.u32(edge + EDGE_UPPER) ? graph.upper : graph.base
    const node = memory.u32(edge + EDGE_NODE)
    const id = memory.u32(edge + EDGE_ID)
    if (!graph.node(level, node).neighbors.includes(id)) connect(graph, work, level, node, id, false)
  }
}
