/**
 * The idempotency key of one intent: the same until it has worked, so that
 * what was done although its answer got lost is not done twice.
 */
export class Attempt {
  #intent: string | null = null
  #key = ''

  keyOf(intent: string): string {
    // crypto.randomUUID is absent on plain-http pages.
    if (this.#intent !== intent) this.#key = [...crypto.getRandomValues(new Uint32Array(4))].join('-')
    this.#intent = intent
    return this.#key
  }

  worked(): void {
    this.#intent = null
  }
}
