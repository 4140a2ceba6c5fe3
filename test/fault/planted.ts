import type { CampaignReport } from './campaign.js'
import type { Planned } from './campaigns.js'
import { withMutant } from './mutants.js'

/** A fault of a kind that could be made by hand, and the campaigns that must find it. */
export interface PlantedFault {
  what: string
  /** A compiled file, the one place in it, and what stands there instead. */
  file: string
  find: string
  replace: string
  caughtBy: string[]
  /** Rounds in which each must find it, 1000 when not given. */
  within?: number
}

export const plantedFaults: PlantedFault[] = [
  {
    what: 'a write is acknowledged before its commit',
    file: 'src/writer.js',
    find: 'await this.#commit(group);',
    replace: '{ for (const request of requests) request.resolve(); await this.#commit(group) }',
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'records and keys of a batch are two commits',
    file: 'src/group.js',
    find: 'for (const { collection: { id }, key, ordinal } of',
    replace: "}, settings.durability === 'strict'); await truth.commit(batch => { for (const { collection: { id }, key, ordinal } of",
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'the log is cut off before the index is written',
    file: 'src/checkpoint.js',
    find: 'return await beginWriting(engine, position);',
    replace: 'engine.watermark = position; await trimLog(engine); return await beginWriting(engine, position);',
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'an entry of the log is not applied again',
    file: 'src/recovery.js',
    find: 'if (entry.sequence <= checkpoint.sequence)',
    replace: 'if (entry.sequence <= checkpoint.sequence + 1)',
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'a store has its identity before its log',
    file: 'src/recovery.js',
    find: 'for await (const [key] of engine.truth.entries({ limit: 2 })) {',
    replace: 'writeIdentity(engine.directory, engine.identity.uuid); for await (const [key] of engine.truth.entries({ limit: 2 })) {',
    caughtBy: ['syscall-kills']
  },
  {
    what: 'a backup has its identity before its records',
    file: 'src/backup.js',
    find: 'mkdirSync(directory, { recursive: true });',
    replace: 'mkdirSync(directory, { recursive: true }); writeIdentity(directory, engine.identity.uuid);',
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'a compacted index is the current one before it is written',
    file: 'src/backup.js',
    find: 'const directory = await copyGeneration(engine);',
    replace: 'writeGeneration(engine.directory, engine.generation + 1); const directory = await copyGeneration(engine);',
    caughtBy: ['syscall-kills', 'kills']
  }
]

/** Rounds in which a planted fault must be found. */
const WITHIN = 1000

/** Plants a fault, and plays a campaign on it until that finds something. */
export async function playOn({ file, find, replace, within = WITHIN }: PlantedFault, name: string, seed: number): Promise<CampaignReport> {
  let report: CampaignReport | undefined
  await withMutant(file, find, replace, async mutant => {
    const { campaigns } = await mutant.load<{ campaigns: Planned[] }>('test/fault/campaigns.js')
    const { campaign } = campaigns.find(({ campaign }) => campaign.name === name)!
    report = await campaign.run(within, seed, () => undefined, true)
  })
  return report!
}
