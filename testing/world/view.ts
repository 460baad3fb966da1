import * as Y from 'yjs'
import { messageMap, type Message } from '../../shared/schema.ts'
import { Collected, Collector, type SeenFrame } from '../collector.ts'
import { socketOf } from '../http-socket.ts'
import { SseReader } from '../sse-reader.ts'
import { StockReader } from '../stock-reader.ts'

/** `ws`: `/ws`; `stream`, `poll`: the same over HTTP; `yjs`: the stock protocol; `events`: server-sent events. */
export const transports = ['ws', 'stream', 'poll', 'yjs', 'events'] as const
export type ViewerTransport = (typeof transports)[number]

/** How a view ended that was not closed by its viewer. */
export interface ViewEnd {
  /** The server will not have it: coming back is in vain. */
  refused: boolean
  /** All has been told: only another run would have more. */
  over?: boolean
  words: string
}

export interface ViewEvents {
  onFrame: (frame: SeenFrame) => void
  onChange: () => void
}

/** One connection of a viewer, and the copy that it has. */
export interface View {
  /** null: nothing has come yet. */
  readonly message: Message | null
  /** It has what the server had when it came. */
  readonly isThere: boolean
  readonly end: ViewEnd | null
  /** The text of the newest checkpoint that differs from the copy; null: they are the same. Only some transports have checkpoints. */
  readonly divergence: string | null
  close(): Promise<void>
}

interface Target {
  url: string
  token: string | undefined
  messageId: string
}

/** Opens a connection; `from`: goes on with the copy of that one, as a tab does whose line was cut. */
export function openView(transport: ViewerTransport, target: Target, from: View | null, events: ViewEvents): View {
  if (transport === 'yjs') return new StockView(target, from as StockView | null, events)
  if (transport === 'events') return new EventsView(target, from as EventsView | null, events)
  return new SocketView(transport, target, from as SocketView | null, events)
}

const ofDoc = (doc: Y.Doc, read: () => Message): Message | null => (messageMap(doc).size === 0 ? null : read())

class SocketView implements View {
  readonly #collector: Collector
  readonly #collected: Collected
  /** The session over HTTP that this one takes the place of. */
  readonly #instead: string | null
  #fault: Error | null = null

  constructor(transport: 'ws' | 'stream' | 'poll', target: Target, from: SocketView | null, events: ViewEvents) {
    const { url, token, messageId } = target
    // One that could not be opened has none itself.
    this.#instead = from === null ? null : (from.#collector.session ?? from.#instead)
    this.#collector = new Collector(url, {
      ...(token !== undefined && { token }),
      ...events,
      WebSocket: socketOf(transport === 'ws' ? 'websocket' : transport, { instead: this.#instead }),
    })
    this.#collected = this.#collector.adopt(from ? from.#collected : new Collected(messageId))
    this.#collected.refused = null
    this.#collector.follow(messageId).catch((error: Error) => {
      this.#fault = error
      events.onChange()
    })
  }

  get message(): Message | null {
    return ofDoc(this.#collected.doc, () => this.#collected.message)
  }

  get isThere(): boolean {
    return this.#collector.control.some(({ type }) => type === 'subscribed') && this.message !== null
  }

  get end(): ViewEnd | null {
    const { refused } = this.#collected
    if (refused) return { refused: true, words: `It was refused: ${refused.code}, ${refused.message}` }
    const { closed } = this.#collector
    if (closed)
      return {
        refused: closed.code >= 4400 && closed.code < 4500,
        words: `Its line closed: ${closed.code} ${closed.reason}`,
      }
    return this.#fault && { refused: false, words: this.#fault.message }
  }

  get divergence(): string | null {
    const checkpoint = this.#collected.checkpoints.at(-1)
    return !checkpoint || checkpoint.matches ? null : `Its copy differs from the server's at a checkpoint.`
  }

  close(): Promise<void> {
    return this.#collector.close().catch(() => {})
  }
}

class StockView implements View {
  readonly #reader: StockReader
  #hasFrame = false

  constructor({ url, token, messageId }: Target, from: StockView | null, { onFrame, onChange }: ViewEvents) {
    // Its copy is not of this document's history any more: it begins anew (Y3).
    const doc = from && from.#reader.closed?.code !== 4409 ? from.#reader.doc : new Y.Doc()
    this.#reader = new StockReader(url, messageId, {
      ...(token !== undefined && { token }),
      doc,
      onChange,
      onFrame: (frame) => {
        this.#hasFrame ||= frame.direction === 'in'
        onFrame(frame)
      },
    })
  }

  get message(): Message | null {
    return ofDoc(this.#reader.doc, () => this.#reader.message)
  }

  get isThere(): boolean {
    return this.#hasFrame && this.message !== null
  }

  get end(): ViewEnd | null {
    const { closed } = this.#reader
    return (
      closed && {
        refused: [4401, 4403].includes(closed.code),
        words: `Its line closed: ${closed.code} ${closed.reason}`,
      }
    )
  }

  readonly divergence = null

  async close(): Promise<void> {
    this.#reader.close()
  }
}

class EventsView implements View {
  readonly #reader: SseReader

  constructor({ url, token, messageId }: Target, from: EventsView | null, events: ViewEvents) {
    const lastEventId = from === null ? undefined : from.#reader.lastId
    this.#reader = new SseReader(url, messageId, {
      ...(token !== undefined && { token }),
      ...(lastEventId !== undefined && { lastEventId }),
      message: from?.message ?? null,
      ...events,
    })
  }

  get message(): Message | null {
    return this.#reader.message
  }

  get isThere(): boolean {
    const { status, events, message } = this.#reader
    return (events.length > 0 || status === 204) && message !== null
  }

  get end(): ViewEnd | null {
    const { closed, status, text, failure, ended } = this.#reader
    if (failure) return { refused: true, words: failure.message }
    if (!closed) return null
    if (ended || status === 204) return { refused: false, over: true, words: 'Its stream has told the end' }
    const isRefused = status >= 400 && status < 500 && status !== 429
    return {
      refused: isRefused,
      words: status === 200 || status === 0 ? 'Its stream was cut' : `It was answered ${status}: ${text}`,
    }
  }

  readonly divergence = null

  async close(): Promise<void> {
    this.#reader.close()
  }
}
