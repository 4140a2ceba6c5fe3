/** The keys that are live, each with the row of the data set that it has now; removing one moves the last into its place. */
export class LiveSet {
  /** In no order; `rows[i]` is the row of `keys[i]`. */
  readonly keys: number[] = []
  readonly rows: number[] = []
  readonly #position = new Map<number, number>()

  get count(): number {
    return this.keys.length
  }

  has(key: number): boolean {
    return this.#position.has(key)
  }

  rowOf(key: number): number | undefined {
    const position = this.#position.get(key)
    return position === undefined ? undefined : this.rows[position]
  }

  put(key: number, row: number): void {
    const position = this.#position.get(key) ?? this.keys.length
    this.#position.set(key, position)
    this.keys[position] = key
    this.rows[position] = row
  }

  /** @throws {RangeError} when the key is not live */
  delete(key: number): void {
    const position = this.#position.get(key)
    if (position === undefined) throw new RangeError(`key ${key} is not live`)
    const [lastKey, lastRow] = [this.keys.pop()!, this.rows.pop()!]
    this.#position.delete(key)
    if (lastKey === key) return
    this.keys[position] = lastKey
    this.rows[position] = lastRow
    this.#position.set(lastKey, position)
  }
}
