/** Sessions over HTTP (H1 …): loaded when no WebSocket can be opened. */
import { FrameReader, type Frame } from '../../shared/frames.ts'
import { decodeServerControl, encodeControl } from '../../shared/protocol.ts'
import { streamSilenceMs } from '../../shared/transports.ts'
import { hello } from '../../shared/versions.ts'
import type { Line, LineEnd, LineEvents, LineTarget } from './line.ts'
import { askSync, type Asked } from './requests.ts'

/** What has failed for so long in spite of every other try has failed. */
const patienceMs = 6_000
const firstWaitMs = 250
/** More is said in several requests. */
const maxSaidBytes = 128_000
/** `close()` waits no longer until the server knows. */
const closeMs = 1_000
/** A poll that brings nothing is not asked again at once. */
const restMs = 250
const maxMessageBytes = 2 ** 30
/** A poll is answered at least every heartbeat; the client need not know it exactly. */
const answerMs = 90_000

export function openStream(target: LineTarget, events: LineEvents): Line {
  return new HttpLine('stream', target, events)
}

export function openPoll(target: LineTarget, events: LineEvents): Line {
  return new HttpLine('poll', target, events)
}

class HttpLine implements Line {
  readonly transport: 'stream' | 'poll'
  session: string | null = null
  readonly #target: LineTarget
  readonly #events: LineEvents
  readonly #over = new AbortController()
  readonly #reader = new FrameReader(maxMessageBytes)
  /** Said and not sent yet. */
  #queue: Frame[] = []
  #isSaying = false
  #said = 0
  /** Answers to polls that have come. */
  #answers = 0
  /** Something has been said: what comes of it is waited for, however seldom it asks. */
  #awaitsAnswer = false
  #everyMs: number
  /** End what sleeps. */
  readonly #wakers = new Set<() => void>()

  constructor(transport: 'stream' | 'poll', target: LineTarget, events: LineEvents) {
    this.transport = transport
    this.#target = target
    this.#events = events
    this.#everyMs = target.everyMs
    this.#run(() => this.#open())
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#over.signal.aborted) return
    this.#queue.push(typeof data === 'string' ? { type: 'text', text: data } : { type: 'binary', bytes: data })
    // What is said in one turn goes out together.
    queueMicrotask(() => this.#run(() => this.#say()))
  }

  silenceMs(heartbeatMs: number): number | null {
    return this.transport === 'stream' ? 1.5 * Math.min(heartbeatMs, streamSilenceMs) : null
  }

  pace(everyMs: number): void {
    this.#everyMs = everyMs
    if (everyMs === 0) this.#wakeUp()
  }

  async close(): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    this.#wakeUp()
    if (this.session === null) return
    const path = `/${this.session}?n=${this.#said + 1}`
    // Also from a page that is going.
    await askSync(
      this.#target,
      path,
      [{ type: 'close', code: 1000, reason: '' }],
      AbortSignal.timeout(closeMs),
      true,
    ).catch(() => {})
  }

  #wakeUp(): void {
    for (const wake of this.#wakers) wake()
  }

  /** All that runs ends with the line: whatever is thrown, it is told once. */
  #run(work: () => Promise<void>): void {
    work().catch((error: unknown) => {
      if (this.#over.signal.aborted) return
      this.#end(error instanceof Ended ? error.end : { code: 1006, reason: '' })
    })
  }

