import { SingleBar } from 'cli-progress'

const plainIntervalMs = 5_000
const rateWindowMs = 10_000

/** Progress of a long task: a bar on a terminal, elsewhere a line every few seconds. */
export class Progress {
  readonly #title: string
  readonly #total: number
  readonly #unit: string
  readonly #bar: SingleBar | undefined
  readonly #started = performance.now()
  #window: { at: number; value: number }[]
  #value: number
  #printed = this.#started

  /** `from` is what an earlier run had done already; it counts as progress, not as speed. */
  constructor(title: string, total: number, unit: string, from = 0) {
    this.#title = title
    this.#total = total
    this.#unit = unit
    this.#value = from
    this.#window = [{ at: this.#started, value: from }]
    if (process.stdout.isTTY) {
      this.#bar = new SingleBar({
        stream: process.stdout,
        format: `${title} {bar} {percentage} %  {count} of ${format(total)}  {speed}  {left}`,
        barCompleteChar: '█',
        barIncompleteChar: '░',
        barsize: 24
      })
      this.#bar.start(total, from, { count: format(from), speed: '', left: '' })
    } else {
      console.log(`${title}: ${format(total - from)} ${unit}`)
    }
  }

  update(value: number): void {
    const now = performance.now()
    this.#value = value
    this.#window.push({ at: now, value })
    while (this.#window.length > 2 && now - this.#window[0].at > rateWindowMs) this.#window.shift()
    if (this.#bar !== undefined) this.#bar.update(value, this.#figures(now))
    else if (now - this.#printed >= plainIntervalMs) {
      this.#printed = now
      const { count, speed, left } = this.#figures(now)
      const percent = Math.floor((100 * value) / this.#total)
      console.log(`${this.#title}: ${percent} % (${count} of ${format(this.#total)}), ${speed}, ${left}`)
    }
  }

  /** Ends the bar, whether or not all was done, and returns the seconds that it took. */
  stop(): number {
    const now = performance.now()
    this.#bar?.update(this.#value, { ...this.#figures(now), left: '' })
    this.#bar?.stop()
    return (now - this.#started) / 1000
  }

  #figures(now: number): { count: string; speed: string; left: string } {
    const { at, value } = this.#window[0]
    const rate = (this.#value - value) / Math.max((now - at) / 1000, 1e-3)
    return {
      count: format(this.#value),
      speed: `${format(rate)} ${this.#unit}/s`,
      left: rate > 0 ? `${Math.ceil((this.#total - this.#value) / rate)} s left` : ''
    }
  }
}

/** Awaits a task that cannot tell how far it is, while a terminal shows the seconds that have passed. */
export async function stage<T>(title: string, task: () => Promise<T>): Promise<T> {
  const started = performance.now()
  const seconds = (): string => `${((performance.now() - started) / 1000).toFixed(0)} s`
  if (!process.stdout.isTTY) {
    console.log(`${title} ...`)
    return task()
  }
  const show = (): boolean => process.stdout.write(`\r${title} ... ${seconds()} `)
  show()
  const timer = setInterval(show, 250)
  try {
    return await task()
  } finally {
    clearInterval(timer)
    process.stdout.write(`\r${title}: ${seconds()}      \n`)
  }
}

function format(value: number): string {
  return Math.round(value).toLocaleString('en-US')
}
