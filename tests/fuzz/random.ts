/** A seeded source of chance (mulberry32): the same seed makes the same test. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
    // Neighbouring seeds begin alike.
    for (let i = 0; i < 8; i++) this.next()
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** An integer, both ends included. */
  integer(min: number, max: number): number {
    return min + Math.floor(this.next() * (max - min + 1))
  }

  pick<T>(items: readonly T[]): T {
    return items[this.integer(0, items.length - 1)]!
  }

  /** An action by its weight. */
  weighted<T>(choices: readonly (readonly [weight: number, value: T])[]): T {
    let rest = this.next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, value] of choices) {
      rest -= weight
      if (rest < 0) return value
    }
    return choices.at(-1)![1]
  }

  bytes(length: number): Uint8Array<ArrayBuffer> {
    return Uint8Array.from({ length }, () => this.integer(0, 255))
  }
}

/** `RUNNEL_FUZZ_SEED` runs one seed, `RUNNEL_FUZZ_SEEDS` that many instead of `count`; without either, each run has other seeds. */
export function chosenSeeds(count: number): number[] {
  const { RUNNEL_FUZZ_SEED: one, RUNNEL_FUZZ_SEEDS: many } = process.env
  if (one !== undefined) return [Number(one)]
  const first = Math.floor(Math.random() * 2 ** 31)
  return Array.from({ length: many === undefined ? count : Number(many) }, (_, i) => first + i)
}
