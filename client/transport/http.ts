/** Sessions over HTTP (H1 …): loaded when no WebSocket can be opened. */
import { FrameReader, type Frame } from '../../shared/frames.ts'
import { decodeServerControl, encodeControl } from '../../shared/protocol.ts'
import { maxPollEveryMs, maxSaidFrames, streamSilenceMs } from '../../shared/transports.ts'
import { hello } from '../../shared/versions.ts'
import type { Line, LineEnd, LineEvents, LineTarget } from './line.ts'
import { askSync, askWhole, partsOf, type Asked } from './requests.ts'

/** A request that is answered at once hangs where nothing comes for so long. */
const tryMs = 3_000
/** What is large takes longer on a slow line: bytes a millisecond. */
const slowestBytes = 16
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

export class HttpLine implements Line {
  session: string | null = null
  readonly #transport: 'stream' | 'poll'
  readonly #target: LineTarget
  readonly #events: LineEvents
  readonly #over = new AbortController()
  readonly #reader = new FrameReader(maxMessageBytes)
  #token: string | undefined
  /** Said and not sent yet. */
  #queue: Frame[] = []
  #isSaying = false
  #said = 0
  /** Answers to polls that have come. */
  #answers = 0
  /** Something has been said: what comes of it is waited for, however seldom it asks. */
  #awaitsAnswer = false
  /** Is anybody there? The next poll does not wait. */
  #isDoubted = false
  /** Of the poll that is under way. */
  #polling = new AbortController()
  #everyMs: number
  /** The server speaks at least this often. */
  #heartbeatMs = maxPollEveryMs
  /** End what sleeps. */
  readonly #wakers = new Set<() => void>()

  constructor(transport: 'stream' | 'poll', target: LineTarget, token: string | undefined, events: LineEvents) {
    this.#transport = transport
    this.#target = target
    this.#token = token
    this.#events = events
    this.#everyMs = target.everyMs
    this.#run(() => this.#open())
  }

  get silenceMs(): number | null {
    return this.#transport === 'stream' ? 1.5 * Math.min(this.#heartbeatMs, streamSilenceMs) : null
  }

