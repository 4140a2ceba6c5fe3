import { type CampaignReport, messageOf } from './campaign.js'
import type { Planned } from './campaigns.js'
import { type Change, withMutant } from './mutants.js'
import { powerCutFaults } from './power-cut-faults.js'

/** A fault of a kind that could be made by hand, and the campaigns that must find it. */
export interface PlantedFault {
  what: string
  changes: Change[]
  caughtBy: string[]
  /** Rounds in which each must find it, 1000 when not given. */
  within?: number
}

const killFaults: PlantedFault[] = [
  {
    what: 'a write is acknowledged before its commit',
    changes: [{
      file: 'src/commits.js',
      find: 'await this.#commit(group);',
      replace: '{ for (const { request } of added) request.resolve(); await this.#commit(group) }'
    }],
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'records and keys of a batch are two commits',
    changes: [{
      file: 'src/group.js',
      find: 'await truth.commit(batch => byAndBy(',
      replace: 'const onlyRecords = batch => ({ put: (key, value) => { if (key[0] === recordKey(0, 0)[0]) batch.put(key, value) }, del: () => undefined }); ' +
        'await truth.commit(batch => byAndBy(this.#fill(onlyRecords(batch), sequence, created, bytes), SLICE_MS), synced); await truth.commit(batch => byAndBy('
    }],
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'the log is cut off before the index is written',
    changes: [{
      file: 'src/checkpoint.js',
      find: 'return await beginWriting(engine, position);',
      replace: 'engine.watermark = position; await trimLog(engine); return await beginWriting(engine, position);'
    }],
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'an entry of the log is not applied again',
    changes: [{
      file: 'src/recovery.js',
      find: 'if (entry.sequence <= checkpoint.sequence)',
      replace: 'if (entry.sequence <= checkpoint.sequence + 1)'
    }],
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'an ordinal is used again before the log is cut behind its removal',
    changes: [{
      file: 'index/free-ordinals.js',
      find: 'this.#written = this.#written.concat(this.#since);',
      replace: 'this.#trimmed = this.#trimmed.concat(this.#since);'
    }],
    caughtBy: ['kills', 'power-cuts']
  },
  {
    what: 'codes that are kept in place of vectors are written behind the index',
    changes: [{
      file: 'src/checkpoint.js',
      find: 'await writeCodes(engine, codes, graphs);',
      replace: 'const late = codes.splice(0); await writeCodes(engine, codes, graphs);'
    }, {
      file: 'src/checkpoint.js',
      find: 'await forgetCodes(engine, graphs);',
      replace: 'await writeCodes(engine, late, graphs); await forgetCodes(engine, graphs);'
    }],
    caughtBy: ['kills', 'power-cuts']
  },
  {
    what: 'a store has its identity before its log',
    changes: [{
      file: 'src/recovery.js',
      find: 'for await (const [key] of engine.truth.entries({ limit: 2 })) {',
      replace: 'writeIdentity(engine.directory, engine.identity); for await (const [key] of engine.truth.entries({ limit: 2 })) {'
    }],
    caughtBy: ['syscall-kills']
  },
  {
    what: 'a backup has its identity before its records',
    changes: [{
      file: 'src/backup.js',
      find: 'await copyData(engine, writer, data, maintenance);',
      replace: 'writeIdentity(directory, { ...engine.identity, data: 1 }); await copyData(engine, writer, data, maintenance);'
    }],
    caughtBy: ['syscall-kills', 'kills']
  },
  {
    what: 'compacted data are the current ones before they are written',
    changes: [{
      file: 'src/compact.js',
      find: 'const truth = await this.#writeTruth();',
      replace: "(await import('../storage/store-file.js')).writeIdentity(engine.directory, { ...engine.identity, data: engine.identity.data + 1 }); " +
        'const truth = await this.#writeTruth();'
    }],
    caughtBy: ['syscall-kills', 'kills']
  }
]

export const plantedFaults: PlantedFault[] = [...killFaults, ...powerCutFaults]

/** Rounds in which a planted fault must be found. */
const WITHIN = 1000

/** Plants a fault, and plays a campaign on it until that finds something. */
export async function playOn({ changes, within = WITHIN }: PlantedFault, name: string, seed: number): Promise<CampaignReport> {
  let report: CampaignReport | undefined
  await withMutant(changes, async mutant => {
    const { campaigns } = await mutant.load<{ campaigns: Planned[] }>('test/fault/campaigns.js')
    const { campaign } = campaigns.find(({ campaign }) => campaign.name === name)!
    // Some faults show before the first round, when a workload ends with an error where nothing was done to it.
    report = await campaign.run(within, seed, () => undefined, true)
      .catch((error: unknown) => ({ rounds: 0, violations: [`--seed ${seed}: ${messageOf(error)}`], counts: {} }))
  })
  return report!
}
