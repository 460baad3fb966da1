import { Worker } from 'node:worker_threads'
import type { ShownMessage } from './html.ts'

/** One that nobody needs for so long ends, and its memory with it. */
const idleMs = 10_000

/** A thread that makes HTML, started when it is needed and kept for the next message. */
export class HtmlThread {
  #worker: Worker | null = null
  #idle: NodeJS.Timeout | undefined

  /** Null where it took longer than `patienceMs`, failed, or `signal` told it to stop: the thread ends, then. One call at a time. */
  async render(message: ShownMessage, patienceMs: number, signal: AbortSignal): Promise<string | null> {
    clearTimeout(this.#idle)
    const worker = (this.#worker ??= newWorker())
    worker.ref()
    const late = AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
    const answer = Promise.withResolvers<string | null>()
    const over = () => answer.resolve(null)
    worker.on('message', answer.resolve).on('error', over).on('exit', over)
    late.addEventListener('abort', over, { once: true })
    if (late.aborted) over()
    else worker.postMessage(message)
    const html = await answer.promise
    // Only these: a worker has listeners of its own, without which no second message arrives.
    worker.off('message', answer.resolve).off('error', over).off('exit', over)
    late.removeEventListener('abort', over)
    if (html === null) await this.close()
    else {
      worker.unref()
      this.#idle = setTimeout(() => void this.close(), idleMs).unref()
    }
    return html
  }

  /** Idempotent. */
  async close(): Promise<void> {
    clearTimeout(this.#idle)
    const worker = this.#worker
    this.#worker = null
    await worker?.terminate()
  }
}

function newWorker(): Worker {
  // The sources run as they are, too.
  const file = import.meta.url.endsWith('.ts') ? './html-worker.ts' : './html-worker.js'
  const worker = new Worker(new URL(file, import.meta.url), { resourceLimits: { maxOldGenerationSizeMb: 512 } })
  // One that fails while nobody waits for it must not end the process.
  return worker.on('error', () => {})
}
