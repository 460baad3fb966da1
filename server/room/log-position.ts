/** Which entries of its log a document holds: all up to a number, and some beyond it where several nodes write. */
export class LogPosition {
  #seq: number
  readonly #ahead = new Set<number>()

  constructor(seq: number) {
    this.#seq = seq
  }

  /** All entries up to this one are there. */
  get seq(): number {
    return this.#seq
  }

  has(seq: number): boolean {
    return seq <= this.#seq || this.#ahead.has(seq)
  }

  add(seq: number): void {
    this.#ahead.add(seq)
    while (this.#ahead.delete(this.#seq + 1)) this.#seq += 1
  }

  /** The log numbers on from here: it has lost entries that were known. */
  reset(seq: number): void {
    this.#seq = seq
    this.#ahead.clear()
  }

  addUpTo(seq: number): void {
    this.#seq = seq
    for (const number of this.#ahead) if (number <= seq) this.#ahead.delete(number)
  }
}
