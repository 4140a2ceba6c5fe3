import type { PlantedFault } from './planted.js'

const BARRIER = 'await engine.truth.sync();'
/** LevelDB goes on to a new log after so little that short workloads have it do so. */
const SMALL_LOGS = { file: 'storage/truth.js', find: 'writeBufferSize: 16 << 20', replace: 'writeBufferSize: 64 << 10' }

/** Orders of writes and syncs that are wrong: only a power cut shows them. */
export const powerCutFaults: PlantedFault[] = [
  {
    what: 'a relaxed checkpoint is written without the log being synced',
    changes: [{ file: 'src/checkpoint.js', find: BARRIER, replace: ';' }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'a commit with sync is taken for a barrier for those before it',
    changes: [SMALL_LOGS, {
      file: 'src/checkpoint.js', find: BARRIER,
      replace: 'await engine.truth.commit(batch => batch.put(META_KEY, encodeTruthMeta(engine, engine.trimmed)), true);'
    }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'strict commits are not synced',
    changes: [{ file: 'storage/truth.js', find: 'batch.write({ sync })', replace: 'batch.write({ sync: false })' }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'the log is cut off before the index is written',
    changes: [{
      file: 'src/checkpoint.js', find: 'return await beginWriting(engine, position);',
      replace: 'engine.watermark = position; await trimLog(engine); await engine.truth.sync(); return await beginWriting(engine, position);'
    }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'LMDB does not sync',
    changes: [{ file: 'storage/block-store.js', find: 'overlappingSync: false', replace: 'overlappingSync: false, noSync: true' }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'STORE and INDEX are renamed without being synced',
    changes: [{ file: 'storage/store-file.js', find: 'fsyncSync(file);', replace: '' }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'a copy of the index becomes the current one without being synced',
    changes: [{ file: 'storage/block-store.js', find: 'await syncFile(dataFile(directory));', replace: '' }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'compacted records are the current ones without being synced',
    changes: [
      { file: 'src/truth-copy.js', find: 'await this.#write(true);', replace: 'await this.#write(false);' },
      { file: 'src/truth-copy.js', find: 'await this.#truth.sync();', replace: '' }
    ],
    caughtBy: ['power-cuts']
  },
  {
    what: 'the marker of an opening is removed without a sync',
    changes: [{ file: 'storage/store-file.js', find: 'syncDirectory(data);', replace: '' }],
    caughtBy: ['power-cuts']
  }
]
