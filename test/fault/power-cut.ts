import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { type Campaign, type CampaignReport, tally } from './campaign.js'
import { Disk } from './disk.js'
import { type Image, writeImage } from './image.js'
import type { Survivors } from './inode.js'
import { missingStrace, record, type Recording, type Step } from './recorder.js'
import { Recoverer } from './recoverer.js'
import type { Recovered } from './recovery-child.js'
import type { Workload } from './workload.js'

/** Cuts of one recording. */
const CUTS = 10
/** So many cuts apart, what is left is put through everything. */
const THOROUGH = 20
const STORE = 'store'
const SURVIVORS: Survivors[] = ['nothing', 'everything', 'oldest', 'pages', 'pages', 'sectors']
/** Calls around which an order counts. */
const ORDERING = /^(fsync|fdatasync|pwrite64|writev|rename|unlink|rmdir|mkdir)$/

/** Why an index may be built anew when no checkpoint was confirmed, and when the store was being opened. */
const BEFORE_A_CHECKPOINT = ['there is no index', 'it has no checkpoint']
const WHILE_OPENING = 'an earlier opening did not survive it'

/** What is known of a moment of a recording. */
interface Known {
  acknowledged: number
  checkpointed: number
  /** Whether an index was on stable storage. */
  indexed: boolean
  /** By the names of the directories. */
  backups: Map<string, number>
}

/** A moment of a recording, and what a disk holds after a cut then. */
interface Cut {
  step: number
  survivors: Survivors
  known: Known
  image: Image
}

/**
 * Cuts the power while a workload runs, at any moment, with any of the outcomes that a disk may have then: see `Disk`.
 *
 * A workload is recorded once, call by call, and cut many times. Every second recording begins where a cut left another, so that openings are cut
 * that replay.
 */
export const powerCuts: Campaign = {
  name: 'power-cuts',

  missing: missingStrace,

  async run(rounds, seed, onProgress, untilViolation = false) {
    const report: CampaignReport = { rounds: 0, violations: [], counts: {} }
    const recoverer = new Recoverer()
    try {
      const continued = new Map<string, { image: Image, count: number }>()
      for (let round = 0; round < rounds;) {
        const random = new Random(seed ^ Math.imul(round + 1, 0x9e3779b1))
        const durability = Math.floor(round / CUTS) % 2 ? 'relaxed' : 'strict'
        const history = (seed & ~1) | (Math.floor(round / CUTS / 2) % 2)
        const kind = `${durability}, ${history % 2 ? 'codes' : 'full vectors'}`
        const { image, count: from } = continued.get(kind) ?? { image: new Map() as Image, count: 0 }
        const recording = record(anyWorkload(random, durability, history, from), image)
        tally(report, `recordings, ${kind}, ${from ? 'after a cut' : 'from the creation on'}`)
        let last: { image: Image, count: number } | undefined
        for (const cut of cutsOf(recording, random, Math.min(CUTS, rounds - round))) {
          const recovered = await recover(recoverer, recording, cut, round % THOROUGH === THOROUGH - 1)
          round++
          const { rebuilt, replayed, violation } = recovered
          if (rebuilt) tally(report, `rebuilds: ${rebuilt.replace(/\d+/g, 'N')}`)
          else tally(report, replayed ? 'recoveries with replay' : 'recoveries without replay')
          if (violation) {
            const what = `${kind}, ${cut.survivors} survives, cut ${where(recording, cut)}`
            keep(cut.image, `power-cut-${seed}-${round - 1}`)
            report.violations.push(`power cut (seed ${seed}, round ${round - 1}, ${what}): ${violation}`)
          } else last = { image: withoutBackups(cut.image), count: recovered.count }
          report.rounds = round
          onProgress(round)
          if (untilViolation && violation) return report
        }
        if (from || !last) continued.delete(kind)
        else continued.set(kind, last)
      }
    } finally {
      recoverer.close()
    }
    return report
  }
}

