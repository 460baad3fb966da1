import { Expectations, type Expected } from './expectations.ts'
import { later, type Later } from './later.ts'
import { manualSteps, type ManualStream } from './manual.ts'
import { matches, type Matcher } from './matcher.ts'
import { requestLine, type ReceivedRequest } from './received-request.ts'
import { clearTimeout, setTimeout } from './real-time.ts'
import { checkScript, type Answering, type Script } from './script.ts'
import { checkFields } from './known-fields.ts'
import { expectFromJson, type ReadBody } from './script-json.ts'

const DEADLINE_MS = 10_000
const MANUAL_DEADLINE_MS = 30_000

/** What is expected, and what came: of the whole fake, or of one test that shares it with others. */
export interface FakeScope {
  /** Base URL, ending in `/v1`. */
  readonly url: string
  /** In the order in which they arrived; models, embeddings and what stands in the store excepted. */
  readonly requests: ReceivedRequest[]
  /** Those of them that nobody expected: they got a 500 that says so. */
  readonly unexpected: ReceivedRequest[]
  /** A request that fits gets this answer, once if nothing else is said. */
  on(matcher: Matcher, answering: Answering): Expected
  /** The next requests get these scripts, one each. */
  enqueue(...scripts: Answering[]): void
  /** What is expected, as JSON (docs/TESTING.md): an entry, or a list; `readBody` reads the recorded files that it names. */
  expectJson(entries: unknown, readBody?: ReadBody): void
  /** The next request, of those that fit, is answered by hand. `deadlineMs`: for the request, and for each step. */
  manual(options?: { on?: Matcher; deadlineMs?: number }): ManualStream
  /** Resolves when this many requests have arrived, with the last of them. Rejects after `deadlineMs`. */
  received(count: number, deadlineMs?: number): Promise<ReceivedRequest>
  /** Throws what is wrong by now: what was expected and has not come, what came and was not expected, what a script threw. */
  done(): void
  /** Forgets what was expected and what came. */
  reset(): void
}

export class Scope implements FakeScope {
  readonly url: string
  readonly requests: ReceivedRequest[] = []
  readonly unexpected: ReceivedRequest[] = []
  readonly #matcher: Matcher | null
  readonly #fallback: Answering | null
  readonly #expectations = new Expectations()
  readonly #faults: { request: ReceivedRequest; error: unknown }[] = []
  readonly #waiting = new Set<Later<ReceivedRequest> & { count: number; timer: ReturnType<typeof setTimeout> }>()

  /** `matcher`: which requests are its own; null for those of its URL. */
  constructor(url: string, matcher: Matcher | null, fallback: Answering | null) {
    this.url = url
    this.#matcher = matcher
    this.#fallback = fallback
    if (fallback !== null && typeof fallback !== 'function') checkScript(fallback)
  }

  on(matcher: Matcher, answering: Answering): Expected {
    return this.#expectations.add(matcher, answering)
  }

  enqueue(...scripts: Answering[]): void {
    for (const script of scripts) this.#expectations.add({}, script)
  }

  expectJson(entries: unknown, readBody?: ReadBody): void {
    expectFromJson(this, entries, readBody)
  }

  manual(options: { on?: Matcher; deadlineMs?: number } = {}): ManualStream {
    checkFields('manual()', options, ['on', 'deadlineMs'])
    const { stream, steps, onRequest } = manualSteps(options.deadlineMs ?? MANUAL_DEADLINE_MS)
    this.#expectations.add(options.on ?? {}, { kind: 'answer', steps }, onRequest)
    return stream
  }

  received(count: number, deadlineMs = DEADLINE_MS): Promise<ReceivedRequest> {
    const there = this.requests[count - 1]
    if (there) return Promise.resolve(there)
    const waiter = later<ReceivedRequest>()
    const timer = setTimeout(() => {
      this.#waiting.delete(entry)
      const came = this.requests.map((request) => `\n- ${requestLine(request)}`).join('') || ' none'
      waiter.reject(new Error(`${count} requests were waited for, for ${deadlineMs} ms. There came:${came}`))
    }, deadlineMs)
    timer.unref?.()
    const entry = { ...waiter, count, timer }
    this.#waiting.add(entry)
    return waiter.promise
  }

  done(): void {
    const words = [
      ...this.#faults.map(({ request, error }) => `A script threw for ${requestLine(request)}: ${wordsOf(error)}`),
      ...this.unexpected.map((request) => `Nobody expected ${requestLine(request)}.`),
      ...this.#expectations.unused.map((line) => `Expected and not used: ${line}.`),
    ]
    if (words.length === 0) return
    const came = this.requests.map((request) => `\n  ${requestLine(request)}`).join('') || ' nothing'
    throw new Error(`The fake provider is not done.\n- ${words.join('\n- ')}\nIt was asked:${came}`, {
      cause: this.#faults[0]?.error,
    })
  }

  reset(): void {
    this.requests.length = this.unexpected.length = this.#faults.length = 0
    this.#expectations.clear()
  }

  isOwn(request: ReceivedRequest): boolean {
    return this.#matcher !== null && matches(this.#matcher, request)
  }

  namesPath(request: ReceivedRequest): boolean {
    return this.#expectations.namesPath(request)
  }

  arrived(request: ReceivedRequest): void {
    this.requests.push(request)
    for (const waiter of this.#waiting) {
      if (this.requests.length < waiter.count) continue
      this.#waiting.delete(waiter)
      clearTimeout(waiter.timer)
      waiter.resolve(request)
    }
  }

  /** What this request gets; null: nobody expected it. */
  async scriptFor(request: ReceivedRequest): Promise<Script | null> {
    const answering = this.#expectations.take(request) ?? this.#fallback
    if (answering === null) {
      this.unexpected.push(request)
      return null
    }
    if (typeof answering !== 'function') return answering
    const script = await answering(request)
    checkScript(script)
    return script
  }

  fault(request: ReceivedRequest, error: unknown): void {
    this.#faults.push({ request, error })
  }

  /** Why nobody expected it. */
  unexpectedWords(request: ReceivedRequest): string {
    const lines = this.#expectations.lines
    const expected = lines.length === 0 ? ' Nothing was expected.' : `\nExpected:\n- ${lines.join('\n- ')}`
    return `Nobody expected this request: ${requestLine(request)}.${expected}`
  }

  close(): void {
    for (const { timer } of this.#waiting) clearTimeout(timer)
    this.#waiting.clear()
  }
}

export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
