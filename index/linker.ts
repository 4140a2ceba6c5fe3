import type { Slices } from '../floor/slices.js'
import type { Arena } from '../storage/arena.js'
import type { Space } from '../storage/space.js'
import { Batch, type Step, type SweptRange } from './batch.js'
import type { Codes } from './codes.js'
import { Encoding } from './encoding.js'
import type { Exclusion } from './exclusion.js'
import { Ghosts, type GhostState } from './ghosts.js'
import type { Kernel } from './kernel.js'
import {
  BATCH, BATCH_NEIGHBORS, GRAPH_GHOSTS, GRAPH_SLOTS, NO_SLOT, STATE_DEAD, STATE_GHOST, STATE_LOST, TASK_ENCODE_AND_LINK, TASK_RECODE,
  TASK_REMOVE
} from './kernel/layout.js'
import { isLink, RECODE_BEGIN, RECODE_END, type Task, type Tasks } from './tasks.js'

/**
 * Blocks that are swept for each node that is removed, and for each that is linked, while there are ghosts. Of 100,000 words a delete cost 0.95 of an insert
 * where 4 are swept, 0.89 with 3, 0.70 with 2; recall was the same, measured at 30,000.
 */
const SWEPT_A_REMOVAL = 2
const SWEPT_A_LINK = 1
/** What tasks count for, of a batch that has so much room for each node that it may link. */
const ROOM_A_LINK = 2
const ROOM_A_REMOVAL = 4
/** Nodes that one run links, at most; and of those that have no codes yet, how many get these before. */
const MOST_A_RUN = 1024
const MOST_ENCODED = 64
/** Bytes of the vectors whose codes are made together, about. */
const ENCODED_BYTES = 128 << 10

/** How far a graph is brought: whole batches only; or all that is to be linked and removed; or that, no ghosts, and no codes of two codebooks. */
export type Goal = 'batches' | 'tasks' | 'rest'

/** What a linker sees of its graph. */
export interface LinkedGraph {
  readonly ptr: number
  readonly base: Space
  readonly upper: Space
  readonly options: { M: number }
  readonly vectorBytes: number
  stateOf(ordinal: number): number
  setState(ordinal: number, state: number): void
  /** Makes an ordinal free, whose node is gone. */
  setFree(ordinal: number): void
  isLinked(ordinal: number): boolean
  /** The vector whose code is still to be made; undefined where there is none to make: it has one, or its record is damaged, which is forgotten. */
  uncodedVector(ordinal: number): Float32Array | undefined
  /** A code was made from that; or makes it at once. */
  noteCode(ordinal: number): void
  encode(ordinal: number, vector: Float32Array): void
  /** The ordinal that a slot stands for. */
  ordinalOfSlot(slot: number): number
  /** Makes room for all that linking so many nodes takes. */
  prepareLinks(count: number): void
}

/** As a checkpoint keeps it. */
export interface LinkerState {
  /** Nodes are below this ordinal; and how many there are. */
  linked: number
  nodes: number
  ghosts: GhostState
}

/**
 * Links and removes the nodes of a graph, a batch at a time.
 *
 * Which tasks are a batch depends on the tasks before alone, so the graph is a function of the order of operations, whenever they are done and by
 * however many threads. What is too little for a batch waits for more; searches scan it meanwhile.
 */
export class Linker {
  readonly #arena: Arena
  readonly #kernel: Kernel
  readonly #scratch: number
  readonly #graph: LinkedGraph
  readonly #codes: Codes
  readonly #tasks: Tasks
  readonly #threads: Exclusion
  readonly #ghosts = new Ghosts()
  #linked = 0
  #nodes = 0
  /** Codes that are being made; or made again, by another codec. */
  #encoding: Encoding | undefined
  #recoding: Encoding | undefined
  /** Or else what is under way: batches, and how many tasks they are; nodes that it links; and what of these is removed at its end. */
  #batches: Batch[] = []
  #taken = 0
  #links: number[] = []
  #buried: number[] = []
  /** How often it makes codes again at its end; and whether those of another codec are used as soon as they are all there. */
  #recodings = 0
  #rests = false

  constructor(arena: Arena, kernel: Kernel, scratch: number, graph: LinkedGraph, codes: Codes, tasks: Tasks, threads: Exclusion) {
    this.#arena = arena
    this.#kernel = kernel
    this.#scratch = scratch
    this.#graph = graph
    this.#codes = codes
    this.#tasks = tasks
    this.#threads = threads
  }

  /** Nodes that were removed, and that the sweep must come around for. */
  get ghosts(): number {
    return this.#ghosts.count
  }

  /** Those that are there still. Shapes: u32[]. */
  get ghostOrdinals(): Uint32Array {
    return this.#ghosts.state().ordinals
  }

