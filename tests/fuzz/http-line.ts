import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { encodeFrame, FrameReader, type Frame } from '../../shared/frames.ts'
import type { Sync } from '../../server/socket/sync.ts'
import { Line, type Arrival } from './network.ts'
import { signIn } from './sign-in.ts'

export interface HttpLineOptions {
  sync: Sync
  transport: 'stream' | 'poll'
  kernelBytes: number
  /** The session that its viewer had before. */
  instead: string | null
  /** Is this request repeated, or is this answer lost? */
  mishap: () => boolean
}

/** A session over HTTP in place of a WebSocket, without a network either. Requests may come twice, answers to polls may be lost. */
export class HttpLine extends Line {
  session: string | null = null
  readonly #options: HttpLineOptions
  readonly #unsaid: Frame[] = []
  readonly #reader = new FrameReader(Number.MAX_SAFE_INTEGER)
  readonly #arrivals: Arrival[] = []
  #isOpening = false
  #isPolling = false
  #said = 0
  #answers = 0

  constructor(options: HttpLineOptions) {
    super({ kernelBytes: options.kernelBytes })
    this.#options = options
    const response = {
      req: { socket: {}, headers: {} },
      writeHead: () => this.socket,
      flushHeaders: () => {},
    }
    // A streamed answer is written as a socket is; what the viewer has of it are chunks.
    Object.assign(this.socket, response)
    this.socket.on('close', () => this.break())
    this.pinged = () => this.#ask({ n: 0, ack: undefined }, new Uint8Array(0), () => {})
  }

  override get waiting(): number {
    return (
      super.waiting + this.#arrivals.length + (this.#options.transport === 'poll' && !this.broken ? this.#unpolled : 0)
    )
  }

  /** 1 until a poll has found nothing. */
  #unpolled = 1

  override say(message: string | Uint8Array): void {
    if (this.broken) return
    this.#unsaid.push(
      typeof message === 'string'
        ? { type: 'text', text: message }
        : { type: 'binary', bytes: Uint8Array.from(message) },
    )
  }

  override deliver(count = Infinity): void {
    if (this.broken || count <= 0 || this.#unsaid.length === 0) return
    if (this.session === null) {
      if (!this.#isOpening) this.#open(this.#unsaid.splice(0, 1))
      return
    }
    const body = bytesOf(this.#unsaid.splice(0, Math.min(count, 1_000)))
    this.#said += 1
    this.#ask({ n: this.#said, ack: undefined }, body, () => {})
    if (this.#options.mishap()) this.#ask({ n: this.#said, ack: undefined }, body, () => {})
  }

  override receive(): Arrival | null {
    const arrival = this.#options.transport === 'poll' ? this.#receivePolled() : this.#receiveStreamed()
    const sync = arrival?.kind === 'text' && /^\{"type":"sync","session":"(.+)"\}$/.exec(arrival.text)
    if (!sync) return arrival
    this.session = sync[1]!
    return this.receive()
  }

  #receiveStreamed(): Arrival | null {
    const arrival = super.receive()
    if (arrival?.kind === 'closed') this.break()
    return arrival
  }

  #receivePolled(): Arrival | null {
    if (this.#arrivals.length === 0 && this.session !== null && !this.broken) this.#poll()
    const arrival = this.#arrivals.shift() ?? null
    if (arrival?.kind === 'closed') this.break()
    return arrival
  }

  #open(frames: readonly Frame[]): void {
    this.#isOpening = true
    const { sync, transport, instead } = this.#options
    void signIn.auth
      .authenticate(signIn.token, {} as IncomingMessage)
      .then((identity) => {
        if (this.broken) return
        const response =
          transport === 'stream'
            ? (this.socket as unknown as ServerResponse)
            : this.#answerTo((bytes) => this.#take(bytes))
        sync.open(response, identity, { transport, instead: instead ?? undefined, everyMs: 0 }, bytesOf(frames))
      })
      .catch(() => this.break())
  }

  #poll(): void {
    if (this.#isPolling) return
    this.#isPolling = true
    const isLost = this.#options.mishap()
    this.#ask({ n: 0, ack: this.#answers }, new Uint8Array(0), (bytes) => {
      this.#isPolling = false
      if (!isLost) this.#take(bytes)
    })
  }

  #take(bytes: Uint8Array | null): void {
    this.#unpolled = bytes ? 1 : 0
    if (!bytes || this.broken) return
    this.#answers += 1
    for (const frame of this.#reader.read(bytes)) {
      if (frame.type === 'text') this.#arrivals.push({ kind: 'text', text: frame.text })
      if (frame.type === 'binary') this.#arrivals.push({ kind: 'binary', bytes: frame.bytes })
      if (frame.type === 'close') this.#arrivals.push({ kind: 'closed', code: frame.code })
    }
  }

  #ask(
    saying: { n: number; ack: number | undefined },
    body: Uint8Array,
    answer: (bytes: Uint8Array | null) => void,
  ): void {
    void signIn.auth
      .authenticate(signIn.token, {} as IncomingMessage)
      .then((identity) =>
        this.#options.sync.say(
          this.#answerTo(answer),
          identity,
          this.session!,
          { ...saying, waits: false, everyMs: 1_000 },
          body,
        ),
      )
      // Its session is gone.
      .catch(() => this.break())
  }

  /** A response that is answered whole. */
  #answerTo(answer: (bytes: Uint8Array | null) => void): ServerResponse {
    const response = {
      req: { socket: {} as Socket, headers: {} } as IncomingMessage,
      destroyed: false,
      once: () => response,
      writeHead: () => response,
      end: (bytes?: Uint8Array) => answer(bytes ?? null),
    }
    return response as unknown as ServerResponse
  }
}

function bytesOf(frames: readonly Frame[]): Uint8Array {
  return Buffer.concat(frames.map(encodeFrame))
}
