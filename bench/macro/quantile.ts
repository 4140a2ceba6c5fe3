/** The value below which the share `q` of the values lies; nearest rank, so it is one of the values. */
export function quantile(values: ArrayLike<number>, q: number): number {
  const sorted = Float64Array.from(values).sort()
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))]
}

export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5)
}
