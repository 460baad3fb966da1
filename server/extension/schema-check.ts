import { Worker } from 'node:worker_threads'
import { isDeeper } from '../../shared/json-depth.ts'
import type { Json, JsonObject } from '../../shared/schema.ts'
import type { SchemaQuestion } from './schema-worker.ts'

/** A schema may hold patterns and references that take for ever, by mistake or by intent. */
const patienceMs = 1_000
/** Loading the thread is not the schema's fault. */
const startMs = 30_000
/** Compiling a deeper one may outgrow the thread in one step: the process would fall with it. */
const maxDepth = 64

/**
 * Checks values by schemas that others wrote, in a thread with a deadline. One
 * thread, made for the first check; questions wait in line.
 */
export class SchemaCheck {
  readonly #thread: () => Worker
  #worker: Worker | undefined
  #ready: Promise<unknown> = Promise.resolve()
  #last: Promise<unknown> = Promise.resolve()
  #closed = false
  #ids = 0
  readonly #idOf = new WeakMap<JsonObject, number>()
  /** Schemas that took too long: they are not asked again. */
  readonly #hopeless = new WeakSet<JsonObject>()

  constructor(thread = makeThread) {
    this.#thread = thread
  }

  /** What does not fit the schema, in words; null where all does, or where that takes too long: the server checks, too. */
  async faultOf(schema: JsonObject, value: Json): Promise<string | null> {
    const answer = this.#last.then(() => this.#ask(schema, value))
    // What fails one question fails none behind it.
    this.#last = answer.catch(() => null)
    return await answer
  }

  /** Idempotent. What is being asked then fits. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#end()
  }

  async #ask(schema: JsonObject, value: Json): Promise<string | null> {
    if (this.#hopeless.has(schema)) return null
    if (!this.#idOf.has(schema) && isDeeper(schema, maxDepth)) {
      this.#hopeless.add(schema)
      return null
    }
    this.#start()
    await this.#ready
    const worker = this.#worker
    if (!worker) return null
    if (!this.#idOf.has(schema)) this.#idOf.set(schema, this.#ids++)
    const question: SchemaQuestion = { id: this.#idOf.get(schema)!, schema, value }
    worker.ref()
    worker.postMessage(question)
    const answer = await said(worker, patienceMs)
    worker.unref()
    if (answer !== undefined) return answer
    this.#hopeless.add(schema)
    await this.#end()
    return null
  }

  #start(): void {
    if (this.#worker || this.#closed) return
    const worker = this.#thread()
    worker.stdout.resume()
    worker.stderr.resume()
    this.#worker = worker
    worker.on('error', () => {})
    worker.on('exit', () => {
      if (this.#worker === worker) this.#worker = undefined
    })
    this.#ready = said(worker, startMs)
  }

  async #end(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }
}

export function makeThread(): Worker {
  // The sources run as they are, too.
  const file = import.meta.url.endsWith('.ts') ? './schema-worker.ts' : './schema-worker.js'
  // What the validator says of formats that it does not know is nobody's line.
  return new Worker(new URL(file, import.meta.url), {
    stdout: true,
    stderr: true,
    resourceLimits: { maxOldGenerationSizeMb: 256 },
  })
}

/** The next message; undefined: it takes too long, or the thread has ended. */
async function said(worker: Worker, ms: number): Promise<string | null | undefined> {
  return await new Promise((resolve) => {
    const end = (answer: string | null | undefined) => {
      clearTimeout(patience)
      worker.off('message', end)
      worker.off('exit', onExit)
      resolve(answer)
    }
    const onExit = () => end(undefined)
    const patience = setTimeout(end, ms, undefined)
    worker.on('message', end)
    worker.on('exit', onExit)
  })
}
