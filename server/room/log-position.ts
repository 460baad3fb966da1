/** An entry whose number is further ahead than this is not waited for: the log is read. */
const maxAhead = 1_000

/** Which entries of its log a document holds: all up to a number, and some beyond it where several nodes write. */
export class LogPosition {
  /** Of what several nodes write: the log has given a number again that is known here, so it has lost what had it. */
  hasLost = false
  readonly #shared: boolean
  #seq: number
  readonly #ahead = new Set<number>()

  /** `shared`: several nodes write it. */
  constructor(seq: number, shared: boolean) {
    this.#seq = seq
    this.#shared = shared
  }

  /** All entries up to this one are there. */
  get seq(): number {
    return this.#seq
  }

  has(seq: number): boolean {
    return seq <= this.#seq || this.#ahead.has(seq)
  }

  /** So many are missing before it that it is not waited for. */
  isTooFar(seq: number): boolean {
    return seq > this.#seq + (this.#shared ? maxAhead : 1)
  }

  add(seq: number): void {
    this.#ahead.add(seq)
    while (this.#ahead.delete(this.#seq + 1)) this.#seq += 1
  }

  /** The log has given this number to an entry of ours. */
  appended(seq: number, hasWords: boolean): void {
    if (!this.#shared) this.addUpTo(seq)
    else if (this.has(seq)) this.hasLost ||= hasWords
    else this.add(seq)
  }

  /** The log has other words under a number that is known. */
  heardOtherWords(): void {
    if (this.#shared) this.hasLost = true
  }

  /** The log has all that is here up to this number, or gets it now: what had the numbers behind it is lost. */
  reset(seq: number): void {
    this.#seq = seq
    this.#ahead.clear()
    this.hasLost = false
  }

  addUpTo(seq: number): void {
    this.#seq = seq
    for (const number of this.#ahead) if (number <= seq) this.#ahead.delete(number)
  }
}
