import type { Arena } from '../storage/arena.js'
import {
  GRAPH_TASKS, GRAPH_TASKS_END, GRAPH_TASKS_FIRST, GRAPH_UNLINKED, TASK_BITS, TASK_ENCODE_AND_LINK, TASK_LINK, TASK_RECODE, TASK_REMOVE
} from './kernel/layout.js'

/** What is to be done for an ordinal: link its node, make its code first, or remove its node; and, for none, to begin to make all codes again, or to use those of another codec. */
export type TaskKind = typeof TASK_LINK | typeof TASK_ENCODE_AND_LINK | typeof TASK_REMOVE | typeof TASK_RECODE

export interface Task {
  kind: TaskKind
  /** Of TASK_RECODE, RECODE_BEGIN or RECODE_END. */
  ordinal: number
}

/** Codes begin to be made again; and those that were made of another codec are used from here on. */
export const RECODE_BEGIN = 0
export const RECODE_END = 1

const KIND_MASK = (1 << TASK_BITS) - 1
const FIRST_CAPACITY = 256

/**
 * What a graph still lacks of the operations, first in first out: so it is a function of their order, whenever they are done. In the kernel's memory,
 * where searches scan what is not linked yet; so nobody may search while they change.
 *
 * An ordinal is to be linked once at most before it is removed.
 */
export class Tasks {
  readonly #arena: Arena
  readonly #graph: number
  #capacity = 0
  #uncoded = 0
  #removals = 0

  /** Of the graph at this address. */
  constructor(arena: Arena, graph: number) {
    this.#arena = arena
    this.#graph = graph
    this.#allocate(FIRST_CAPACITY)
  }

  get length(): number {
    return this.#get(GRAPH_TASKS_END) - this.#get(GRAPH_TASKS_FIRST)
  }

  /** Nodes to be linked; and how many of them have no code yet. */
  get links(): number {
    return this.#get(GRAPH_UNLINKED)
  }

  get uncoded(): number {
    return this.#uncoded
  }

  /** Nodes to be removed. */
  get removals(): number {
    return this.#removals
  }

  push(kind: TaskKind, ordinal: number): void {
    if (this.#get(GRAPH_TASKS_END) === this.#capacity) this.#makeRoom()
    const end = this.#get(GRAPH_TASKS_END)
    this.#words[end] = ((ordinal << TASK_BITS) | kind) >>> 0
    this.#set(GRAPH_TASKS_END, end + 1)
    this.#count(kind, 1)
  }

  /** The task that is done when `before` others are. */
  at(before: number): Task | undefined {
    if (before >= this.length) return undefined
    return { kind: this.kindAt(before)!, ordinal: this.#wordAt(before) >>> TASK_BITS }
  }

  /** Its kind alone. */
  kindAt(before: number): TaskKind | undefined {
    return before < this.length ? (this.#wordAt(before) & KIND_MASK) as TaskKind : undefined
  }

  /** The first `count` are done. */
  drop(count: number): void {
    for (let i = 0; i < count; i++) this.#count(this.kindAt(i)!, -1)
    this.#set(GRAPH_TASKS_FIRST, this.#get(GRAPH_TASKS_FIRST) + count)
  }

  /** As a checkpoint keeps them. */
  toWords(): Uint32Array {
    return new Uint32Array(this.#words.subarray(this.#get(GRAPH_TASKS_FIRST), this.#get(GRAPH_TASKS_END)))
  }

  restore(words: Uint32Array): void {
    if (words.length > this.#capacity) this.#allocate(words.length)
    this.#words.set(words)
    this.#set(GRAPH_TASKS_FIRST, 0)
    this.#set(GRAPH_TASKS_END, words.length)
    this.#set(GRAPH_UNLINKED, 0)
    this.#uncoded = 0
    this.#removals = 0
    for (const word of words) this.#count((word & KIND_MASK) as TaskKind, 1)
  }

  #count(kind: TaskKind, by: number): void {
    if (isLink(kind)) this.#set(GRAPH_UNLINKED, this.links + by)
    if (kind === TASK_REMOVE) this.#removals += by
    if (kind === TASK_ENCODE_AND_LINK) this.#uncoded += by
  }

  /** Moves what is left to the beginning, of twice the room when that is much. */
  #makeRoom(): void {
    const left = this.toWords()
    if (left.length * 2 > this.#capacity) this.#allocate(this.#capacity * 2)
    this.#words.set(left)
    this.#set(GRAPH_TASKS_FIRST, 0)
    this.#set(GRAPH_TASKS_END, left.length)
  }

  #allocate(capacity: number): void {
    const ptr = this.#arena.allocate(capacity * 4)
    if (this.#capacity) this.#arena.release(this.#get(GRAPH_TASKS), this.#capacity * 4)
    this.#set(GRAPH_TASKS, ptr)
    this.#capacity = capacity
  }

  #wordAt(before: number): number {
    return this.#arena.u32[this.#get(GRAPH_TASKS) / 4 + this.#get(GRAPH_TASKS_FIRST) + before]!
  }

  get #words(): Uint32Array {
    const first = this.#get(GRAPH_TASKS) / 4
    return this.#arena.u32.subarray(first, first + this.#capacity)
  }

  #get(word: number): number {
    return this.#arena.u32[(this.#graph + word) / 4]!
  }

  #set(word: number, value: number): void {
    this.#arena.u32[(this.#graph + word) / 4] = value
  }
}

export function isLink(kind: TaskKind): boolean {
  return kind === TASK_LINK || kind === TASK_ENCODE_AND_LINK
}
