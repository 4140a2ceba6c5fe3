import { cpSync, readdirSync, rmSync, utimesSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { Random } from '../../floor/random.js'
import { type CollectionOptions, VectorLevel, VectorLevelError } from '../../src/index.js'
import { findInTables } from '../../storage/table-check.js'
import { linked, SMALL } from '../src/store.js'
import { damage } from './damage-file.js'
import { Judge, typed, type Verdict } from './damage-judge.js'
import { collectionsOf, type Commit, commitsOf, type Recipe, RECIPES } from './damage-stores.js'

/** What a child is to do, as JSON in its first argument: rounds from `from` on, below `to`. */
export interface DamageTask {
  directory: string
  seed: number
  from: number
  to: number
}

/** What it says, a line each: of a round that begins, what is damaged; of one that ends, what came of it. */
export interface RoundBegun { round: number, recipe: Recipe, file: string, what: string, inTables: boolean }
export interface RoundEnded { round: number, kinds: string[], violations: string[] }

const { directory, seed, from, to } = JSON.parse(process.argv[2]!) as DamageTask
/** Files whose loss may look like operations that were never written. */
const ENDS = /^data-1\/truth\/(\d+\.log|MANIFEST-\d+|CURRENT)$/

/** At once, so that the death of the process does not take it back. */
function say(line: RoundBegun | RoundEnded): void {
  writeSync(1, `${JSON.stringify(line)}\n`)
}

async function examine(location: string, recipe: Recipe, file: string, compacts: boolean): Promise<Verdict> {
  const verdict: Verdict = { kinds: new Set(), violations: [] }
  const commits = commitsOf(recipe, seed)
  const collections = collectionsOf(recipe)
  const truthIsWhole = !file.startsWith('data-1/truth') && file !== 'STORE'
  let db = openable(location, verdict)
  let refused = await typed(() => db.open())
  if (refused && truthIsWhole && refused.code === 'VECTOR_CORRUPTION') {
    // It was opened as far as a damaged block, and is without an index from now on.
    verdict.kinds.add('refused once, for the index')
    db = openable(location, verdict)
    refused = await typed(() => db.open())
  }
  if (refused) {
    verdict.kinds.add(`refused: ${refused.code}`)
    if (truthIsWhole) verdict.violations.push(`refused, and only the index is damaged: ${refused.message}`)
    await mend(location, commits, collections, verdict)
    return verdict
  }
  const judge = new Judge(commits, collections, ENDS.test(file), verdict)
  const whole = await judge.look(db)
  await judge.verify(db, 'opened', false)
  const points = db.collection<number>('points', collections['points']!)
  const added = await typed(() => points.put('new', new Float32Array(8).fill(9), 1_000_000))
  const removed = await typed(() => points.del('k1'))
  const checkpoint = await typed(() => db.checkpoint())
  for (const error of [added, removed, checkpoint]) if (error) verdict.kinds.add(`write throws ${error.code}`)
  await typed(() => db.close())

  // What was acknowledged is there when it is opened again; by then a damaged index has been given up.
  const then = [...commits]
  if (!added) then.push({ collection: 'points', operations: [{ type: 'put', key: 'new', vector: new Float32Array(8).fill(9), metadata: 1_000_000 }] })
  if (!removed) then.push({ collection: 'points', operations: [{ type: 'del', key: 'k1' }] })
  db = openable(location, verdict)
  const again = await typed(() => db.open())
  if (again) {
    verdict.kinds.add(`refused when opened again: ${again.code}`)
    if (truthIsWhole) verdict.violations.push(`refused when opened again, and only the index was damaged: ${again.message}`)
    return verdict
  }
  if (whole || truthIsWhole) {
    const healed = new Judge(then, collections, false, verdict)
    if (!(await healed.look(db))) verdict.violations.push(`opened again: ${[...verdict.kinds].join('; ')}`)
    await healed.verify(db, 'opened again', truthIsWhole)
  } else if (verdict.kinds.has('an earlier beginning')) {
    if ((await db.verify()).length) verdict.kinds.add('verify() reports a shortened store, opened again')
    const record = await db.collection<number>('points', collections['points']!).get('new')
    if (!added && record?.metadata !== 1_000_000) verdict.violations.push('an acknowledged record is gone when opened again')
  }
  const compacted = compacts ? await typed(() => db.compact()) : undefined
  if (compacted) verdict.kinds.add(`compaction throws ${compacted.code}`)
  if (compacted && !truthIsWhole) await db.close().then(() => mend(location, then, collections, verdict))
  if (compacted && truthIsWhole) verdict.violations.push(`compaction: ${compacted.message}`)
  await typed(() => db.close())
  if (!verdict.kinds.size) verdict.kinds.add('right')
  return verdict
}

/** repair() makes it sound: nothing in it is wrong then, and what it lacks was named. */
async function mend(location: string, commits: Commit[], collections: Record<string, CollectionOptions>, verdict: Verdict): Promise<void> {
  const db = openable(location, verdict)
  const report = await typed(() => db.repair())
  if (report instanceof VectorLevelError) {
    verdict.kinds.add(`repair() throws ${report.code}`)
    await typed(() => db.close())
    return
  }
  const found: Verdict = { kinds: new Set(), violations: [] }
  const whole = await new Judge(commits, collections, true, found).look(db)
  verdict.kinds.add(report.lost.length ? 'repaired, with losses that were named' : whole ? 'repaired, all is there' : 'repaired, without the end of the log')
  // A deletion or a replacement that is lost with its part of the log has not happened.
  const undone = report.lost.some(({ operations }) => operations) || found.kinds.has('an earlier beginning')
  for (const violation of found.violations) if (!undone || !/^(resurrection|stale value)/.test(violation)) verdict.violations.push(`repaired: ${violation}`)
  if ([...found.kinds].some(kind => kind.startsWith('silent absence')) && !report.lost.length) verdict.violations.push('repaired: something is gone that was not named')
  await linked(db)
  const findings = await db.verify()
  if (findings.length) verdict.violations.push(`repaired: verify() finds ${JSON.stringify(findings.slice(0, 3))}`)
  await db.close()
}

/** Whether the checksums of LevelDB's tables tell of the damage. */
async function hasDamagedTable(location: string): Promise<boolean> {
  const tables = join(location, 'data-1', 'truth')
  for (const name of readdirSync(tables)) utimesSync(join(tables, name), 1, 1)
  for await (const finding of findInTables(tables)) if (finding) return true
  return false
}

function openable(location: string, verdict: Verdict): VectorLevel {
  const db = new VectorLevel(location, { ...SMALL, durability: 'relaxed' })
  db.on('rebuild', () => verdict.kinds.add('index built anew'))
  return db
}

for (let round = from; round < to; round++) {
  const random = new Random(Math.imul(seed, 0x9e3779b1) ^ Math.imul(round + 1, 0x85ebca6b))
  const recipe = RECIPES[random.below(RECIPES.length)]!
  const location = join(directory, `round-${round}`)
  const template = join(directory, recipe)
  cpSync(template, location, { recursive: true })
  const others = RECIPES.filter(other => other !== recipe).map(other => join(directory, other))
  const { file, what } = damage(location, [...others, `${template}-earlier`], random)
  say({ round, recipe, file, what, inTables: await hasDamagedTable(location) })
  const verdict = await examine(location, recipe, file, round % 4 === 0).catch((error: Error): Verdict =>
    ({ kinds: new Set(['an error without a code']), violations: [`an error without a code: ${error.stack}`] }))
  say({ round, kinds: [...verdict.kinds], violations: verdict.violations })
  if (!verdict.violations.length) rmSync(location, { recursive: true, force: true })
}
