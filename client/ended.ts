import type { MessageSnapshot } from './message.ts'

/** So many messages that have ended are kept, of so many characters; then the one used longest ago goes. */
export const keptMessages = 500
export const keptChars = 10_000_000

interface Kept {
  version: string
  snapshot: MessageSnapshot
  chars: number
}

/** Messages that have ended, as they are on show: whoever looks at one again has it at once. */
export class EndedMessages {
  /** Used longest ago first. */
  readonly #kept = new Map<string, Kept>()
  #chars = 0

  /** What was put under this very version of the chat's list. */
  get(id: string, version: string): MessageSnapshot | undefined {
    const kept = this.#kept.get(id)
    if (kept?.version !== version) return undefined
    this.#kept.delete(id)
    this.#kept.set(id, kept)
    return kept.snapshot
  }

  put(id: string, version: string, snapshot: MessageSnapshot): void {
    this.#delete(id)
    const { length: chars } = JSON.stringify(snapshot.message)
    this.#kept.set(id, { version, snapshot, chars })
    this.#chars += chars
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= keptMessages && this.#chars <= keptChars) return
      this.#delete(oldest)
    }
  }

  clear(): void {
    this.#kept.clear()
    this.#chars = 0
  }

  #delete(id: string): void {
    this.#chars -= this.#kept.get(id)?.chars ?? 0
    this.#kept.delete(id)
  }
}
