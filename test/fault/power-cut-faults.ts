import type { PlantedFault } from './planted.js'

const BARRIER = 'await engine.truth.sync();'
/** Orders of writes and syncs that are wrong: only a power cut shows them. */
export const powerCutFaults: PlantedFault[] = [
  {
    what: 'a relaxed checkpoint is written without the log being synced',
    changes: [{ file: 'src/checkpoint.js', find: BARRIER, replace: ';' }],
    caughtBy: ['power-cuts']
  },
  {
    what: 'a relaxed record is written anew without the log being synced',
    changes: [{ file: 'src/group.js', find: 'await truth.sync();', replace: ';' }],
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
