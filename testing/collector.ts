import * as Y from 'yjs'
import { digestOf } from '../shared/digest.ts'
import {
  decodeChannelMessages,
  decodeServerControl,
  decodeStock,
  encodeControl,
  type ServerControl,
  type Subscribed,
} from '../shared/protocol.ts'
import { readDocument, readMessage, type Chat, type Message } from '../shared/schema.ts'

/** One document as a viewer has it, with all that it was sent. */
export class Collected {
  readonly id: string
  doc = new Y.Doc()
  subscribed: Subscribed | null = null
  refused: { code: string; message: string } | null = null
  readonly checkpoints: (Extract<ServerControl, { type: 'checkpoint' }> & { matches: boolean })[] = []
  /** Bytes of its binary frames' messages, framing left out. */
  bytes = 0
  updates = 0
  /** Its text after each update, if asked for: what a person could have seen. */
  readonly onUpdate: ((collected: Collected) => void) | undefined

  constructor(id: string, onUpdate?: (collected: Collected) => void) {
    this.id = id
    this.onUpdate = onUpdate
  }

  get message(): Message {
    return readMessage(this.doc)
  }

  get json(): Message | Chat {
    return readDocument(this.id, this.doc)
  }

  get text(): string {
    return this.message.output.map((block) => (block.type === 'text' ? block.text : '')).join('')
  }

  get digest(): string {
    return digestOf(this.json)
  }

  /** A `final` checkpoint came. */
  get ended(): boolean {
    return this.checkpoints.at(-1)?.final ?? false
  }
}

export interface CollectorOptions {
  token?: string
  onUpdate?: (collected: Collected) => void
  /** Another than the global one. */
  WebSocket?: typeof WebSocket
}

/**
 * A plain `/ws` viewer that keeps what it gets, built on the wire alone: an
 * oracle that shares no code with the client library. Needs Node ≥ 22 or a browser.
 */
export class Collector {
  readonly documents = new Map<string, Collected>()
  readonly control: ServerControl[] = []
  /** Bytes of all frames' payloads. */
  bytes = 0
  closed: { code: number; reason: string } | null = null
  readonly #socket: WebSocket
  readonly #opened: Promise<void>
  readonly #onUpdate: CollectorOptions['onUpdate']
  readonly #channels = new Map<number, Collected>()
  #waiters: (() => void)[] = []

  /** @param url of the server, `http://…` */
  constructor(url: string, { token, onUpdate, WebSocket: Socket = WebSocket }: CollectorOptions = {}) {
    this.#onUpdate = onUpdate
    this.#socket = new Socket(`${url.replace(/^http/, 'ws')}/ws`)
    this.#socket.binaryType = 'arraybuffer'
    this.#opened = new Promise((resolve) =>
      this.#socket.addEventListener('open', () => {
        this.#socket.send(encodeControl({ type: 'hello', v: 1, ...(token !== undefined && { token }) }))
        resolve()
      }),
    )
    this.#socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#onControl(data)
      else this.#onFrame(new Uint8Array(data as ArrayBuffer))
      this.#wake()
    })
    this.#socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason }
      this.#wake()
    })
  }

  /** Follows documents; one that was followed before goes on from its copy. */
  async follow(...ids: string[]): Promise<Collected[]> {
    await this.#opened
    const collected = ids.map((id) => this.documents.get(id) ?? this.adopt(new Collected(id, this.#onUpdate)))
    this.#socket.send(
      encodeControl({
        type: 'subscribe',
        docs: collected.map(({ id, doc, subscribed }) =>
          subscribed ? { doc: id, stateVector: Y.encodeStateVector(doc), lineage: subscribed.lineage } : { doc: id },
        ),
      }),
    )
    return collected
  }

  /** Takes a copy over from another viewer, as a tab does that comes back. */
  adopt(collected: Collected): Collected {
    this.documents.set(collected.id, collected)
    return collected
  }

  /** Sends a frame as it is, for tests of what must not be sent. */
  async send(frame: string | Uint8Array<ArrayBuffer>): Promise<void> {
    await this.#opened
    this.#socket.send(frame)
  }

  /** Waits until a condition holds, looked at after every frame. Throws after `deadlineMs`. */
  async until(condition: () => boolean, what = 'the condition', deadlineMs = 10_000): Promise<void> {
    const deadline = Date.now() + deadlineMs
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`${what} did not come true within ${deadlineMs} ms`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, Math.max(1, Math.min(50, deadline - Date.now())))
        this.#waiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  /** Follows one document to the end of its run. */
  async toEnd(id: string, deadlineMs = 30_000): Promise<Collected> {
    const [collected] = this.documents.has(id) ? [this.documents.get(id)!] : await this.follow(id)
    await this.until(() => collected!.ended, `the end of ${id}`, deadlineMs)
    return collected!
  }

  async close(): Promise<void> {
    this.#socket.close()
    await this.until(() => this.closed !== null, 'the close')
  }

  #onControl(text: string): void {
    this.bytes += text.length
    const message = decodeServerControl(text)
    if (!message) return
    this.control.push(message)
    if (message.type === 'refused') {
      const collected = this.documents.get(message.doc)
      if (collected) collected.refused = { code: message.code, message: message.message }
    } else if (message.type === 'subscribed') {
      for (const subscribed of message.docs) this.#subscribed(subscribed)
    } else if (message.type === 'checkpoint') {
      const collected = this.#channels.get(message.channel)
      collected?.checkpoints.push({ ...message, matches: message.digest === collected.digest })
    }
  }

  #subscribed(subscribed: Subscribed): void {
    const collected = this.documents.get(subscribed.doc)
    if (!collected) return
    if (subscribed.reset) collected.doc = new Y.Doc()
    collected.subscribed = subscribed
    this.#channels.set(subscribed.channel, collected)
  }

  #onFrame(frame: Uint8Array): void {
    this.bytes += frame.length
    for (const { channel, message } of decodeChannelMessages(frame)) {
      const collected = this.#channels.get(channel)
      const stock = decodeStock(message)
      if (!collected || (stock.type !== 'syncStep2' && stock.type !== 'update')) continue
      collected.bytes += message.length
      collected.updates += 1
      Y.applyUpdate(collected.doc, stock.update)
      collected.onUpdate?.(collected)
    }
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
