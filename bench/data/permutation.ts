/** The generator mulberry32 (Tommy Ettinger): uniform in [0, 1), 32 bits of state. */
function mulberry32(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** The numbers below `count` in an order that depends on nothing but the seed (Fisher-Yates). */
export function permutation(count: number, seed: number): Uint32Array {
  const random = mulberry32(seed)
  const order = Uint32Array.from({ length: count }, (_, i) => i)
  for (let last = count - 1; last > 0; last--) {
    const chosen = Math.floor(random() * (last + 1))
    const swapped = order[last]
    order[last] = order[chosen]
    order[chosen] = swapped
  }
  return order
}
