import { VectorLevelError } from '../floor/errors.js'
import { type Graph, isFindable } from '../index/graph.js'
import type { Nearest } from '../index/searcher.js'
import type { Deadline } from './deadline.js'
import type { Engine } from './engine.js'

/** Searches that wait for a thread, at most: more than that come faster than they can be answered. */
const MOST_WAITING = 65_536

export interface Question {
  /** Shapes: f32[dim] as the user gave it. */
  vector: Float32Array
  k: number
  ef: number
  exact: boolean
  deadline: Deadline
  /** Whether it may end early with what it has found. */
  partial: boolean
}

/**
 * Has a thread of the database search a graph.
 *
 * @throws {VectorLevelError} VECTOR_ABORTED when the deadline has passed, VECTOR_BUSY when too many searches wait, VECTOR_CORRUPTION
 */
export async function find(engine: Engine, graph: Graph, question: Question): Promise<Nearest> {
  const { deadline } = question
  if (!question.partial) deadline.check('the search')
  if (engine.threads.waiting >= MOST_WAITING) throw new VectorLevelError('VECTOR_BUSY', `${engine.threads.waiting} searches wait already`)
  for (;;) {
    const { revision } = graph
    const nearest = await ask(engine, graph, question)
    // What was found may have been removed since the thread was done, and even have given its ordinal to another record.
    if (nearest === 'failed' || (nearest && (graph.revision !== revision || !nearest.found.every(({ ordinal }) => isFindable(graph.stateOf(ordinal)))))) {
      return findHere(graph, question)
    }
    if (nearest) return nearest
  }
}

/** The same on the calling thread. */
export function findHere(graph: Graph, { vector, k, ef, exact }: Pick<Question, 'vector' | 'k' | 'ef' | 'exact'>): Nearest {
  return exact ? graph.exact(vector, k) : graph.search(vector, k, ef)
}

/** One try: undefined when there was no room for it, and there is now. */
async function ask({ threads }: Engine, graph: Graph, { vector, k, ef, exact, deadline, partial }: Question): Promise<Nearest | 'failed' | undefined> {
  const job = graph.ask(vector, k, ef, exact)
  // Who fails here is heard of when the same is done on the calling thread.
  const ended = threads.search(graph.ptr, job.ptr).then(() => graph.finish(job), () => 'failed' as const).finally(() => job.release())
  if (!deadline.isSet) return await ended
  return await new Promise((resolve, reject) => {
    const unwatch = deadline.watch(() => {
      job.stop()
      if (partial) return
      threads.cancel(job.ptr)
      reject(deadline.error('the search'))
    })
    ended.finally(unwatch).then(resolve, reject)
  })
}