  #end(end: LineEnd): void {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    this.#wakeUp()
    this.#events.ended(end)
  }

  async #open(): Promise<void> {
    const { instead } = this.#target
    const query = new URLSearchParams({ transport: this.transport, everyMs: String(this.#everyMs) })
    if (instead !== null) query.set('instead', instead)
    const said: Frame = { type: 'text', text: encodeControl(hello(undefined)) }
    const response = answered(await askSync(this.#target, `?${query}`, [said], this.#over.signal))
    if (this.transport === 'stream') return await this.#readOn(response)
    await this.#readAnswer(response)
    // Whatever answered, it was no Runnel.
    if (this.session === null) throw new Ended({ code: 1006, reason: '' })
    for (let failedSince: number | null = null; ;) {
      if (this.#everyMs > 0 && !this.#awaitsAnswer) await this.#sleep(this.#everyMs)
      const asked = await this.#poll()
      if (asked.is === 'answered') {
        failedSince = null
        if (!(await this.#readAnswer(asked.response))) await this.#sleep(restMs)
        continue
      }
      failedSince ??= Date.now()
      if (!asked.again || Date.now() - failedSince >= patienceMs) throw new Ended(asked.end)
      await this.#sleep(asked.end.retryAfterMs ?? 2 * firstWaitMs)
    }
  }

  async #poll(): Promise<Asked> {
    const waits = this.#everyMs === 0 || this.#awaitsAnswer
    this.#awaitsAnswer = false
    const path = `/${this.session}?ack=${this.#answers}&everyMs=${this.#everyMs}&wait=${waits}`
    const late = AbortSignal.timeout(answerMs)
    const asked = await askSync(this.#target, path, [], AbortSignal.any([this.#over.signal, late])).catch(() => null)
    this.#over.signal.throwIfAborted()
    return asked ?? { is: 'refused', end: { code: 1006, reason: '' }, again: true }
  }

  async #readOn({ body }: Response): Promise<void> {
    const reader = body!.getReader()
    for (;;) {
      const { done, value } = await reader.read()
      if (done) throw new Ended({ code: 1006, reason: '' })
      this.#take(value)
    }
  }

  /** False: there was nothing. */
  async #readAnswer(response: Response): Promise<boolean> {
    this.#events.heard()
    if (response.status === 204) return false
    const bytes = new Uint8Array(await response.arrayBuffer())
    this.#answers += 1
    this.#take(bytes)
    return true
  }

  #take(bytes: Uint8Array): void {
    this.#events.heard()
    for (const frame of this.#reader.read(bytes)) {
      if (this.#over.signal.aborted) return
      if (frame.type === 'text') this.#takeText(frame.text)
      else if (frame.type === 'binary') this.#events.frame(frame.bytes)
      else if (frame.type === 'close') return this.#end({ code: frame.code, reason: frame.reason })
      else if (frame.type === 'ping') this.#run(() => this.#answerPing())
    }
  }

  #takeText(text: string): void {
    const message = this.session === null ? decodeServerControl(text) : null
    if (message?.type !== 'sync') return this.#events.text(text)
    this.session = message.session
    this.#run(() => this.#say())
  }

  /** One request at a time: what is said comes in its order, and once. */
  async #say(): Promise<void> {
    if (this.#isSaying) return
    this.#isSaying = true
    while (this.session !== null && this.#queue.length > 0) {
      const frames = this.#takeQueue()
      const path = `/${this.session}?n=${++this.#said}`
      answered(await this.#askAgain(path, frames))
      this.#awaitsAnswer = true
      this.#wakeUp()
    }
    this.#isSaying = false
  }

  #takeQueue(): Frame[] {
    let bytes = 0
    let count = 0
    for (const frame of this.#queue) {
      bytes += frame.type === 'text' ? frame.text.length : frame.type === 'binary' ? frame.bytes.length : 0
      if (count > 0 && bytes > maxSaidBytes) break
      count += 1
    }
    return this.#queue.splice(0, count)
  }

  async #answerPing(): Promise<void> {
    answered(await this.#askAgain(`/${this.session}`, []))
  }

  async #askAgain(path: string, frames: readonly Frame[]): Promise<Asked> {
    const deadline = Date.now() + patienceMs
    for (let waitMs = firstWaitMs; ; waitMs *= 2) {
      const asked = await askSync(this.#target, path, frames, this.#over.signal)
      if (asked.is === 'answered' || !asked.again || Date.now() + waitMs > deadline) return asked
      await this.#sleep(asked.end.retryAfterMs ?? waitMs)
    }
  }

  /** Ends early when the line does, or when it is to be faster. */
  async #sleep(ms: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer)
        this.#wakers.delete(wake)
        resolve()
      }
      const timer = setTimeout(wake, ms)
      this.#wakers.add(wake)
    })
    this.#over.signal.throwIfAborted()
  }
}

/** What ends a line, with all that runs on it. */
class Ended extends Error {
  readonly end: LineEnd

  constructor(end: LineEnd) {
    super(end.reason)
    this.end = end
  }
}

function answered(asked: Asked): Response {
  if (asked.is === 'refused') throw new Ended(asked.end)
  return asked.response
}