  welcomed(heartbeatMs: number): void {
    this.#heartbeatMs = heartbeatMs
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.#over.signal.aborted) return
    this.#queue.push(typeof data === 'string' ? { type: 'text', text: data } : { type: 'binary', bytes: data })
    // What is said in one turn goes out together.
    queueMicrotask(() => this.#run(() => this.#say()))
  }

  renew(token: string): void {
    this.#token = token
    this.send(encodeControl({ type: 'token', token }))
  }

  pace(everyMs: number): void {
    this.#everyMs = everyMs
    if (everyMs === 0) this.#wakeUp()
  }

  /** A poll that is under way may be on a connection that is dead. */
  doubt(): void {
    this.#isDoubted = true
    this.#polling.abort()
    this.#wakeUp()
  }

  async close(): Promise<void> {
    if (this.#over.signal.aborted) return
    this.#over.abort()
    this.#wakeUp()
    if (this.session === null) return
    const goodbye: Frame = { type: 'close', code: 1000, reason: '' }
    await askSync(this.#target, {
      path: `/${this.session}?n=${this.#said + 1}`,
      token: this.#token,
      frames: [goodbye],
      signal: AbortSignal.timeout(closeMs),
      keepalive: true,
    }).catch(() => {})
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
    const query = new URLSearchParams({ transport: this.#transport, everyMs: String(this.#everyMs) })
    if (instead !== null) query.set('instead', instead)
    const said: Frame = { type: 'text', text: encodeControl(hello(undefined)) }
    const asked = await askSync(this.#target, {
      path: `?${query}`,
      token: this.#token,
      frames: [said],
      signal: this.#over.signal,
    })
    if (asked.is === 'refused') throw new Ended(asked.end)
    for await (const bytes of partsOf(asked.answer)) this.#take(bytes)
    // A stream ends with a close frame; whatever answered a poll so, it was no Runnel.
    if (this.#transport === 'stream' || this.session === null) throw new Ended({ code: 1006, reason: '' })
    this.#answers = 1
    for (;;) await this.#poll()
  }

  async #poll(): Promise<void> {
    if (this.#everyMs > 0 && !this.#awaitsAnswer && !this.#isDoubted) await this.#sleep(this.#everyMs)
    const { answer } = await this.#insist(() => this.#askPoll())
    this.#events.heard()
    if (!answer) return await this.#sleep(restMs)
    this.#answers += 1
    this.#take(answer)
  }

  async #askPoll(): Promise<Asked<Uint8Array<ArrayBuffer> | null>> {
    for (;;) {
      const waits = !this.#isDoubted && (this.#everyMs === 0 || this.#awaitsAnswer)
      this.#isDoubted = this.#awaitsAnswer = false
      this.#polling = new AbortController()
      try {
        const asked = await this.#ask(
          `/${this.session}?ack=${this.#answers}&everyMs=${this.#everyMs}&wait=${waits}`,
          [],
          // Something comes at least every heartbeat.
          waits ? Math.max(1.5 * this.#heartbeatMs, tryMs) : tryMs,
          this.#polling.signal,
        )
        this.#isDoubted = asked.is === 'refused'
        return asked
      } catch {
        // Doubted: at once, once more.
        this.#over.signal.throwIfAborted()
      }
    }
  }

  #take(bytes: Uint8Array): void {
    this.#events.heard()
    for (const frame of this.#reader.read(bytes)) {
      if (this.#over.signal.aborted) return
      if (frame.type === 'text') this.#takeText(frame.text)
      else if (frame.type === 'binary') this.#events.frame(frame.bytes)
      else if (frame.type === 'close') return this.#end({ code: frame.code, reason: frame.reason })
      else if (frame.type === 'ping') this.#run(() => this.#sayNow(`/${this.session}`, []))
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
      await this.#sayNow(`/${this.session}?n=${++this.#said}`, frames)
      this.#awaitsAnswer = true
      this.#wakeUp()
    }
    this.#isSaying = false
  }

  #takeQueue(): Frame[] {
    let bytes = 0
    let count = 0
    for (const frame of this.#queue) {
      bytes += bytesOf(frame)
      if (count === maxSaidFrames || (count > 0 && bytes > maxSaidBytes)) break
      count += 1
    }
    return this.#queue.splice(0, count)
  }

  async #sayNow(path: string, frames: readonly Frame[]): Promise<void> {
    const bytes = frames.reduce((sum, frame) => sum + bytesOf(frame), 0)
    await this.#insist(() => this.#ask(path, frames, tryMs + bytes / slowestBytes))
  }

  #ask(path: string, frames: readonly Frame[], silenceMs: number, alsoUntil?: AbortSignal) {
    const { signal: over } = this.#over
    const signal = alsoUntil ? AbortSignal.any([over, alsoUntil]) : over
    return askWhole(this.#target, { path, token: this.#token, frames, signal }, silenceMs)
  }

  /** Asks until it is answered, as long as another try can help. */
  async #insist<T>(ask: () => Promise<Asked<T>>): Promise<{ answer: T }> {
    let failsSince: number | null = null
    for (let waitMs = firstWaitMs; ; waitMs *= 2) {
      const began = Date.now()
      const asked = await ask()
      if (asked.is === 'answered') return asked
      // One that was let wait has not failed all the time.
      failsSince ??= Math.max(began, Date.now() - tryMs)
      const pauseMs = asked.end.retryAfterMs ?? waitMs
      if (!asked.again || Date.now() + pauseMs - failsSince > patienceMs) throw new Ended(asked.end)
      await this.#sleep(pauseMs)
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

function bytesOf(frame: Frame): number {
  return frame.type === 'text' ? frame.text.length : frame.type === 'binary' ? frame.bytes.length : 0
}
