import type { IncomingMessage, ServerResponse } from 'node:http'
import { encodeFrame, FrameReader, type Frame } from '../../shared/frames.ts'
import { decodeClientControl, encodeControl, type ClientControl, type ServerControl } from '../../shared/protocol.ts'
import type { FakeServer } from './fake-server.ts'

/** One session over HTTP, and what its client has done. */
export class FakeSession {
  readonly transport: 'stream' | 'poll'
  readonly name: string
  readonly said: ClientControl[] = []
  /** How many frames each body had. */
  readonly counts: number[] = []
  /** How often the last poll said that it comes. */
  everyMs: number
  closed = false
  #stream: ServerResponse | null = null
  #waiting: ServerResponse | null = null
  #unsent: Frame[] = []
  #kept: { number: number; bytes: Buffer } | null = null
  #answers = 0
  #n = 0

  constructor(name: string, transport: 'stream' | 'poll', everyMs: number) {
    this.name = name
    this.transport = transport
    this.everyMs = everyMs
  }

  ofType<Type extends ClientControl['type']>(type: Type): Extract<ClientControl, { type: Type }>[] {
    return this.said.filter((message) => message.type === type) as Extract<ClientControl, { type: Type }>[]
  }

  control(message: ServerControl): void {
    this.send({ type: 'text', text: encodeControl(message) })
  }

  send(frame: Frame): void {
    if (this.#stream) return void this.#stream.write(encodeFrame(frame))
    this.#unsent.push(frame)
    this.#answer()
  }

  /** Breaks what it is read on. */
  cut(): void {
    this.#stream?.destroy()
    this.#waiting?.destroy()
  }

  attach(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/octet-stream', connection: 'close' })
    this.#stream = response
  }

  /** The first answer: what is there now. */
  open(response: ServerResponse): void {
    this.#waiting = response
    this.#answer()
  }

  poll(response: ServerResponse, ack: number, waits: boolean, everyMs: number): void {
    this.everyMs = everyMs
    this.#waiting?.writeHead(204).end()
    this.#waiting = response
    if (this.#kept && ack >= this.#kept.number) this.#kept = null
    this.#answer()
    if (this.#waiting && !waits) this.#nothing()
  }

  /** What is said twice is heard once. */
  hear(n: number, frames: readonly Frame[], answersPing: boolean): void {
    if (n !== this.#n + 1) return
    this.#n = n
    this.counts.push(frames.length)
    for (const frame of frames) {
      if (frame.type === 'close') this.closed = true
      if (frame.type !== 'text') continue
      const message = decodeClientControl(frame.text)
      this.said.push(message)
      if (message.type === 'ping' && answersPing) this.control({ type: 'pong' })
    }
  }

  #answer(): void {
    if (!this.#waiting) return
    if (!this.#kept && this.#unsent.length > 0)
      this.#kept = { number: ++this.#answers, bytes: Buffer.concat(this.#unsent.splice(0).map(encodeFrame)) }
    if (!this.#kept) return
    this.#waiting.writeHead(200, { 'content-type': 'application/octet-stream' }).end(this.#kept.bytes)
    this.#waiting = null
  }

  #nothing(): void {
    this.#waiting?.writeHead(204).end()
    this.#waiting = null
  }
}

/** One request to `/api/sync`. */
export interface SyncRequest {
  kind: 'open' | 'say' | 'poll'
  url: URL
  token: string | undefined
  at: number
}

/** `/api/sync` of a `FakeServer`, written from the protocol alone. On /ws it hangs up, until `lets` WebSockets through. */
export class FakeSync {
  readonly sessions: FakeSession[] = []
  readonly requests: SyncRequest[] = []
  /** Says what becomes of a request: false, it hangs; a number, it is refused with that status; a header may say when to come again. */
  answers: (request: SyncRequest) => true | false | { status: number; body?: object; retryAfter?: number } = () => true
  /** A request is looked at when this is done. */
  delays: (request: SyncRequest) => Promise<void> | null = () => null
  letsWebSockets = false
  answersPing = true
  readonly #server: FakeServer

  constructor(server: FakeServer) {
    this.#server = server
    server.onRequest = (request, response) => this.#take(request, response)
    server.onHello = (connection) => {
      if (this.letsWebSockets) server.welcome(connection)
      else connection.socket.terminate()
    }
  }

  get last(): FakeSession {
    const session = this.sessions.at(-1)
    if (!session) throw new Error('there is no session')
    return session
  }

  ofKind(kind: SyncRequest['kind']): SyncRequest[] {
    return this.requests.filter((request) => request.kind === kind)
  }

  #take(incoming: IncomingMessage, response: ServerResponse): void {
    const url = new URL(incoming.url!, this.#server.url)
    // Or the timers of kept connections would be counted.
    response.setHeader('connection', 'close')
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => void this.#answer(incoming, url, Buffer.concat(parts), response))
  }

  async #answer(incoming: IncomingMessage, url: URL, body: Buffer, response: ServerResponse): Promise<void> {
    const name = /^\/api\/sync\/(.+)$/.exec(url.pathname)?.[1]
    const kind = name === undefined ? 'open' : url.searchParams.has('ack') ? 'poll' : 'say'
    const token = incoming.headers.authorization?.replace('Bearer ', '')
    const request = { kind, url, token, at: Date.now() } as const
    this.requests.push(request)
    await this.delays(request)
    const answers = this.answers(request)
    if (answers === false) return
    if (answers !== true) {
      if (answers.retryAfter !== undefined) response.setHeader('retry-after', answers.retryAfter)
      return void response.writeHead(answers.status).end(JSON.stringify(answers.body ?? {}))
    }
    const frames = [...new FrameReader(10_000_000).read(body)]
    const number = (name: string) => Number(url.searchParams.get(name) ?? 0)
    if (kind === 'open')
      return this.#open(url.searchParams.get('transport') as 'stream' | 'poll', number('everyMs'), response)
    const session = this.sessions.find((session) => session.name === name)
    if (!session) return void response.writeHead(404).end('{"error":{"code":"not_found"}}')
    if (kind === 'poll')
      return session.poll(response, number('ack'), url.searchParams.get('wait') === 'true', number('everyMs'))
    session.hear(number('n'), frames, this.answersPing)
    response.writeHead(204).end()
  }

  #open(transport: 'stream' | 'poll', everyMs: number, response: ServerResponse): void {
    const session = new FakeSession(`node.${this.sessions.length}`, transport, everyMs)
    this.sessions.push(session)
    if (transport === 'stream') session.attach(response)
    session.control({ type: 'sync', session: session.name })
    session.control({ type: 'welcome', v: 1, user: { id: 'u', name: 'U' }, heartbeatMs: this.#server.heartbeatMs })
    if (transport === 'poll') session.open(response)
  }
}
