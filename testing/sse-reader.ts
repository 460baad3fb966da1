import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { createParser, type EventSourceParser } from 'eventsource-parser'
import { decodeEvent, type StreamEvent } from '../shared/events.ts'
import type { Message } from '../shared/schema.ts'
import type { SeenFrame } from './collector.ts'
import { applyStreamEvent } from './fold-stream.ts'

export interface ReadEvent {
  event: StreamEvent
  id: string
  /** When it was read, `performance.now()`. */
  at: number
}

export interface SseReaderOptions {
  mode?: 'delta' | 'state'
  lastEventId?: string
  token?: string
  /** What an earlier reader had folded. */
  message?: Message | null
  /** Takes nothing from its socket until `resume`. */
  paused?: boolean
  method?: string
  /** Told of each event. */
  onFrame?: (frame: SeenFrame) => void
  /** Told of each read, and of the end. */
  onChange?: () => void
}

/** A plain HTTP reader of `/api/messages/:id/events`, as curl is one: keeps what it gets and folds it. */
export class SseReader {
  status = 0
  headers: IncomingHttpHeaders = {}
  text = ''
  bytes = 0
  retryMs: number | null = null
  readonly events: ReadEvent[] = []
  readonly comments: string[] = []
  message: Message | null
  closed = false
  /** An event that cannot be, or does not fit to those before it: nothing behind it is read. */
  failure: Error | null = null
  #waiters: (() => void)[] = []
  #response: IncomingMessage | null = null
  readonly #request: ClientRequest
  readonly #options: SseReaderOptions
  readonly #messageId: string

  /** @param url of the server, `http://…` */
  constructor(url: string, messageId: string, options: SseReaderOptions = {}) {
    const { mode, lastEventId, token, message = null, method = 'GET' } = options
    this.message = message
    this.#messageId = messageId
    this.#options = options
    this.#request = request(
      `${url}/api/messages/${messageId}/events${mode ? `?mode=${mode}` : ''}`,
      {
        method,
        agent: false,
        headers: {
          ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
          ...(token !== undefined && { authorization: `Bearer ${token}` }),
        },
      },
      (response) => this.#read(response),
    )
    this.#request.on('error', () => this.#end())
    this.#request.end()
  }

  get lastId(): string | undefined {
    return this.events.at(-1)?.id
  }

  get ended(): boolean {
    return this.events.at(-1)?.event.type === 'end'
  }

  /**
   * Waits until a condition holds, looked at after every read. Throws after `deadlineMs`, at once when the stream is over,
   * as nothing comes any more that could make it true, and what a wrong event throws.
   */
  async until(condition: () => boolean, what = 'the condition', deadlineMs = 10_000): Promise<void> {
    const deadline = Date.now() + deadlineMs
    while (!condition()) {
      if (this.failure) throw this.failure
      if (this.closed) throw new Error(`The events of ${this.#messageId} are over (${this.#outcome}), without ${what}.`)
      if (Date.now() > deadline) throw new Error(`${what} did not come true within ${deadlineMs} ms`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 50)
        this.#waiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** Waits for the end of the answer; returns this. Throws where it is refused, or the stream is over before. A 204 says that there is no more. */
  async toEnd(deadlineMs?: number): Promise<this> {
    await this.until(() => this.ended || (this.closed && this.status === 204), 'the end of the answer', deadlineMs)
    return await this.toClose(deadlineMs)
  }

  /** Waits until the stream is over, however that came; returns this. */
  async toClose(deadlineMs?: number): Promise<this> {
    await this.until(() => this.closed, 'the end of the stream', deadlineMs)
    if (this.failure) throw this.failure
    return this
  }

  resume(): void {
    this.#response?.resume()
  }

  close(): void {
    this.#request.destroy()
  }

  #read(response: IncomingMessage): void {
    this.#response = response
    this.status = response.statusCode ?? 0
    this.headers = response.headers
    const parser = createParser({
      onEvent: ({ event: name, id, data }) => {
        const event = decodeEvent(name, data)
        this.#options.onFrame?.({
          at: performance.now(),
          direction: 'in',
          bytes: Buffer.byteLength(data),
          words: event?.type ?? `${name}, of a newer server`,
        })
        if (!event) return
        this.message = applyStreamEvent(this.message, event)
        this.events.push({ event, id: id ?? '', at: performance.now() })
      },
      onRetry: (retryMs) => {
        this.retryMs = retryMs
      },
      onComment: (comment) => this.comments.push(comment),
    })
    response.setEncoding('utf8')
    response.on('data', (text: string) => {
      if (this.status !== 200 || !response.headers['content-type']?.startsWith('text/event-stream')) this.text += text
      else this.#feed(parser, text)
      this.bytes += Buffer.byteLength(text)
      this.#wake()
    })
    response.on('close', () => this.#end())
    response.on('error', () => {})
    if (this.#options.paused) response.pause()
    this.#wake()
  }

  #feed(parser: EventSourceParser, text: string): void {
    if (this.failure) return
    try {
      parser.feed(text)
    } catch (error) {
      this.failure = error as Error
      this.#request.destroy()
    }
  }

  get #outcome(): string {
    if (this.status === 0) return 'the server could not be reached'
    return this.status === 200 ? 'it was cut' : `${this.status} ${this.text}`
  }

  #end(): void {
    this.closed = true
    this.#wake()
  }

  #wake(): void {
    this.#options.onChange?.()
    for (const wake of this.#waiters.splice(0)) wake()
  }
}
