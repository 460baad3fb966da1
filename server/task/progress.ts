import type { Run } from './run.ts'

/** Words of progress are written twice a second at most; the last ones always. */
const leastMs = 500
const maxChars = 2_000

/** Passes on the newest words, no more often than they should be written. */
export class Progress {
  readonly #write: (words: string) => void
  #last = ''
  #writtenAt = -Infinity
  #timer: NodeJS.Timeout | null = null
  #ended = false

  constructor(write: (words: string) => void) {
    this.#write = write
  }

  say(given: string): void {
    const words = given.slice(0, maxChars)
    if (this.#ended || words === this.#last) return
    this.#last = words
    if (this.#timer) return
    const waitMs = this.#writtenAt + leastMs - performance.now()
    if (waitMs <= 0) this.#writeNow()
    else this.#timer = setTimeout(() => this.#writeNow(), waitMs).unref()
  }

  /** Writes what still waits, and nothing after that. */
  end(): void {
    this.#ended = true
    if (this.#timer) this.#writeNow()
  }

  #writeNow(): void {
    if (this.#timer) clearTimeout(this.#timer)
    this.#timer = null
    this.#writtenAt = performance.now()
    this.#write(this.#last)
  }
}

/** What a run does now, as a `progress` block of its message. */
export class ProgressBlock {
  readonly #run: Run
  #progress: Progress
  #block: string | null = null

  constructor(run: Run) {
    this.#run = run
    this.#progress = this.#newProgress()
  }

  /** After a restart: its block is there. */
  adopt(block: string): void {
    this.#run.output.reopen(block, 'progress')
    this.#block = block
  }

  say(words: string): void {
    if (words !== '') this.#progress.say(words)
  }

  done(): void {
    if (this.#run.ended) return
    this.#progress.end()
    this.#progress = this.#newProgress()
    if (this.#block === null) return
    this.#run.output.close(this.#block, 'completed', { done: true })
    this.#block = null
  }

  #newProgress(): Progress {
    const run = this.#run
    return new Progress((text) =>
      run.tell(() => {
        if (this.#block === null)
          this.#block = run.output.open({ type: 'progress', status: 'in_progress', text, done: false })
        else run.output.set(this.#block, { text })
      }),
    )
  }
}
