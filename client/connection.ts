import { afterClose, RunnelError } from '../shared/errors.ts'
import { decodeServerControl, encodeControl, type ClientControl, type ServerControl } from '../shared/protocol.ts'
import { offeredSubprotocols } from '../shared/subprotocol.ts'
import { hello, isSpoken } from '../shared/versions.ts'
import { backoffCapMs, backoffDelay } from './backoff.ts'
import { Listeners } from './listeners.ts'
import { isOffline, watchWake } from './wake.ts'

/** No `welcome` by then: this attempt is given up. */
const connectMs = 10_000
/** What a `ping` may take before the socket counts as dead. */
const pongMs = 3_000
/** A connection that lived this long was a good one: the next back-off starts small again. */
const stableMs = 10_000
/** `close()` waits no longer for the server's half of the closing handshake. */
const closeMs = 1_000

/** A bearer token, or where to get one: it is asked for again whenever the server wants a fresh one. */
export type TokenSource = string | (() => string | Promise<string>)

export type ConnectionState =
  | { readonly status: 'connecting' }
  | { readonly status: 'open' }
  /** The line was lost; the next attempt is at `retryAt` (epoch milliseconds). */
  | { readonly status: 'waiting'; readonly retryAt: number }
  /** The machine says that it has no network. */
  | { readonly status: 'offline' }
  /** It ended for good: `close()` (1000) or a fault that no retry mends. `message` is a sentence for a person. */
  | { readonly status: 'closed'; readonly code: number; readonly message: string }

/** What stands on the connection. */
export interface ConnectionReceiver {
  /** The server said welcome on a new socket, where nothing is subscribed yet. */
  opened: () => void
  control: (message: ServerControl) => void
  /** Throws `bad_request` for a frame that is none; the socket is dropped then. */
  frame: (frame: Uint8Array<ArrayBuffer>) => void
  /** Whatever copies there are must be discarded before the next subscribe (close code 4409). */
  discardCopies: () => void
}

export interface ConnectionOptions {
  /** ws(s) address of the socket. */
  url: string
  token?: TokenSource | undefined
  WebSocket?: typeof WebSocket | undefined
}

type Timer = ReturnType<typeof setTimeout> | undefined

/** Every phase owns one timer at most, and leaving the phase clears it. */
type Phase =
  | { name: 'idle' }
  | { name: 'connecting'; socket: WebSocket | null; timer: Timer }
  | { name: 'open'; socket: WebSocket; since: number; heartbeatMs: number; probing: boolean; timer: Timer }
  | { name: 'waiting'; timer: Timer }
  | { name: 'closed' }

/**
 * One socket to the server, kept alive: it reconnects with back-off, notices a
 * dead line, and gives up only where the close code says that no retry helps.
 */
export class Connection {
  readonly #url: string
  readonly #token: TokenSource | undefined
  readonly #WebSocket: typeof WebSocket
  readonly #receiver: ConnectionReceiver
  readonly #listeners = new Listeners()
  #phase: Phase = { name: 'idle' }
  #state: ConnectionState = { status: 'connecting' }
  #attempt = 0
  #tokenRefreshed = false
  #heardAt = 0
  /** The last `error` of the server: a better sentence than a close reason. */
  #complaint = ''
  #stopWatching: () => void = () => {}
  #closing: Promise<void> | null = null

  constructor(options: ConnectionOptions, receiver: ConnectionReceiver) {
    this.#url = options.url
    this.#token = options.token
    this.#WebSocket = options.WebSocket ?? globalThis.WebSocket
    this.#receiver = receiver
  }

  readonly getSnapshot = (): ConnectionState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => this.#listeners.add(listener)

  /** Connects for as long as `close()` is not called. */
  start(): void {
    if (this.#phase.name !== 'idle') return
    this.#stopWatching = watchWake({ wake: () => this.#wake(), offline: () => this.#wentOffline() })
    this.#connect()
  }

  /** Tries again at once, also after the server sent this client away. Does nothing after `close()`. */
  retry(): void {
    if (this.#closing || this.#phase.name === 'connecting' || this.#phase.name === 'open') return
    this.#tokenRefreshed = false
    this.#connect()
  }

  /** Sends a control message; what is said while the line is down is lost, and `opened` is the moment to say it again. */
  send(message: ClientControl): void {
    if (this.#phase.name === 'open') this.#phase.socket.send(encodeControl(message))
  }

  /** Sends a binary frame, as `send` does. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#phase.name === 'open') this.#phase.socket.send(frame)
  }

  /** Idempotent; settles when the socket is closed. */
  close(): Promise<void> {
    this.#closing ??= new Promise((resolve) => {
      this.#stopWatching()
      const socket = this.#enter({ name: 'closed' })
      this.#show({ status: 'closed', code: 1000, message: 'This connection was closed.' })
      if (!socket || socket.readyState === 3) return resolve()
      const deadline = setTimeout(resolve, closeMs)
      socket.addEventListener('close', () => {
        clearTimeout(deadline)
        resolve()
      })
      socket.close(1000)
    })
    return this.#closing
  }

  /** Leaves the present phase and clears what it owned. Answers with the socket that it had, which nobody listens to any more. */
  #enter(phase: Phase): WebSocket | null {
    const left = this.#phase
    this.#phase = phase
    if ('timer' in left) clearTimeout(left.timer)
    if (left.name === 'open' && Date.now() - left.since >= stableMs) this.#attempt = 0
    return 'socket' in left ? left.socket : null
  }

  #show(state: ConnectionState): void {
    if (state.status === this.#state.status && state.status !== 'waiting' && state.status !== 'closed') return
    this.#state = state
    this.#listeners.emit()
  }

