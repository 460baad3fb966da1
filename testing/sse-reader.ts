import { request, type ClientRequest, type IncomingHttpHeaders, type IncomingMessage } from 'node:http'
import { createParser } from 'eventsource-parser'
import { decodeEvent, type StreamEvent } from '../shared/events.ts'
import type { Message } from '../shared/schema.ts'
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
  #waiters: (() => void)[] = []
  #response: IncomingMessage | null = null
  readonly #request: ClientRequest
  readonly #paused: boolean

  /** @param url of the server, `http://…` */
  constructor(
    url: string,
    messageId: string,
    { mode, lastEventId, token, message = null, paused = false, method = 'GET' }: SseReaderOptions = {},
  ) {
    this.message = message
    this.#paused = paused
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

  /** Waits until a condition holds, looked at after every read. Throws after `deadlineMs`. */
  async until(condition: () => boolean, what = 'the condition', deadlineMs = 10_000): Promise<void> {
    const deadline = Date.now() + deadlineMs
    while (!condition()) {
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

  /** Waits for the end of the answer; returns this. */
  async toEnd(deadlineMs?: number): Promise<this> {
    await this.until(() => this.closed, 'the end of the stream', deadlineMs)
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
      else parser.feed(text)
      this.bytes += text.length
      this.#wake()
    })
    response.on('close', () => this.#end())
    response.on('error', () => {})
    if (this.#paused) response.pause()
    this.#wake()
  }

  #end(): void {
    this.closed = true
    this.#wake()
  }

  #wake(): void {
    for (const wake of this.#waiters.splice(0)) wake()
  }
}
