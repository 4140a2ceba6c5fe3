/** What threads look for while the graph does not change: neighbors of the nodes of a batch, and what replaces edges to ghosts. */

import { BATCH_LINKS } from './layout'
import { seek } from './seek'
import { sweep } from './sweep'

/** Item `index` of a batch: one of its nodes, or behind those one of its ranges of rows. */
export function look(graph: usize, scratch: usize, batch: usize, index: u32): void {
  const links = load<u32>(batch, BATCH_LINKS)
  if (index < links) seek(graph, scratch, batch, index)
  else sweep(graph, scratch, batch, index - links)
}
