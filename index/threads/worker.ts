import { parentPort, receiveMessageOnPort, workerData } from 'node:worker_threads'
import { type KernelBuild, type KernelCallbacks } from '../kernel.js'
import { Bells } from './bells.js'
import { ANSWER, ASKED, Control, COUNT, DEAD, FAULT, FAULTS, IDLE, NUMBER, PARKED, RECORD, SERVED, SPACE, STATE, UNANSWERED } from './control.js'
import { Hand, Refusal } from './hand.js'

/** Microseconds that a worker looks for work before it sleeps. */
const SPIN_US = 20
/** And for the answer to a fault: the calling thread needs less for most. */
const ANSWER_US = 100
const MOST_WAIT_MS = 5000

export interface WorkerData {
  index: number
  bells: SharedArrayBuffer
}

/** What a worker needs of a database, and which one it is to let go of. */
export interface Attachment {
  type: 'attach'
  id: number
  build: KernelBuild
  memory: WebAssembly.Memory
  control: number
  workers: number
  scratch: number
  /** The module that has `loadKernel`. */
  module: string
}

export type Mail = Attachment | { type: 'detach', id: number }

/** What a worker says: that a database's calling thread is to look at its words, or what became of mail. */
export type Message = number | { type: 'attached', id: number } | { type: 'detached', id: number } | { type: 'refused', id: number, message: string }

const { index, bells: buffer } = workerData as WorkerData
const bells = new Bells(buffer)
const port = parentPort!
const hands = new Map<number, { hand: Hand, control: Control }>()

/** Since when it looks for something to do; 0 while it has. */
let lookingSince = 0

function begin(): void {
  if (!lookingSince) return
  lookingSince = 0
  bells.note(index, false)
  for (const { control } of hands.values()) if (control.hasWork()) bells.wake(control.workers, 1)
}

function say(message: Message): void {
  port.postMessage(message)
}

async function attach({ id, build, memory, control: ptr, workers, scratch, module }: Attachment): Promise<void> {
  const control = new Control(memory, ptr, workers)
  const own = control.hand(index)
  control.store(own + STATE, IDLE)
  const ask = (kind: number, space: number, number: number, count: number): void => {
    control.store(own + ASKED, kind)
    control.store(own + SPACE, space)
    control.store(own + NUMBER, number)
    control.store(own + COUNT, count)
    control.store(own + ANSWER, UNANSWERED)
    control.store(own + STATE, control.load(own + STATE) | PARKED)
    control.call()
    hand.ring()
    const since = performance.now()
    while (control.load(own + ANSWER) === UNANSWERED && performance.now() - since < ANSWER_US / 1000);
    while (control.load(own + ANSWER) === UNANSWERED) control.wait(own + ANSWER, UNANSWERED, MOST_WAIT_MS)
    if (control.load(own + ANSWER) !== SERVED) throw new Refusal()
  }
  const { loadKernel } = await import(module) as { loadKernel(build: KernelBuild, memory: WebAssembly.Memory, callbacks: KernelCallbacks, thread: number): object }
  const kernel = loadKernel(build, memory, {
    fault: (space, block) => ask(FAULT, space, block, 1),
    faultAll: (space, blocks, count) => ask(FAULTS, space, blocks, count),
    loadRecords: (space, ordinals, count) => ask(RECORD, space, ordinals, count)
  }, index + 1)
  const hand = new Hand(control, index, kernel, scratch, { begin, wake: () => bells.wake(workers), ring: () => say(id) })
  hands.set(id, { hand, control })
  say({ type: 'attached', id })
}

async function takeMail(): Promise<void> {
  bells.clearMail(index)
  for (let mail; (mail = receiveMessageOnPort(port) as { message: Mail } | undefined);) {
    const { message } = mail
    if (message.type === 'attach') {
      await attach(message).catch((error: Error) => say({ type: 'refused', id: message.id, message: error.message }))
    } else {
      hands.delete(message.id)
      say({ type: 'detached', id: message.id })
    }
  }
}

/** One thing for each database; says whether there was anything. */
function round(): boolean {
  let worked = bells.hasMail(index)
  for (const { hand } of hands.values()) if (hand.work()) worked = true
  return worked
}

// Whoever waits for this thread without coming to its event loop must see that it ends.
process.on('exit', () => {
  for (const { control } of hands.values()) {
    const state = control.hand(index) + STATE
    control.store(state, control.load(state) | DEAD)
    control.call()
  }
})

while (true) {
  if (bells.hasMail(index)) await takeMail()
  if (round()) continue
  if (!lookingSince) {
    bells.note(index, true)
    lookingSince = performance.now()
  } else if (performance.now() - lookingSince > SPIN_US / 1000) {
    bells.sleep(index, round)
    lookingSince = performance.now()
  }
}
