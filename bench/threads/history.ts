/** What a key was given: a row of the base, or nothing when it was deleted. */
export interface Version {
  readonly row: number | undefined
  /** Moments: of the call, and of the promise's resolving. */
  readonly begun: number
  ended: number
}

/**
 * What every key was at every moment, as far as callers can know: a write becomes visible at some moment between its call and its end, and those of
 * a key do so in the order of the calls.
 */
export class History {
  readonly #versions = new Map<number, Version[]>()
  #now = 0

  /** The next moment; no two are the same. */
  moment(): number {
    return ++this.#now
  }

  /** A write is called. */
  begin(key: number, row: number | undefined): Version {
    const version = { row, begun: this.moment(), ended: Infinity }
    const versions = this.#versions.get(key)
    if (versions) versions.push(version)
    else this.#versions.set(key, [version])
    return version
  }

  /** Its promise has resolved. */
  end(version: Version): void {
    version.ended = this.moment()
  }

  /** All rows that a key was ever given. */
  rowsOf(key: number): number[] {
    return (this.#versions.get(key) ?? []).flatMap(({ row }) => row ?? [])
  }

  /** The rows that a key may have had at some moment between two. */
  possible(key: number, from: number, to: number): number[] {
    const rows: number[] = []
    let replaced = Infinity
    for (const { row, begun, ended } of [...(this.#versions.get(key) ?? [])].reverse()) {
      if (begun < to && replaced > from && row !== undefined) rows.push(row)
      replaced = Math.min(replaced, ended)
    }
    return rows
  }

  /** The keys that certainly had one row all the time between two moments. */
  certain(from: number, to: number): { keys: number[]; rows: number[] } {
    const [keys, rows]: [number[], number[]] = [[], []]
    for (const [key, versions] of this.#versions) {
      const row = certainRow(versions, from, to)
      if (row === undefined) continue
      keys.push(key)
      rows.push(row)
    }
    return { keys, rows }
  }
}

function certainRow(versions: readonly Version[], from: number, to: number): number | undefined {
  const last = versions.findLastIndex(({ begun }) => begun < to)
  // A later one of the same key that has ended says that this one has, too.
  return last >= 0 && versions[last].ended < from ? versions[last].row : undefined
}
