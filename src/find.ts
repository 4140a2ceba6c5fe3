import { VectorLevelError } from '../floor/errors.js'
import { type Graph, isFindable } from '../index/graph.js'
import type { Nearest, Rerank } from '../index/searcher.js'
import type { Deadline } from './deadline.js'
import type { Engine } from './engine.js'

/** Searches that wait for a thread, at most: more than that come faster than they can be answered. */
const MOST_WAITING = 65_536
/** Times that the threads are asked, before the calling thread does it. */
const MOST_TRIES = 4
/** What a search takes of the kernel's memory, besides its vector, and for each record that it is to find. */
const LEAST_BYTES = 192
const FOUND_BYTES = 8

export interface Question {
  /** Shapes: f32[dim] as the user gave it. */
  vector: Float32Array
  k: number
  ef: number
  exact: boolean
  rerank: Rerank
  /** Whether to tell what it took. */
  explain: boolean
  deadline: Deadline
  /** Whether it may end early with what it has found. */
  partial: boolean
}

/**
 * Has a thread of the database search a graph, and gives what it has found to `take` at once: its ordinals may mean other records in the next turn.
 *
 * @throws {VectorLevelError} VECTOR_ABORTED when the deadline has passed, VECTOR_BUSY when too many searches wait, VECTOR_CORRUPTION
 */
export async function find<T>(engine: Engine, graph: Graph, question: Question, take: (nearest: Nearest) => T): Promise<T> {
  const { vector, k, deadline, partial } = question
  const { seats, threads } = engine
  const waiting = threads.waiting + seats.waiting
  if (waiting >= MOST_WAITING) throw new VectorLevelError('VECTOR_BUSY', `${waiting} searches wait already, of ${MOST_WAITING} at most`)
  try {
    deadline.check()
    const byteLength = LEAST_BYTES + vector.byteLength + Math.min(k, graph.live) * FOUND_BYTES
    await seats.take(byteLength, deadline)
    try {
      return await answer(engine, graph, question, take)
    } finally {
      seats.release(byteLength)
    }
  } catch (error) {
    if (partial && (error as VectorLevelError).code === 'VECTOR_ABORTED') return take({ found: [], exact: false, partial })
    throw error
  }
}

async function answer<T>(engine: Engine, graph: Graph, question: Question, take: (nearest: Nearest) => T): Promise<T> {
  for (let tries = 0; tries < MOST_TRIES; tries++) {
    const { revision } = graph
    const nearest = await ask(engine, graph, question)
    if (nearest === 'failed') break
    // What was found may have been removed since the thread was done, and even have given its ordinal to another record.
    if (nearest && graph.revision === revision && nearest.found.every(({ ordinal }) => isFindable(graph.stateOf(ordinal)))) return take(nearest)
    question.deadline.check()
  }
  return take(findHere(graph, question))
}

/** The same on the calling thread. */
export function findHere(graph: Graph, { vector, k, ef, exact, rerank, explain }: Omit<Question, 'deadline' | 'partial'>): Nearest {
  return exact ? graph.exact(vector, k, explain) : graph.search(vector, k, ef, rerank, explain)
}

/** One try: undefined when there was no room for it, and there is now. */
async function ask({ threads }: Engine, graph: Graph, { vector, k, ef, exact, rerank, explain, deadline, partial }: Question): Promise<Nearest | 'failed' | undefined> {
  const job = graph.ask(vector, k, ef, exact, rerank, explain)
  let isOver = false
  // Who fails here is heard of when the same is done on the calling thread.
  const ended = threads.call('find', graph.ptr, job.ptr, exact).then(() => graph.finish(job), () => 'failed' as const).finally(() => {
    isOver = true
    job.release()
  })
  return await deadline.limit(ended, () => {
    if (isOver) return false
    job.stop()
    if (!partial) threads.cancel(job.ptr)
    return !partial
  })
}
