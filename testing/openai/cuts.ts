/** How a recorded body is cut into network writes: as one, byte by byte, by a seed, or by these byte lengths. */
export type Cuts = 'whole' | 'bytes' | { seed: number; maxBytes?: number } | readonly number[]

/** The pieces of a body as its network reads give them. Together they are the body. */
export function cutBytes(body: Uint8Array, cuts: Cuts): Uint8Array[] {
  if (cuts === 'whole') return [body]
  const random = typeof cuts === 'object' && 'seed' in cuts ? seededRandom(cuts.seed) : undefined
  const maxBytes = typeof cuts === 'object' && 'seed' in cuts ? (cuts.maxBytes ?? 300) : 1
  const pieces: Uint8Array[] = []
  let start = 0
  while (start < body.length) {
    const length = random
      ? 1 + Math.floor(random() * maxBytes)
      : cuts === 'bytes'
        ? 1
        : ((cuts as readonly number[])[pieces.length] ?? body.length - start)
    pieces.push(body.subarray(start, start + Math.max(length, 1)))
    start += Math.max(length, 1)
  }
  return pieces
}

/** Numbers in [0, 1) that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
