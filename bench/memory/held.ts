import { readFileSync } from 'node:fs'
import type { Held } from './figures.js'

/** Of this process now. */
export function held(): Held {
  const status = readFileSync('/proc/self/status', 'utf8')
  const bytes = (name: string): number => 1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)![1])
  return { own: bytes('RssAnon') + bytes('RssShmem'), files: bytes('RssFile') }
}

/** Follows what the process holds at most, until it is stopped. */
export function watchHeld(): () => Held {
  const most = held()
  const look = (): void => {
    const now = held()
    most.own = Math.max(most.own, now.own)
    most.files = Math.max(most.files, now.files)
  }
  const timer = setInterval(look, 50)
  return () => {
    clearInterval(timer)
    look()
    return most
  }
}
