/**
 * The text of one growing field between two transactions: tokens are joined
 * before they are written, and a surrogate pair that two tokens share is kept
 * together (split over two transactions it is silent corruption: live viewers
 * see two U+FFFD, late ones the emoji, and their state vectors are equal).
 */
export class Coalescer {
  #pending = ''
  /** A high surrogate at the end of what came: half of a pair, perhaps. */
  #held = ''

  get isEmpty(): boolean {
    return this.#pending === ''
  }

  /** Code units that `take` would return now. */
  get length(): number {
    return this.#pending.length
  }

  push(chunk: string): void {
    if (chunk === '') return
    let text = this.#held + chunk
    this.#held = ''
    const last = text.charCodeAt(text.length - 1)
    if (last >= 0xd800 && last <= 0xdbff) {
      this.#held = text.slice(-1)
      text = text.slice(0, -1)
    }
    this.#pending += text.isWellFormed() ? text : text.toWellFormed()
  }

  /** No more comes: a high surrogate that waited alone becomes U+FFFD. */
  end(): void {
    if (this.#held === '') return
    this.#held = ''
    this.#pending += '\ufffd'
  }

  /** What can be written now. */
  take(): string {
    const text = this.#pending
    this.#pending = ''
    return text
  }
}