function anyWorkload(random: Random, durability: Workload['durability'], seed: number, from: number): Workload {
  return {
    location: STORE,
    durability,
    seed,
    from,
    count: 60 + random.below(300),
    writers: 1 + random.below(8),
    checkpointEvery: [5, 20, 50, 1000][random.below(4)]!,
    maintenance: random.below(3) > 0,
    rests: random.below(2) > 0
  }
}

/** Moments of a recording in their order, often right before or after calls around which the order counts, and acknowledgements. */
function* cutsOf({ root, initial, steps, workload }: Recording, random: Random, count: number): Generator<Cut> {
  const ordering = [...steps.keys()].filter(i => steps[i]!.said || ORDERING.test(steps[i]!.call.name))
  const anyMoment = (): number => (random.below(4) ? ordering[random.below(ordering.length)]! + random.below(2) : random.below(steps.length + 1))
  const disk = new Disk(root, initial)
  const known: Known = { acknowledged: workload.from, checkpointed: workload.from, indexed: false, backups: new Map() }
  let done = 0
  for (const step of Array.from({ length: count }, anyMoment).sort((a, b) => a - b)) {
    for (; done < step; done++) {
      disk.apply(steps[done]!.call)
      learn(known, steps[done]!, root)
    }
    const survivors = SURVIVORS[random.below(SURVIVORS.length)]!
    yield { step, survivors, known: { ...known, backups: new Map(known.backups) }, image: disk.cut(random, survivors) }
  }
}

function learn(known: Known, { call, said }: Step, root: string): void {
  for (const line of said.split('\n')) {
    const [word, number, path] = line.split(' ')
    if (word === 'acknowledged') known.acknowledged = Number(number)
    if (word === 'checkpointed') {
      known.checkpointed = Math.max(known.checkpointed, Number(number))
      known.indexed = true
    }
    if (word === 'backed-up') known.backups.set(path!.slice(root.length + 1), Number(number))
  }
  // A backup is removed before its directory is used again.
  if (!/^(unlink|rmdir)$/.test(call.name)) return
  const removed = Buffer.from(call.arguments[0]!.replace(/["\\x]/g, ''), 'hex').toString().slice(root.length + 1)
  for (const name of known.backups.keys()) if (removed.startsWith(`${name}/`)) known.backups.delete(name)
}

async function recover(recoverer: Recoverer, { workload }: Recording, { known, image }: Cut, thoroughly: boolean): Promise<Recovered> {
  const directory = mkdtempSync(join(tmpdir(), 'vector-level-cut-'))
  writeImage(image, directory)
  const { durability, seed, from, count } = workload
  const recovered = await recoverer.recover({
    location: join(directory, STORE), durability, seed, thoroughly,
    least: durability === 'strict' ? known.acknowledged : known.checkpointed,
    most: from + count!,
    reasons: [...(known.indexed ? [] : BEFORE_A_CHECKPOINT), ...(known.acknowledged === from ? [WHILE_OPENING] : [])],
    backups: [...known.backups].map(([name, least]) => ({ location: join(directory, name), least }))
  })
  rmSync(directory, { recursive: true, force: true })
  return recovered
}

/** Threads make every recording another: what did not hold can be looked at again when it is kept. */
function keep(image: Image, name: string): void {
  const directory = process.env['FAULT_KEEP']
  if (directory) writeImage(image, join(directory, name))
}

function withoutBackups(image: Image): Image {
  return new Map([...image].filter(([path]) => path === STORE || path.startsWith(`${STORE}/`)))
}

function where({ steps }: Recording, { step }: Cut): string {
  const next = steps[step]
  const call = next ? `${next.call.name}(${next.call.arguments.map(readable).join(', ').slice(0, 200)})` : 'the end'
  return `before call ${step} of ${steps.length}, ${call}`
}

function readable(argument: string): string {
  return argument.replace(/\\x([2-7][0-9a-f])/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))).slice(0, 100)
}
