/** What a sign of life found: was the last one still there? */
export type SignOfLife = () => Promise<boolean>

/**
 * The sign of life of this node: renewed every third of a lease, on the
 * monotonic clock. A process that was stopped finds out before it acts
 * (`check`).
 */
export class Lease {
  readonly #leaseMs: number
  readonly #renew: SignOfLife
  readonly #onLost: () => void
  /** When the last sign of life that arrived was sent. */
  #renewedAt = performance.now()
  #held = false
  #lost = false
  /** Since when each sign of life found the one before it; null: they do not. */
  #steadySince: number | null = null
  #renewing: Promise<void> | null = null
  #beat: NodeJS.Timeout | null
  #end: NodeJS.Timeout | null = null

  constructor({ leaseMs, renew, onLost }: { leaseMs: number; renew: SignOfLife; onLost: () => void }) {
    this.#leaseMs = leaseMs
    this.#renew = renew
    this.#onLost = onLost
    this.#beat = setInterval(() => this.#show(), leaseMs / 3)
    this.#awaitEnd()
    this.#show()
  }

  /** Others see this node as alive. */
  get held(): boolean {
    this.check()
    return this.#held
  }

  /**
   * Signs of life have come through for a whole lease. Before that, a node
   * that shows none may only not have had the time: Redis was away, or has
   * lost them.
   */
  get steady(): boolean {
    return this.held && this.#steadySince !== null && performance.now() - this.#steadySince >= this.#leaseMs
  }

  /** Tells the owner if a whole lease has passed without a sign of life; once, until there is one again. */
  check(): void {
    if (this.#lost || performance.now() - this.#renewedAt < this.#leaseMs) return
    this.#lost = true
    this.#held = false
    this.#steadySince = null
    this.#onLost()
  }

  /** Resolves when what the sign of life under way has found, if there is one, is known. */
  async settled(): Promise<void> {
    await this.#renewing
  }

  #show(): void {
    this.check()
    this.#renewing ??= this.#renewOnce().finally(() => {
      this.#renewing = null
    })
  }

  async #renewOnce(): Promise<void> {
    const sentAt = performance.now()
    try {
      const found = await this.#renew()
      if (!this.#beat) return
      // It came through, but others may have seen the gap before it.
      this.check()
      if (!found) this.#steadySince = null
      this.#steadySince ??= sentAt
      this.#renewedAt = sentAt
      this.#held = performance.now() - sentAt < this.#leaseMs
      this.#lost = !this.#held
      this.#awaitEnd()
    } catch {
      // What it means is decided by the time that passes.
      this.#steadySince = null
    }
  }

  close(): void {
    if (this.#beat) clearInterval(this.#beat)
    if (this.#end) clearTimeout(this.#end)
    this.#beat = this.#end = null
  }

  #awaitEnd(): void {
    if (this.#end) clearTimeout(this.#end)
    const leftMs = this.#renewedAt + this.#leaseMs - performance.now()
    this.#end = setTimeout(() => this.check(), Math.ceil(Math.max(leftMs, 0)))
  }
}
