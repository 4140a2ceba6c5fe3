/** About `count` of the values, evenly spread. */
export function every<T>(values: readonly T[], count: number): T[] {
  const step = Math.max(1, Math.ceil(values.length / count))
  return values.filter((_, i) => i % step === 0)
}
