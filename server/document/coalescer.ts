/**
 * The text of one growing field between two transactions: tokens are joined
 * before they are written, and a surrogate pair that two tokens share is kept
 * together (split over two transactions it is silent corruption: live viewers
 * see two U+FFFD, late ones the emoji, and their state vectors are equal).
 */
import { isHigh } from '../../shared/surrogates.ts'
export class Coalescer {
  #pending = ''
  /** A high surrogate at the end of what came: half of a pair, perhaps. */
  #held = ''

  /** What `take` would return now: well formed. */
  get pending(): string {
    return this.#pending
  }

  get held(): string {
    return this.#held
  }

  /** Returns what it added to `pending`. */
  push(chunk: string): string {
    if (chunk === '') return ''
    let text = this.#held + chunk
    this.#held = ''
    if (isHigh(text.charCodeAt(text.length - 1))) {
      this.#held = text.slice(-1)
      text = text.slice(0, -1)
    }
    if (!text.isWellFormed()) text = text.toWellFormed()
    this.#pending += text
    return text
  }

  /** No more comes: a high surrogate that waited alone becomes U+FFFD. */
  end(): void {
    if (this.#held === '') return
    this.#held = ''
    this.#pending += '\ufffd'
  }

  /** Replaces a part of `pending`: what is not written yet leaves no trace. */
  replace(start: number, end: number, insert: string): void {
    this.#pending = this.#pending.slice(0, start) + insert + this.#pending.slice(end)
  }

  dropHeld(): void {
    this.#held = ''
  }

  /** What can be written now. */
  take(): string {
    const text = this.#pending
    this.#pending = ''
    return text
  }
}
