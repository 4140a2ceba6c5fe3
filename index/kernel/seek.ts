/**
 * The neighbors of the nodes of a batch, chosen in a graph that does not change meanwhile: each node by whatever thread is free.
 *
 * A node is also compared with those of its batch that are before it, so that what comes together finds each other as if it had come one by one.
 *
 * A node that takes the place of one that left chooses half as many more neighbors on level 0: where some have left, more will, and with each a row loses an edge
 * for which its neighborhood has no equal. M are fewer than lie in different directions, so there are more to choose; a wider search finds none that are better.
 * Recall at ef 64 against a graph that is built anew, of 100,000 words of 100 dimensions, when a tenth has been replaced 10, 20 and 30 times; of 5,000 queries:
 *
 *   M neighbors                            -0.0023  -0.0048  -0.0056
 *   M, of a search twice as wide           -0.0012  -0.0050
 *   M and a quarter                                 +0.0001  -0.0041
 *   M and a half                           +0.0097  +0.0034  -0.0013
 *   and no farther fill than ghosts (sweep.ts)      +0.0053  -0.0008
 *
 * After 50 and 100 rounds that is +0.0043 and +0.0026. Searches compare 6 % more codes than in either of the graphs with M, as lists are longer.
 *
 * Source: Malkov, Yashunin 2018, algorithm 1; in batches as Manohar et al. 2024 (ParlayANN), section 4, but for the comparison within.
 */

import { rowAddress } from '../../storage/kernel/space'
import { entryOf, idOf, insertSorted, keyOf } from './beam'
import {
  BATCH_MEMBERS, GRAPH_BASE, GRAPH_EF_CONSTRUCTION, GRAPH_LEVELS, GRAPH_M, GRAPH_UPPER, LEVEL_SPACE, LIST_COUNT, LIST_HEADER, LIST_NEAREST, MEMBER_BYTES,
  MEMBER_LEVELS, MEMBER_LISTS, MEMBER_ORDINAL, MEMBER_SLOT, MORE_IN_PLACE, NO_SLOT, ROW_BELOW, ROW_LEFT, ROW_PROTECTED, SCRATCH_BEAM, SCRATCH_BEAM_COUNT,
  SCRATCH_IDS, SCRATCH_KEYS, SCRATCH_SELECTED, SCRATCH_STOP
} from './layout'
import { slotAddress } from './levels'
import { descend, enterBase, loadOrdinal, scoreIds, searchLevel } from './search'
import { selectDiverse } from './select'

/** Bytes of one list of a member. */
export function listBytes(graph: usize): usize {
  const M = load<u32>(graph, GRAPH_M)
  return <usize>LIST_HEADER + (<usize>(M + M / MORE_IN_PLACE) << 2)
}

/** How many neighbors a node may choose at a height. */
function limitOf(graph: usize, ordinal: u32, height: u32): u32 {
  const M = load<u32>(graph, GRAPH_M)
  const isInPlace = !height && load<u8>(rowAddress(load<u32>(graph + GRAPH_BASE, LEVEL_SPACE), ordinal), ROW_PROTECTED) == <u8>ROW_LEFT
  return isInPlace ? M + M / MORE_IN_PLACE : M
}

// @ts-ignore: decorator
@inline
export function memberAt(batch: usize, index: u32): usize {
  return <usize>load<u32>(batch, BATCH_MEMBERS) + <usize>index * MEMBER_BYTES
}

/** Chooses the neighbors of member `index` of a batch. Cost: one search with efConstruction a level. */
export function seek(graph: usize, scratch: usize, batch: usize, index: u32): void {
  const member = memberAt(batch, index)
  const ordinal = load<u32>(member, MEMBER_ORDINAL)
  const levels = load<u32>(member, MEMBER_LEVELS)
  const height = load<u32>(graph, GRAPH_LEVELS)
  const ef = load<u32>(graph, GRAPH_EF_CONSTRUCTION)
  const upper = graph + GRAPH_UPPER
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  let list = <usize>load<u32>(member, MEMBER_LISTS)
  store<u32>(scratch, 0, SCRATCH_STOP)
  loadOrdinal(graph, scratch, ordinal)
  let level = levels
  for (; level > height; level--) {
    store<u32>(scratch, 0, SCRATCH_BEAM_COUNT)
    chooseAt(graph, scratch, batch, index, level, list)
    list += listBytes(graph)
  }
  if (height) {
    descend(graph, scratch, max<u32>(level, 1))
    for (; level > 0; level--) {
      searchLevel(graph, scratch, upper, ef)
      const nearest = load<u64>(beam)
      chooseAt(graph, scratch, batch, index, level, list)
      list += listBytes(graph)
      const id = level > 1 ? load<u32>(slotAddress(graph, idOf(nearest)), ROW_BELOW) : idOf(nearest)
      store<u64>(beam, entryOf(keyOf(nearest), id))
      store<u32>(scratch, 1, SCRATCH_BEAM_COUNT)
    }
    enterBase(graph, scratch)
    searchLevel(graph, scratch, graph + GRAPH_BASE, ef)
  } else {
    store<u32>(scratch, 0, SCRATCH_BEAM_COUNT)
  }
  chooseAt(graph, scratch, batch, index, 0, list)
}

/** Chooses among the beam and the members before `index`, and writes the list. The query is the member's code, before and after. */
function chooseAt(graph: usize, scratch: usize, batch: usize, index: u32, height: u32, list: usize): void {
  const level = height ? graph + GRAPH_UPPER : graph + GRAPH_BASE
  meetEarlier(graph, scratch, batch, index, height, level)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const length = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  const limit = limitOf(graph, load<u32>(memberAt(batch, index), MEMBER_ORDINAL), height)
  const count = selectDiverse(graph, scratch, level, beam, length, limit, 0)
  store<u32>(list, count, LIST_COUNT)
  store<u32>(list, length ? idOf(load<u64>(beam)) : NO_SLOT, LIST_NEAREST)
  memory.copy(list + LIST_HEADER, load<u32>(scratch, SCRATCH_SELECTED), <usize>count << 2)
  if (height) loadOrdinal(graph, scratch, load<u32>(memberAt(batch, index), MEMBER_ORDINAL))
}

/** Puts the members before `index` that have a level into the beam. */
function meetEarlier(graph: usize, scratch: usize, batch: usize, index: u32, height: u32, level: usize): void {
  const ids = <usize>load<u32>(scratch, SCRATCH_IDS)
  const keys = <usize>load<u32>(scratch, SCRATCH_KEYS)
  const beam = <usize>load<u32>(scratch, SCRATCH_BEAM)
  const ef = load<u32>(graph, GRAPH_EF_CONSTRUCTION)
  let count: u32 = 0
  for (let i: u32 = 0; i < index; i++) {
    const member = memberAt(batch, i)
    const levels = load<u32>(member, MEMBER_LEVELS)
    if (levels < height) continue
    store<u32>(ids + (count << 2), height ? load<u32>(member, MEMBER_SLOT) + (levels - height) : load<u32>(member, MEMBER_ORDINAL))
    count++
  }
  if (!count) return
  scoreIds(graph, scratch, level, ids, count)
  let length = load<u32>(scratch, SCRATCH_BEAM_COUNT)
  for (let i: u32 = 0; i < count; i++) length = insertSorted(beam, length, ef, entryOf(load<u32>(keys + (i << 2)), load<u32>(ids + (i << 2))))
  store<u32>(scratch, length, SCRATCH_BEAM_COUNT)
}
