import { Worker } from 'node:worker_threads'
import type { Message } from '../../../shared/schema.ts'
import { messageHtml, plainHtml } from './html.ts'

/** Markdown of so many characters takes a few ms at the worst. Longer text may have been made to take minutes: 20 kB of `_a` take 0.4 s, and the square of that. */
const inlineChars = 4_000
const patienceMs = 5_000
/** Threads at once; more messages wait in line. */
const maxWorkers = 2

/** Renders messages as HTML without holding up the event loop. */
export class HtmlRenderer {
  readonly #waiting: (() => void)[] = []
  readonly #workers = new Set<Worker>()
  readonly #patienceMs: number
  #free = maxWorkers
  #closed = false

  constructor(options: { patienceMs?: number } = {}) {
    this.#patienceMs = options.patienceMs ?? patienceMs
  }

  /** A message that takes longer than its time, or cannot be rendered, comes as its plain text. */
  async render(message: Message): Promise<string> {
    if (textLength(message) <= inlineChars) return attempt(message)
    if (this.#free === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#free -= 1
    try {
      return this.#closed ? plainHtml(message) : await this.#inWorker(message)
    } finally {
      const next = this.#waiting.shift()
      if (next) next()
      else this.#free += 1
    }
  }

  /** Ends what is being rendered. Idempotent. */
  async close(): Promise<void> {
    this.#closed = true
    await Promise.all([...this.#workers].map((worker) => worker.terminate()))
  }

  async #inWorker(message: Message): Promise<string> {
    // The sources run as they are, too.
    const file = import.meta.url.endsWith('.ts') ? './html-worker.ts' : './html-worker.js'
    const worker = new Worker(new URL(file, import.meta.url), {
      workerData: message,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    })
    this.#workers.add(worker)
    const patience = setTimeout(() => void worker.terminate(), this.#patienceMs)
    try {
      return await new Promise<string>((resolve) => {
        worker.on('message', resolve)
        const workerOnEnd = () => resolve(plainHtml(message))
        worker.on('error', workerOnEnd)
        worker.on('exit', workerOnEnd)
      })
    } finally {
      clearTimeout(patience)
      await worker.terminate()
      this.#workers.delete(worker)
    }
  }
}

function attempt(message: Message): string {
  try {
    return messageHtml(message)
  } catch {
    // marked overflows the stack on deep nesting.
    return plainHtml(message)
  }
}

function textLength({ output }: Message): number {
  return output.reduce((sum, block) => sum + ('text' in block ? block.text.length : 0), 0)
}
