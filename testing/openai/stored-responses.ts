import type { ResponsesEncoder } from './responses-frames.ts'
import type { Content } from './script.ts'

const LARGEST = 1_000

/** A response that can be asked for again, and its events. */
export class StoredResponse {
  readonly encoder: ResponsesEncoder
  readonly input: unknown
  /** The place of a frame is its sequence number. */
  readonly frames: string[] = []
  readonly isBackground: boolean
  readonly cancelled = new AbortController()
  isOver = false
  /** So many times were those who follow it cut off. */
  cuts = 0
  readonly #waiting = new Set<() => void>()

  constructor(encoder: ResponsesEncoder, input: unknown, isBackground: boolean) {
    this.input = input
    this.isBackground = isBackground
    this.encoder = {
      ...encoder,
      start: () => this.#kept(encoder.start()),
      encode: (step: Content) => this.#kept(encoder.encode(step)),
    }
  }

  /** Resolves when there is more to see. */
  changed(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#waiting.delete(wake)
        signal.removeEventListener('abort', wake)
        resolve()
      }
      this.#waiting.add(wake)
      signal.addEventListener('abort', wake)
      if (signal.aborted) wake()
    })
  }

  cutOff(): void {
    this.cuts += 1
    this.#wake()
  }

  end(): void {
    this.isOver = true
    this.#wake()
  }

  cancel(): void {
    this.encoder.cancel()
    this.cancelled.abort()
    this.end()
  }

  #kept(frames: string[]): string[] {
    this.frames.push(...frames)
    this.#wake()
    return frames
  }

  #wake(): void {
    for (const wake of this.#waiting) wake()
  }
}

/** The newest thousand. */
export class StoredResponses {
  readonly #all = new Map<string, StoredResponse>()

  add(response: StoredResponse): void {
    this.#all.set(response.encoder.id, response)
    if (this.#all.size <= LARGEST) return
    const [oldest] = this.#all.keys()
    this.#all.delete(oldest!)
  }

  get(id: string): StoredResponse | undefined {
    return this.#all.get(id)
  }

  delete(id: string): void {
    this.#all.delete(id)
  }

  clear(): void {
    for (const { cancelled } of this.#all.values()) cancelled.abort()
    this.#all.clear()
  }
}
