import type { ChurnRow, Found } from '../churn/figures.js'

/** Bytes of the LMDB file for each live one in it; undefined for other engines. */
export function indexRatio({ state }: Found): number | undefined {
  return state && state.index / (state.index - state.free)
}

/** Bytes of the LevelDB files for each byte of live records, which are what compaction leaves; undefined for other engines. */
export function recordsRatio({ end }: ChurnRow, { state }: Found): number | undefined {
  const live = end?.compacted?.state?.records
  return state && live && state.records / live
}

/** Bytes of the files for each byte that the same vectors take in a new index. */
export function diskRatio({ end }: ChurnRow, { bytesOnDisk }: Found): number | undefined {
  return end && bytesOnDisk / end.fresh.bytesOnDisk
}
