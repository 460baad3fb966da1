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
import { isTerminal, readDocument, readMessage, type Chat, type Message } from '../shared/schema.ts'

/** A frame that came or went. */
export interface SeenFrame {
  /** `performance.now()` */
  at: number
  direction: 'in' | 'out'
  /** Of its payload. */
  bytes: number
  /** What it says, in short. */
  words: string
}

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
  /** Told of each frame, before it is applied. */
  onFrame?: (frame: SeenFrame) => void
  /** Told of each frame when it is applied, and of the end. */
  onChange?: () => void
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
  readonly #options: CollectorOptions
  readonly #channels = new Map<number, Collected>()
  #waiters: (() => void)[] = []

  /** @param url of the server, `http://…` */
  constructor(url: string, options: CollectorOptions = {}) {
    const { token, WebSocket: Socket = WebSocket } = options
    this.#options = options
    this.#socket = new Socket(`${url.replace(/^http/, 'ws')}/ws`)
    this.#socket.binaryType = 'arraybuffer'
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    this.#opened = promise
    // Told to whoever waits for it.
    promise.catch(() => {})
    this.#socket.addEventListener('open', () => {
      this.#send(encodeControl({ type: 'hello', v: 1, ...(token !== undefined && { token }) }))
      resolve()
    })
    this.#socket.addEventListener('message', ({ data }) => {
      if (typeof data === 'string') this.#onControl(data)
      else this.#onFrame(new Uint8Array(data as ArrayBuffer))
      this.#wake()
    })
    this.#socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason }
      reject(this.#over('be opened'))
      this.#wake()
    })
    // What an error means is in the close event that follows it.
    this.#socket.addEventListener('error', () => {})
  }

  /** Follows documents; one that was followed before goes on from its copy. */
  async follow(...ids: string[]): Promise<Collected[]> {
    await this.#opened
    if (this.closed) throw this.#over(`follow ${ids.join(', ')}`)
    const collected = ids.map((id) => this.documents.get(id) ?? this.adopt(new Collected(id, this.#options.onUpdate)))
    this.#send(
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
    this.#send(frame)
  }

  /**
   * Waits until a condition holds, looked at after every frame. Throws after `deadlineMs`, and at once when the socket has
   * closed: nothing comes any more that could make it true.
   */
  async until(condition: () => boolean, what = 'the condition', deadlineMs = 10_000): Promise<void> {
    await this.#awaited(condition, () => null, what, deadlineMs)
  }

  /**
   * Follows one document to the end of its run: of `taskId`, where it is named, as the copy may still have the run before.
   * `compared`: and to the checkpoint of that end, which may come up to a second later. Throws after `deadlineMs`, and at
   * once where it is refused or the socket has closed.
   */
  async toEnd(
    id: string,
    {
      taskId,
      compared = false,
      deadlineMs = 30_000,
    }: { taskId?: string; compared?: boolean; deadlineMs?: number } = {},
  ): Promise<Collected> {
    const [collected] = this.documents.has(id) ? [this.documents.get(id)!] : await this.follow(id)
    const ended = () => {
      const { status, taskId: newest } = collected!.message
      const isOver = status !== undefined && isTerminal(status) && (taskId === undefined || newest === taskId)
      return isOver && (!compared || collected!.ended)
    }
    const refused = () =>
      collected!.refused && new Error(`${id} was refused: ${collected!.refused.code}, ${collected!.refused.message}`)
    await this.#awaited(ended, refused, `the end of ${taskId ?? id}`, deadlineMs)
    return collected!
  }

  async #awaited(
    condition: () => boolean,
    failed: () => Error | null,
    what: string,
    deadlineMs: number,
  ): Promise<void> {
    const deadline = Date.now() + deadlineMs
    while (!condition()) {
      const fault = failed() ?? (this.closed ? this.#over(`see ${what}`) : null)
      if (fault) throw fault
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

  #over(what: string): Error {
    const { code = 1006, reason = '' } = this.closed ?? {}
    return new Error(`The line closed (${code}${reason && `, ${reason}`}) and could not ${what}.`)
  }

  /** Over HTTP: what the server calls this session. */
  get session(): string | null {
    const said = this.control.find((message) => message.type === 'sync')
    return said?.session ?? null
  }

  async close(): Promise<void> {
    // Over HTTP a request tells it.
    await (this.#socket.close() as void | Promise<void>)
    await this.until(() => this.closed !== null, 'the close')
  }

  #onControl(text: string): void {
    const message = decodeServerControl(text)
    const bytes = Buffer.byteLength(text)
    this.bytes += bytes
    this.#told('in', bytes, message ? describeControl(message, this.#channels) : 'a message of a newer server')
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
    this.#told('in', frame.length, 'updates')
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

  #send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#socket.send(data)
    if (typeof data !== 'string') this.#told('out', data.length, 'a binary frame')
    else this.#told('out', Buffer.byteLength(data), /"type":"(\w+)"/.exec(data)?.[1] ?? 'text')
  }

  #told(direction: SeenFrame['direction'], bytes: number, words: string): void {
    this.#options.onFrame?.({ at: performance.now(), direction, bytes, words })
  }

  #wake(): void {
    this.#options.onChange?.()
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}

function describeControl(message: ServerControl, channels: ReadonlyMap<number, Collected>): string {
  const more: string[] = []
  if ('channel' in message) more.push(channels.get(message.channel)?.id ?? `channel ${message.channel}`)
  if (message.type === 'checkpoint' && message.final) more.push('final')
  if (message.type === 'subscribed') more.push(...message.docs.map(({ doc, reset }) => (reset ? `${doc} reset` : doc)))
  if (message.type === 'refused') more.push(message.doc, message.code)
  if (message.type === 'error') more.push(message.code)
  if (message.type === 'chat') more.push(message.event)
  return [message.type, ...more].join(' ')
}
