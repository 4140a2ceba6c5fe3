/** Microseconds, of which differences count. */
export function now(): number {
  return performance.now() * 1e3
}
