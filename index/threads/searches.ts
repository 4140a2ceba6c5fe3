import { CANCELLED, type Control, FOUND, HEAD, PLACE_GRAPH, PLACE_JOB, PLACES, STATUS, TAIL, TAKEN, THREW, WAITING } from './control.js'
import { ThreadFailure } from './failure.js'

interface Search {
  graph: number
  job: number
  resolve: () => void
  reject: (error: Error) => void
  /** What a fault of its was answered with. */
  refusal: unknown
}

/** The calling thread's end of the ring: brings searches to it, and collects what became of them. */
export class Searches {
  readonly #control: Control
  /** Of each place that is in use. */
  readonly #searches = new Array<Search | undefined>(PLACES)
  /** Those that the ring has no place for yet. */
  readonly #waiting: Search[] = []
  /** Places from here to TAIL may be in use. */
  #first = 0
  #tail = 0
  #count = 0

  constructor(control: Control) {
    this.#control = control
  }

  /** Searches that have not ended. */
  get count(): number {
    return this.#count
  }

  add(graph: number, job: number): Promise<void> {
    this.#count++
    return new Promise((resolve, reject) => {
      const search = { graph, job, resolve, reject, refusal: undefined }
      if (this.#hasPlace()) this.#bring(search)
      else this.#waiting.push(search)
    })
  }

  /** Takes a search back that nobody has begun; says whether it could. */
  cancel(job: number): boolean {
    const queued = this.#waiting.findIndex(search => search.job === job)
    if (queued >= 0) {
      this.#end(this.#waiting.splice(queued, 1)[0]!, 'the search was cancelled')
      return true
    }
    for (let at = this.#first; at !== this.#tail; at = at + 1 | 0) {
      const search = this.#searches[at & (PLACES - 1)]
      if (search?.job === job) return this.#control.swap(this.#control.place(at) + STATUS, WAITING, CANCELLED)
    }
    return false
  }

  /** Ends the searches that hands are through with, and brings others to their places: says whether there were any. */
  collect(): boolean {
    const control = this.#control
    for (let at = this.#first; at !== this.#tail; at = at + 1 | 0) {
      const search = this.#searches[at & (PLACES - 1)]
      if (!search) continue
      const status = control.load(control.place(at) + STATUS)
      // What comes after the first that nobody has taken was not taken either.
      if (status === WAITING && at - control.load(HEAD) >= 0) break
      if (status !== FOUND && status !== THREW && status !== CANCELLED) continue
      this.#searches[at & (PLACES - 1)] = undefined
      if (status === FOUND) this.#end(search)
      else this.#end(search, status === THREW ? 'a search failed' : 'the search was cancelled')
    }
    while (this.#first !== this.#tail && !this.#searches[this.#first & (PLACES - 1)]) this.#first = this.#first + 1 | 0
    const tail = this.#tail
    while (this.#waiting.length && this.#hasPlace()) this.#bring(this.#waiting.shift()!)
    return this.#tail !== tail
  }

  /** Notes that a fault of the search that a hand has is answered by an error. */
  refuse(index: number, error: unknown): void {
    const at = this.#takenBy(index)
    if (at !== undefined) this.#searches[at & (PLACES - 1)]!.refusal = error
  }

  /** Gives up the search that a hand had whose thread ended. */
  abandon(index: number, error: Error): void {
    const at = this.#takenBy(index)
    if (at === undefined) return
    this.#searches[at & (PLACES - 1)]!.refusal = error
    this.#control.store(this.#control.place(at) + STATUS, THREW)
  }

  #takenBy(index: number): number | undefined {
    for (let at = this.#first; at !== this.#tail; at = at + 1 | 0) {
      if (this.#searches[at & (PLACES - 1)] && this.#control.load(this.#control.place(at) + STATUS) === TAKEN + index) return at
    }
    return undefined
  }

  #hasPlace(): boolean {
    return (this.#tail - this.#first | 0) < PLACES
  }

  #bring(search: Search): void {
    const control = this.#control
    const place = control.place(this.#tail)
    this.#searches[this.#tail & (PLACES - 1)] = search
    control.store(place + PLACE_GRAPH, search.graph)
    control.store(place + PLACE_JOB, search.job)
    control.store(place + STATUS, WAITING)
    this.#tail = this.#tail + 1 | 0
    control.store(TAIL, this.#tail)
  }

  #end(search: Search, failure?: string): void {
    this.#count--
    if (failure === undefined) search.resolve()
    else search.reject(new ThreadFailure(failure, search.refusal))
  }
}
