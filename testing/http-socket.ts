import { encodeFrame, FrameReader, type Frame } from '../shared/frames.ts'
import { decodeServerControl } from '../shared/protocol.ts'

export interface HttpSocketOptions {
  transport: 'stream' | 'poll'
  /** The session that this one takes the place of. */
  instead?: string | null
  everyMs?: number
  /** Each request's answer is looked at: true loses it. */
  lose?: () => boolean
}

/**
 * A session over HTTP that looks like a WebSocket to whoever reads it: written
 * from the protocol alone, so that the tests of `/ws` show the same of `/api/sync`.
 */
export class HttpSocket extends EventTarget {
  binaryType = 'arraybuffer'
  readyState = 0
  /** As the server calls it. */
  session: string | null = null
  status: number | null = null
  /** Bytes of bodies that came. */
  bytes = 0
  readonly #base: string
  readonly #options: HttpSocketOptions
  readonly #abort = new AbortController()
  readonly #reader = new FrameReader(Number.MAX_SAFE_INTEGER)
  #token: string | undefined
  #queue: Frame[] = []
  #said = 0
  #opening = false
  #saying = false
  #answers = 0
  #paused: PromiseWithResolvers<void> | null = null

  constructor(url: string, options: HttpSocketOptions) {
    super()
    this.#base = url.replace(/^ws/, 'http').replace(/\/ws$/, '')
    this.#options = options
    queueMicrotask(() => {
      this.readyState = 1
      this.dispatchEvent(new Event('open'))
    })
  }

  /** Reads nothing more until `resume`. */
  pause(): void {
    this.#paused ??= Promise.withResolvers()
  }

  resume(): void {
    this.#paused?.resolve()
    this.#paused = null
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    if (this.readyState > 1) return
    this.#queue.push(
      typeof data === 'string' ? { type: 'text', text: this.#withoutToken(data) } : { type: 'binary', bytes: data },
    )
    if (!this.#opening) {
      this.#opening = true
      // What is said in the same turn comes with it.
      queueMicrotask(() => void this.#open().catch(() => this.#over(1006)))
    } else this.#say()
  }

  /** What signs in stands in the head of each request. */
  #withoutToken(text: string): string {
    if (!text.startsWith('{"type":"hello"') && !text.startsWith('{"type":"token"')) return text
    const { token, ...message } = JSON.parse(text) as { type: string; token?: string }
    this.#token = token ?? this.#token
    return message.type === 'hello' ? JSON.stringify(message) : text
  }

  /** Resolves when the server knows, which a WebSocket's does not. */
  async close(): Promise<void> {
    if (this.readyState > 1) return
    const { session } = this
    this.#over(1000)
    if (session !== null)
      await fetch(`${this.#base}/api/sync/${session}?n=${this.#said + 1}`, {
        method: 'POST',
        headers: this.#headers,
        body: encodeFrame({ type: 'close', code: 1000, reason: '' }),
      }).catch(() => {})
  }

  /** Breaks the line, without a word. */
  break(): void {
    this.#over(1006)
  }

  get #headers(): Record<string, string> {
    return this.#token === undefined ? {} : { authorization: `Bearer ${this.#token}` }
  }

  async #post(path: string, frames: readonly Frame[]): Promise<Response> {
    return await fetch(`${this.#base}/api/sync${path}`, {
      method: 'POST',
      headers: this.#headers,
      body: Buffer.concat(frames.map(encodeFrame)),
      signal: this.#abort.signal,
    })
  }

  async #open(): Promise<void> {
    const { transport, instead, everyMs = 0 } = this.#options
    const frames = this.#queue.splice(0)
    const query = `?transport=${transport}&everyMs=${everyMs}${instead ? `&instead=${instead}` : ''}`
    const response = await this.#post(query, frames)
    this.status = response.status
    if (response.status > 204) return this.#over(response.status === 401 ? 4401 : 1006, await reasonOf(response))
    if (transport === 'poll') {
      await this.#read(response)
      while (this.readyState === 1) await this.#poll()
      return
    }
    for await (const chunk of response.body!) {
      await this.#paused?.promise
      this.#take(chunk)
    }
    this.#over(1006)
  }

  async #poll(): Promise<void> {
    await this.#paused?.promise
    const { everyMs = 0, lose = () => false } = this.#options
    const response = await this.#post(
      `/${this.session}?ack=${this.#answers}&everyMs=${everyMs}&wait=${everyMs === 0}`,
      [],
    )
    if (response.status > 204) return this.#over(response.status === 401 ? 4401 : 1006, await reasonOf(response))
    if (lose()) return void (await response.bytes())
    await this.#read(response)
    if (everyMs > 0) await new Promise((resolve) => setTimeout(resolve, everyMs))
  }

  async #read(response: Response): Promise<void> {
    if (response.status === 204) return
    const bytes = await response.bytes()
    this.#answers += 1
    this.#take(bytes)
  }

  #say(): void {
    if (this.#saying || this.session === null || this.#queue.length === 0 || this.readyState > 1) return
    this.#saying = true
    const frames = this.#queue.splice(0)
    const n = ++this.#said
    void this.#post(`/${this.session}?n=${n}`, frames)
      .catch(() => {})
      .then(() => {
        this.#saying = false
        this.#say()
      })
  }

  #take(chunk: Uint8Array): void {
    this.bytes += chunk.length
    for (const frame of this.#reader.read(chunk)) {
      if (this.readyState > 1) return
      if (frame.type === 'close') return this.#over(frame.code, frame.reason)
      if (frame.type === 'ping') void this.#post(`/${this.session}`, []).catch(() => {})
      if (frame.type === 'text') {
        const message = decodeServerControl(frame.text)
        if (message?.type === 'sync') {
          this.session = message.session
          this.#say()
        }
        this.dispatchEvent(new MessageEvent('message', { data: frame.text }))
      } else if (frame.type === 'binary') {
        const { buffer, byteOffset, byteLength } = frame.bytes
        this.dispatchEvent(new MessageEvent('message', { data: buffer.slice(byteOffset, byteOffset + byteLength) }))
      }
    }
  }

  #over(code: number, reason = ''): void {
    if (this.readyState > 1) return
    this.readyState = 3
    this.resume()
    this.#abort.abort()
    this.dispatchEvent(Object.assign(new Event('close'), { code, reason }))
  }
}

async function reasonOf(response: Response): Promise<string> {
  return ((await response.json()) as { error: { message: string } }).error.message
}

/** What tests give to whoever wants a `WebSocket`. */
export function socketOf(
  transport: 'websocket' | 'stream' | 'poll',
  options: Omit<HttpSocketOptions, 'transport'> = {},
): typeof WebSocket {
  if (transport === 'websocket') return WebSocket
  const over = transport
  const Made = class extends HttpSocket {
    static readonly CONNECTING = 0
    static readonly OPEN = 1
    static readonly CLOSING = 2
    static readonly CLOSED = 3

    constructor(url: string) {
      super(url, { transport: over, ...options })
    }
  }
  return Made as unknown as typeof WebSocket
}
