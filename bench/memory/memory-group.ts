import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { GroupHeld } from './figures.js'

/** A file of a group, and what its number is called in it where it has several. */
type Field = [file: string, name?: string]

/** Where a version of the system's control groups has what is asked here. */
interface Version {
  root: string
  limit: string
  /** What may be in memory and swap, or in swap alone; not on every system. */
  swap: string
  swapBytes: (limitBytes: number) => number
  most: Field
  anonymous: Field
  files: Field
  kernel: Field
  met: Field
  killed: Field
}

const SHARED: Field = ['memory.stat', 'shmem']
const versions: readonly Version[] = [
  {
    root: '/sys/fs/cgroup/memory', limit: 'memory.limit_in_bytes', most: ['memory.max_usage_in_bytes'],
    // A little more than the limit of memory, so that it is that one which is met, and counted.
    swap: 'memory.memsw.limit_in_bytes', swapBytes: (limitBytes) => limitBytes + 2 ** 20,
    anonymous: ['memory.stat', 'rss'], files: ['memory.stat', 'cache'], kernel: ['memory.kmem.usage_in_bytes'],
    met: ['memory.failcnt'], killed: ['memory.oom_control', 'oom_kill']
  },
  {
    root: '/sys/fs/cgroup', limit: 'memory.max', most: ['memory.peak'],
    swap: 'memory.swap.max', swapBytes: () => 0,
    anonymous: ['memory.stat', 'anon'], files: ['memory.stat', 'file'], kernel: ['memory.stat', 'kernel'],
    met: ['memory.events', 'max'], killed: ['memory.events', 'oom_kill']
  }
]

/** A control group of the system: its processes together hold no more memory than its limit. */
export class MemoryGroup {
  readonly path: string
  readonly #version: Version

  private constructor(path: string, version: Version) {
    this.path = path
    this.#version = version
  }

  /** @throws {Error} where there can be none: it takes Linux, root, and a system that lets memory be limited */
  static create(name: string, limitBytes?: number): MemoryGroup {
    const version = versions.find(({ root }) => existsSync(join(root, 'cgroup.procs')))
    if (!version) throw new Error('the system has no control groups')
    const path = join(version.root, name)
    // One that was left by a process that was killed is empty.
    if (existsSync(path)) rmdirSync(path)
    mkdirSync(path)
    try {
      const limit = join(path, version.limit)
      if (!existsSync(limit)) throw new Error(`the control groups in ${version.root} do not limit memory`)
      if (limitBytes !== undefined) {
        writeFileSync(limit, String(limitBytes))
        const swap = join(path, version.swap)
        if (existsSync(swap)) writeFileSync(swap, String(version.swapBytes(limitBytes)))
      }
      return new MemoryGroup(path, version)
    } catch (error) {
      rmdirSync(path)
      throw error
    }
  }

  /** Now. */
  held(): GroupHeld {
    const { anonymous, files, kernel } = this.#version
    const shared = this.#read(SHARED)
    return { anonymous: this.#read(anonymous) + shared, files: this.#read(files) - shared, kernel: this.#read(kernel) }
  }

  /** Since it was made. */
  outcome(): { mostBytes: number, met: number, killed: number } {
    const { most, met, killed } = this.#version
    return { mostBytes: this.#read(most), met: this.#read(met), killed: this.#read(killed) }
  }

  /** Once its processes have ended, which may take the system a moment longer than telling of it. */
  async remove(): Promise<void> {
    for (let tries = 1; ; tries++) {
      try {
        return rmdirSync(this.path)
      } catch (error) {
        if (tries === 100) throw error
        await delay(50)
      }
    }
  }

  /** 0 where this system does not tell. */
  #read([file, name]: Field): number {
    const path = join(this.path, file)
    if (!existsSync(path)) return 0
    const text = readFileSync(path, 'utf8')
    return Number(name === undefined ? text : (new RegExp(`^${name} (\\d+)$`, 'm').exec(text)?.[1] ?? 0))
  }
}
