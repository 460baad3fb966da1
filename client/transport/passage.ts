import { isRunnelError } from '../../shared/errors.ts'
import { decodeServerControl, encodeControl, type ServerControl } from '../../shared/protocol.ts'
import type { TransportName } from '../../shared/transports.ts'
import { isSpoken } from '../../shared/versions.ts'
import type { User } from '../connection-state.ts'
import type { Line, LineEnd, LineTarget } from './line.ts'
import { openLine } from './open.ts'

/** No `welcome` by then: this transport has failed. */
const welcomeMs = 5_000
/** A stream on which a `pong` takes longer is held back. */
const pongMs = 3_000

export interface PassageEvents {
  /** It can be used. On a stream: what is sent on it comes. */
  welcome: () => void
  heard: () => void
  /** Behind `welcome`. */
  control: (message: ServerControl) => void
  /** Behind `welcome`. Throws `bad_request` for one that is none. */
  frame: (frame: Uint8Array<ArrayBuffer>) => void
  /** Said once, unless `close` was called. `byTransport`: it has not come to `welcome`, and neither the server nor this side has said why. */
  ended: (end: LineEnd, byTransport: boolean) => void
}

const broken: LineEnd = { code: 1006, reason: '' }

let passages = 0

/** One attempt at a line, from its opening over `welcome` to its end. */
export class Passage {
  readonly number = ++passages
  readonly transport: TransportName
  /** Whom the server takes this client for, from `welcome` on. */
  user: User = { id: '' }
  readonly #events: PassageEvents
  #line: Line | null = null
  #phase: 'opening' | 'proving' | 'welcome' | 'over' = 'opening'
  #timer: ReturnType<typeof setTimeout> | undefined
  #pongs: (() => void)[] = []

  constructor(transport: TransportName, target: LineTarget, events: PassageEvents) {
    this.transport = transport
    this.#events = events
    this.#timer = setTimeout(() => this.#fail(broken, true), welcomeMs)
    openLine(
      transport,
      target,
      {
        heard: () => this.#heard(),
        text: (text) => this.#take(() => this.#text(text)),
        frame: (frame) => this.#take(() => this.#events.frame(frame)),
        // What the server says itself is no fault of the transport.
        ended: (end) => this.#ended(end, this.#phase !== 'welcome' && end.code !== 1012 && end.code !== 1013),
      },
      () => this.#phase === 'over',
    ).then(
      (line) => {
        this.#line = line
        if (this.#phase === 'over') void line?.close()
      },
      // A token that cannot be had, or a part of this program.
      () => this.#ended(broken, false),
    )
  }

  /** What the server calls it, over HTTP. */
  get session(): string | null {
    return this.#line?.session ?? null
  }

  send(data: string | Uint8Array<ArrayBuffer>): void {
    this.#line?.send(data)
  }

  /** `answered`: all has come that was sent here before. */
  ping(answered: () => void): void {
    this.#pongs.push(answered)
    this.send(encodeControl({ type: 'ping' }))
  }

  get silenceMs(): number | null {
    return this.#line?.silenceMs ?? null
  }

  renew(token: string): void {
    this.#line?.renew(token)
  }

  pace(everyMs: number): void {
    this.#line?.pace(everyMs)
  }

  doubt(): void {
    this.#line?.doubt()
  }

  /** Nothing is told any more. Settles when the server knows, or after a moment. */
  async close(): Promise<void> {
    this.#phase = 'over'
    clearTimeout(this.#timer)
    await this.#line?.close()
  }

  #heard(): void {
    // What comes at all is not held back; a long text may stand before the pong.
    if (this.#phase === 'proving') this.#awaitPong()
    if (this.#phase === 'welcome') this.#events.heard()
  }

  #take(work: () => void): void {
    if (this.#phase === 'over') return
    try {
      work()
    } catch (error) {
      if (!isRunnelError(error)) throw error
      this.#fail(broken, false)
    }
  }

  #text(text: string): void {
    const message = decodeServerControl(text)
    if (!message) return
    if (message.type === 'welcome') return this.#welcome(message)
    if (message.type === 'pong') return this.#pong()
    this.#events.control(message)
  }

  #welcome({ v, user, heartbeatMs }: Extract<ServerControl, { type: 'welcome' }>): void {
    if (this.#phase !== 'opening') return
    if (!isSpoken(v)) return this.#fail(broken, false)
    this.user = user
    this.#line?.welcomed(heartbeatMs)
    if (this.transport !== 'stream') return this.#isWelcome()
    this.#phase = 'proving'
    this.#awaitPong()
    this.#line?.send(encodeControl({ type: 'ping' }))
  }

  #pong(): void {
    if (this.#phase === 'proving') this.#isWelcome()
    for (const answered of this.#pongs.splice(0)) answered()
  }

  #awaitPong(): void {
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#fail({ ...broken, heldBack: true }, true), pongMs)
  }

  #isWelcome(): void {
    clearTimeout(this.#timer)
    this.#phase = 'welcome'
    this.#events.welcome()
  }

  /** It is no use: whoever is at its other end is told. */
  #fail(end: LineEnd, byTransport: boolean): void {
    const line = this.#line
    this.#ended(end, byTransport)
    void line?.close()
  }

  #ended(end: LineEnd, byTransport: boolean): void {
    if (this.#phase === 'over') return
    this.#phase = 'over'
    clearTimeout(this.#timer)
    this.#events.ended(end, byTransport)
  }
}