  /** Tasks that are batches, whole ones; others wait for more to come. */
  get pending(): number {
    let taken = 0
    for (let nodes = this.#nodes; ;) {
      const count = this.#countNext('batches', taken, nodes)
      if (count === undefined) return taken
      for (let i = 0; i < count; i++) if (isLink(this.#tasks.kindAt(taken + i)!)) nodes++
      taken += count
    }
  }

  /** Whether a node of the next batch may take the place of one that left. */
  get reuses(): boolean {
    for (let i = 0; i < Math.min(BATCH, this.#tasks.length); i++) {
      const { kind, ordinal } = this.#tasks.at(i)!
      if (isLink(kind) && ordinal < this.#linked) return true
    }
    return false
  }

  state(): LinkerState {
    return { linked: this.#linked, nodes: this.#nodes, ghosts: this.#ghosts.state() }
  }

  restore({ linked, nodes, ghosts }: LinkerState): void {
    this.#linked = linked
    this.#nodes = nodes
    this.#ghosts.restore(ghosts)
    this.#noteGhosts()
  }

  /**
   * Begins what comes next: the steps of one or several batches, or those that make their codes before; undefined when there is none. `end` must follow when
   * they are done, and nothing else may be begun before. `most` is how many nodes they may link, where they are several. Where there are none, codes of
   * another codec may be made: there are no steps where they were made at once.
   */
  begin(goal: Goal, most: number): Step[] | undefined {
    this.#rests = goal === 'rest'
    this.#encoding = this.#encodeNext()
    if (this.#encoding) return this.#encoding.steps
    const next = this.#tasks.at(0)
    // The tasks behind it are done with the new codes.
    const waits = next?.kind === TASK_RECODE && next.ordinal === RECODE_END && this.#codes.canGoOn
    for (let batches = 0; !waits; batches++) {
      const count = this.#countNext(goal, this.#taken, this.#nodes + this.#links.length)
      if (count === undefined) break
      const tasks = Array.from({ length: count }, (_, i) => this.#tasks.at(this.#taken + i)!)
      // Where all is linking, threads go from batch to batch by themselves.
      const isPlain = tasks.every(({ kind }) => isLink(kind)) && !this.#ghosts.count && this.#codes.recoded === undefined
      const areCoded = this.#taken + count <= MOST_ENCODED || !tasks.some(({ kind }) => kind === TASK_ENCODE_AND_LINK)
      if (batches && (!isPlain || !areCoded || this.#links.length + count > Math.min(most, MOST_A_RUN))) break
      this.#prepare(tasks)
      if (!isPlain) break
    }
    this.#recodings = this.#batches.length ? Math.max(1, this.#taken) : 0
    if (this.#batches.length) return this.#batches.flatMap(batch => batch.steps)
    if (!this.#codes.canGoOn) return undefined
    this.#recoding = this.#codes.encodeNext()
    return this.#recoding?.steps ?? []
  }

  /** Whether what was begun makes codes of another codec and nothing else, for which nobody need wait. */
  get recodesOnly(): boolean {
    return !this.#batches.length && !this.#encoding
  }

  /** What `begin` began is done. */
  *end(): Slices<void> {
    if (this.#encoding) {
      for (const ordinal of this.#encoding.ordinals) this.#graph.noteCode(ordinal)
      this.#encoding.release()
      this.#encoding = undefined
      return
    }
    this.#recoding?.release()
    this.#recoding = undefined
    this.#threads.stop(() => this.#conclude())
    for (let swept = this.#ghosts.takeSwept(); swept; swept = this.#ghosts.takeSwept()) {
      const ghost = swept
      this.#threads.stop(() => this.#remove(ghost))
      yield
    }
    for (let i = 0; i < this.#recodings; i++) {
      this.#codes.advance(this.#rests)
      yield
    }
  }

  #conclude(): void {
    for (const batch of this.#batches.splice(0)) batch.release()
    for (const ordinal of this.#links) this.#linked = Math.max(this.#linked, ordinal + 1)
    this.#nodes += this.#links.length
    this.#tasks.drop(this.#taken)
    for (const ordinal of this.#buried) this.#bury(ordinal)
    this.#noteGhosts()
    this.#taken = 0
    this.#links = []
    this.#buried = []
  }

  /** How many of the tasks behind the first `taken` are the next batch, where there are `nodes` then; undefined when there is none. */
  #countNext(goal: Goal, taken: number, nodes: number): number | undefined {
    const { M } = this.#graph.options
    // Batches double until they have their size: a node must find enough before it.
    const limit = Math.min(Math.max(1, nodes), BATCH, Math.floor(BATCH_NEIGHBORS / M))
    const room = limit * ROOM_A_LINK
    let taking = 0
    let count = 0
    for (; ; count++) {
      const kind = this.#tasks.kindAt(taken + count)
      const before = count ? this.#tasks.kindAt(taken + count - 1) : undefined
      if (before === TASK_ENCODE_AND_LINK && kind !== TASK_ENCODE_AND_LINK) return count
      if (kind === undefined) break
      if (kind === TASK_RECODE) return Math.max(1, count)
      taking += kind === TASK_REMOVE ? ROOM_A_REMOVAL : ROOM_A_LINK
      if (count && taking > room) return count
      if (taking >= room) return count + 1
    }
    if (goal !== 'batches' && count) return count
    return goal === 'rest' && !taken && (this.#ghosts.count || this.#codes.recoded !== undefined) ? 0 : undefined
  }

  /** Takes the next tasks: makes what they need, and the batch. */
  #prepare(tasks: Task[]): void {
    this.#graph.prepareLinks(tasks.length)
    const isFirst = this.#nodes + this.#links.length === 0
    const links: number[] = []
    for (const { kind, ordinal } of tasks) {
      if (kind === TASK_RECODE && ordinal === RECODE_BEGIN) this.#codes.startRecoding(this.ghostOrdinals)
      else if (kind === TASK_RECODE) this.#codes.changeOver()
      else if (kind === TASK_REMOVE && links.includes(ordinal)) this.#buried.push(ordinal)
      else if (kind === TASK_REMOVE) this.#bury(ordinal)
      // What was removed meanwhile has a code, and enters the graph as well, which does not depend on when this is done.
      else if (this.#graph.stateOf(ordinal) !== STATE_LOST) links.push(ordinal)
    }
    this.#noteGhosts()
    const blocks = tasks.length ? tasks.reduce((sum, { kind }) => sum + (isLink(kind) ? SWEPT_A_LINK : kind === TASK_REMOVE ? SWEPT_A_REMOVAL : 0), 0) : BATCH
    this.#batches.push(new Batch(this.#arena, this.#kernel, this.#graph, links, this.#nextRanges(blocks), isFirst))
    this.#links.push(...links)
    this.#taken += tasks.length
  }

  /** Takes the vectors of the next tasks that have no codes yet. */
  #encodeNext(): Encoding | undefined {
    if (!this.#tasks.uncoded) return undefined
    const found: { ordinal: number, vector: Float32Array }[] = []
    for (let i = 0; i < MOST_ENCODED && found.length * this.#graph.vectorBytes < ENCODED_BYTES; i++) {
      const kind = this.#tasks.kindAt(i)
      // Behind it codes may be others.
      if (kind === TASK_RECODE) break
      if (kind !== TASK_ENCODE_AND_LINK) continue
      const { ordinal } = this.#tasks.at(i)!
      const vector = this.#graph.uncodedVector(ordinal)
      if (vector) found.push({ ordinal, vector })
    }
    if (!found.length) return undefined
    const encoding = Encoding.ifRoom(this.#arena, this.#graph.ptr, this.#graph.vectorBytes, found)
    if (encoding) return encoding
    for (const { ordinal, vector } of found) this.#graph.encode(ordinal, vector)
    return this.#encodeNext()
  }

  /** A node becomes a ghost. */
  #bury(ordinal: number): void {
    if (this.#graph.isLinked(ordinal)) {
      this.#graph.setState(ordinal, STATE_GHOST)
      this.#ghosts.add(ordinal)
    } else if (this.#graph.stateOf(ordinal) === STATE_DEAD) {
      this.#graph.setFree(ordinal)
    }
  }

  /** The rows of the next blocks of the sweep, while there are ghosts: each block once. */
  #nextRanges(blocks: number): SweptRange[] {
    const ranges: SweptRange[] = []
    if (!this.#ghosts.count) return ranges
    const { base, upper } = this.#graph
    // Not those that are stored by now: how many these are depends on when this is done.
    const slots = this.#arena.u32[(this.#graph.ptr + GRAPH_SLOTS) / 4]!
    const baseBlocks = Math.ceil(this.#linked / base.rowsPerBlock)
    const upperBlocks = Math.ceil(slots / upper.rowsPerBlock)
    for (let i = 0; i < Math.min(blocks, baseBlocks + upperBlocks); i++) {
      const { isUpper, block } = this.#ghosts.place
      const { rowsPerBlock } = isUpper ? upper : base
      const from = block * rowsPerBlock
      const to = Math.min(from + rowsPerBlock, isUpper ? slots : this.#linked)
      ranges.push({ isUpper, from, to })
      if (isUpper) this.#noteSlots(from, to)
      this.#ghosts.advance(baseBlocks, upperBlocks)
    }
    return ranges
  }

  /** Remembers which of the slots [from, to) are the highest of a ghost: those of a node follow each other, downwards. */
  #noteSlots(from: number, to: number): void {
    let before = from ? this.#graph.ordinalOfSlot(from - 1) : undefined
    for (let slot = from; slot < to; slot++) {
      const ordinal = this.#graph.ordinalOfSlot(slot)
      if (ordinal !== before && this.#graph.stateOf(ordinal) === STATE_GHOST) this.#ghosts.noteSlot(ordinal, slot)
      before = ordinal
    }
  }

  /** Removes the node of a ghost that the sweep has come around for. */
  #remove({ ordinal, slot }: { ordinal: number, slot: number | undefined }): void {
    this.#graph.prepareLinks(1)
    this.#codes.noteFree(ordinal)
    this.#kernel.remove(this.#graph.ptr, this.#scratch, ordinal, slot ?? NO_SLOT)
    this.#nodes--
    this.#graph.setFree(ordinal)
    this.#noteGhosts()
  }

  #noteGhosts(): void {
    this.#arena.u32[(this.#graph.ptr + GRAPH_GHOSTS) / 4] = this.#ghosts.count
  }
}