  #connect(): void {
    const phase: Phase = { name: 'connecting', socket: null, timer: setTimeout(() => this.#lost(), connectMs) }
    this.#enter(phase)?.close()
    this.#complaint = ''
    this.#show({ status: 'connecting' })
    this.#open(phase).catch(() => {
      if (this.#phase === phase) this.#lost()
    })
  }

  async #open(phase: Extract<Phase, { name: 'connecting' }>): Promise<void> {
    const token = await this.#currentToken()
    if (this.#phase !== phase) return
    const socket = new this.#WebSocket(this.#url, offeredSubprotocols(token))
    socket.binaryType = 'arraybuffer'
    phase.socket = socket
    const isOurs = () => 'socket' in this.#phase && this.#phase.socket === socket
    socket.addEventListener('open', () => {
      if (!isOurs()) return
      socket.send(encodeControl(hello(token)))
    })
    socket.addEventListener('message', (event) => {
      if (isOurs()) this.#received(event.data as string | ArrayBuffer)
    })
    socket.addEventListener('close', (event) => {
      if (isOurs()) this.#closed(event.code, event.reason)
    })
    // What an error means is in the close event that follows it.
    socket.addEventListener('error', () => {})
  }

  async #currentToken(): Promise<string | undefined> {
    return typeof this.#token === 'function' ? this.#token() : this.#token
  }

  #received(data: string | ArrayBuffer): void {
    this.#heardAt = Date.now()
    if (this.#phase.name === 'open' && this.#phase.probing) this.#listen(this.#phase)
    try {
      if (typeof data !== 'string') this.#receiver.frame(new Uint8Array(data))
      else this.#control(decodeServerControl(data))
    } catch (error) {
      if (!(error instanceof RunnelError)) throw error
      this.#lost()
    }
  }

  #control(message: ServerControl | null): void {
    if (!message) return
    switch (message.type) {
      case 'welcome':
        if (isSpoken(message.v)) this.#welcomed(message.heartbeatMs)
        else this.#lost()
        break
      case 'error':
        this.#complaint = message.message
        break
      case 'tokenExpiring':
        this.#refreshToken()
        break
      case 'pong':
        break
      default:
        this.#receiver.control(message)
    }
  }

  #welcomed(heartbeatMs: number): void {
    if (this.#phase.name !== 'connecting' || !this.#phase.socket) return
    const phase: Phase = {
      name: 'open',
      socket: this.#phase.socket,
      since: Date.now(),
      heartbeatMs,
      probing: false,
      timer: undefined,
    }
    this.#enter(phase)
    this.#tokenRefreshed = false
    this.#listen(phase)
    this.#receiver.opened()
    this.#show({ status: 'open' })
  }

  /** Waits for silence: the server speaks every `heartbeatMs`, and a frame does not move the timer, only the time it looks at. */
  #listen(phase: Extract<Phase, { name: 'open' }>): void {
    phase.probing = false
    clearTimeout(phase.timer)
    phase.timer = setTimeout(
      () => {
        if (Date.now() - this.#heardAt < 2 * phase.heartbeatMs) this.#listen(phase)
        else this.#probe()
      },
      Math.max(0, this.#heardAt + 2 * phase.heartbeatMs - Date.now()),
    )
  }

  /** Asks whether the line is alive; without an answer it is dropped and made anew at once. */
  #probe(): void {
    const phase = this.#phase
    if (phase.name !== 'open' || phase.probing) return
    phase.probing = true
    clearTimeout(phase.timer)
    phase.timer = setTimeout(() => {
      if (isOffline()) this.#lost()
      else this.#connect()
    }, pongMs)
    this.send({ type: 'ping' })
  }

  #closed(code: number, reason: string): void {
    switch (afterClose(code)) {
      case 'give_up':
        return this.#giveUp(code, reason)
      case 'refresh_token':
        if (this.#tokenRefreshed) return this.#giveUp(code, reason)
        this.#tokenRefreshed = true
        return this.#connect()
      case 'reset':
        this.#receiver.discardCopies()
        return this.#lost()
      case 'retry':
        return this.#lost()
    }
  }

  #giveUp(code: number, reason: string): void {
    this.#enter({ name: 'closed' })
    const message =
      this.#complaint || reason || (code === 4401 ? 'You are not signed in.' : 'The server refused this connection.')
    this.#show({ status: 'closed', code, message })
  }

  /** The line is gone: the next attempt is after the back-off, or when the network is back. */
  #lost(): void {
    this.#enter({ name: 'waiting', timer: undefined })?.close()
    // Without a network, a server on this machine may still answer: seldom is often enough to try.
    const offline = isOffline()
    const delay = offline ? backoffCapMs : backoffDelay(this.#attempt++)
    this.#phase = { name: 'waiting', timer: setTimeout(() => this.#connect(), delay) }
    this.#show(offline ? { status: 'offline' } : { status: 'waiting', retryAt: Date.now() + delay })
  }

  #wake(): void {
    if (this.#phase.name === 'open') this.#probe()
    else if (this.#phase.name === 'waiting') this.#connect()
  }

  #wentOffline(): void {
    if (this.#phase.name === 'open') this.#probe()
    else if (this.#phase.name === 'waiting') this.#lost()
  }

  #refreshToken(): void {
    if (typeof this.#token !== 'function') return
    this.#currentToken().then(
      (token) => {
        if (token !== undefined) this.send({ type: 'token', token })
      },
      // The server will close with 4401 when it has really expired; the refresh is tried again there.
      () => {},
    )
  }
}
