import { afterClose } from '../shared/errors.ts'
import { encodeControl, type ClientControl, type ServerControl } from '../shared/protocol.ts'
import type { TransportName } from '../shared/transports.ts'
import { backoffCapMs, backoffDelay } from './backoff.ts'
import {
  isSameState,
  type ConnectionOptions,
  type ConnectionReceiver,
  type ConnectionState,
} from './connection-state.ts'
import { Listeners } from './listeners.ts'
import type { ChangeOver } from './transport/change-over.ts'
import { TransportChoice } from './transport/choice.ts'
import type { LineEnd } from './transport/line.ts'
import type * as overHttp from './transport/over-http.ts'
import { Passage, type PassageEvents } from './transport/passage.ts'
import { Pulse } from './transport/pulse.ts'
import { isHidden, isOffline, watchWake } from './wake.ts'

/** A connection that lived this long was a good one: the next back-off starts small again. */
const stableMs = 10_000
/** Without a WebSocket a tab that nobody looks at asks this often. */
const hiddenEveryMs = 30_000

type Timer = ReturnType<typeof setTimeout> | undefined

/** What a phase owns is ended when it is left. */
type Phase =
  | { name: 'idle' }
  | { name: 'connecting'; passage: Passage }
  | { name: 'open'; passage: Passage; since: number; pulse: Pulse }
  | { name: 'waiting'; timer: Timer }
  | { name: 'closed' }

/**
 * One line to the server, kept alive: it reconnects with back-off, notices a dead line, falls back to what passes, goes
 * on on a better transport when one does, and gives up only where the close code says that no retry helps.
 */
export class Connection {
  readonly #options: ConnectionOptions
  readonly #receiver: ConnectionReceiver
  readonly #choice: TransportChoice
  readonly #listeners = new Listeners()
  #phase: Phase = { name: 'idle' }
  #state: ConnectionState = { status: 'connecting' }
  /** For two seconds already nobody has looked. */
  #isHidden = false
  #attempt = 0
  #tokenRefreshed = false
  /** The last `error` of the server: a better sentence than a close reason. */
  #complaint = ''
  #stopWatching: () => void = () => {}
  #closing: Promise<void> | null = null
  /** The session over HTTP that the next line takes the place of. */
  #lastSession: string | null = null
  #overHttp: typeof overHttp | undefined
  #madeChangeOver: ChangeOver | undefined

  constructor(options: ConnectionOptions, receiver: ConnectionReceiver) {
    this.#options = options
    this.#choice = new TransportChoice(options.url)
    this.#receiver = receiver
  }

  /** From a WebSocket there is nothing better to go to: it comes with the first line over HTTP. */
  get #changeOver(): ChangeOver | undefined {
    if (this.#overHttp)
      this.#madeChangeOver ??= new this.#overHttp.ChangeOver(this.#choice, {
        // It takes the place of no session: the one before it is heard until this one shows all that it did.
        pass: (transport, welcome) => this.#pass(transport, null, welcome),
        tryBetter: () => this.#tryBetter(),
        take: (passage) => this.#open(passage),
        left: () => this.#suit(),
      })
    return this.#madeChangeOver
  }

  readonly getSnapshot = (): ConnectionState => this.#state

  readonly subscribe = (listener: () => void): (() => void) => this.#listeners.add(listener)

  /** Connects for as long as `close()` is not called. */
  start(): void {
    if (this.#phase.name !== 'idle') return
    this.#stopWatching = watchWake({
      wake: () => this.#look(() => this.#connect()),
      online: () => this.#tryBetter(),
      offline: () => this.#look(() => this.#lost()),
      hidden: (hidden) => {
        this.#isHidden = hidden
        this.#suit()
      },
      leaving: () => this.#leaving(),
    })
    this.#isHidden = isHidden()
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
    if (this.#phase.name === 'open') this.#phase.passage.send(encodeControl(message))
  }

  /** Sends a binary frame, as `send` does. */
  sendFrame(frame: Uint8Array<ArrayBuffer>): void {
    if (this.#phase.name === 'open') this.#phase.passage.send(frame)
  }

  /** Idempotent; settles when the line is closed. */
  close(): Promise<void> {
    if (this.#closing) return this.#closing
    this.#stopWatching()
    const left = this.#enter({ name: 'closed' })
    this.#closing = Promise.all(left.map((passage) => passage.close())).then(() => {})
    this.#show({ status: 'closed', code: 1000, message: 'This connection was closed.' })
    return this.#closing
  }

  /** Leaves the present phase and clears what it owned. Answers with the lines that it had. */
  #enter(phase: Phase): Passage[] {
    const left = this.#phase
    this.#phase = phase
    if ('timer' in left) clearTimeout(left.timer)
    if ('pulse' in left) left.pulse.stop()
    if (left.name === 'open' && Date.now() - left.since >= stableMs) this.#attempt = 0
    if ('passage' in left) this.#lastSession = left.passage.session ?? this.#lastSession
    return [...('passage' in left ? [left.passage] : []), ...(this.#changeOver?.stop() ?? [])]
  }

  #show(state: ConnectionState): void {
    if (isSameState(state, this.#state)) return
    this.#state = state
    this.#listeners.emit()
  }

  #connect(transport = this.#choice.first(this.#isHidden)): void {
    this.#complaint = ''
    for (const passage of this.#enter({ name: 'idle' })) void passage.close()
    const passage = this.#pass(transport, this.#lastSession, () => this.#open(passage))
    this.#phase = { name: 'connecting', passage }
    this.#show({ status: 'connecting' })
  }

  /** A line, and what it tells of as long as it is this one's. */
  #pass(transport: TransportName, instead: string | null, welcome: PassageEvents['welcome']): Passage {
    const { url, token, WebSocket = globalThis.WebSocket, fetch = globalThis.fetch.bind(globalThis) } = this.#options
    const passage: Passage = new Passage(
      transport,
      {
        url,
        token: async () => (typeof token === 'function' ? await token() : token),
        WebSocket,
        fetch,
        overHttp: async () => (this.#overHttp = await import('./transport/over-http.ts')),
        instead,
        everyMs: this.#everyMs,
      },
      {
        welcome,
        heard: () => this.#heard(passage),
        control: (message) => this.#control(message, passage),
        frame: (frame) => this.#receiver.frame(frame, passage.number),
        ended: (end, byTransport) => this.#ended(passage, end, byTransport),
      },
    )
    return passage
  }

  #heard(passage: Passage): void {
    if (this.#phase.name === 'open' && this.#phase.passage === passage) this.#phase.pulse.heard()
  }

  #control(message: ServerControl, passage: Passage): void {
    if (message.type === 'error') this.#complaint = message.message
    else if (message.type === 'tokenExpiring') this.#refreshToken(passage)
    else if (message.type !== 'chat' || !this.#changeOver?.isRepeated(encodeControl(message), passage))
      this.#receiver.control(message, passage.number)
  }

  #open(passage: Passage): void {
    // A line that is taken over from is heard no longer for signs of life.
    if (this.#phase.name === 'open') this.#phase.pulse.stop()
    this.#phase = { name: 'open', passage, since: Date.now(), pulse: new Pulse(passage, () => this.#dead(passage)) }
    this.#lastSession = passage.session
    this.#tokenRefreshed = false
    this.#choice.worked(passage.transport)
    this.#changeOver?.opened(passage)
    this.#receiver.opened(passage.number, () => this.#changeOver?.settled(passage))
    this.#suit()
  }

  /** It is dropped and made anew at once. */
  #dead({ transport }: Passage): void {
    if (isOffline()) return this.#lost()
    if (transport !== 'stream') return this.#connect()
    this.#choice.heldBack()
    this.#connect('poll')
  }

  #ended(passage: Passage, end: LineEnd, byTransport: boolean): void {
    const change = this.#changeOver?.ended(passage, end, byTransport)
    if (change === true) return this.#showOpen()
    // The new line has broken before the old one was left.
    if (change) return this.#open(change)
    switch (afterClose(end.code)) {
      case 'give_up':
        return this.#giveUp(end)
      case 'refresh_token':
        if (this.#tokenRefreshed) return this.#giveUp(end)
        this.#tokenRefreshed = true
        return this.#connect()
      case 'reset':
        this.#receiver.discardCopies()
        return this.#lost()
      case 'retry': {
        const instead = byTransport ? this.#choice.failed(passage.transport, end, this.#isHidden) : null
        return instead && !isOffline() ? this.#connect(instead) : this.#lost(end.retryAfterMs)
      }
    }
  }

  #giveUp({ code, reason }: LineEnd): void {
    for (const passage of this.#enter({ name: 'closed' })) void passage.close()
    const unsaid = code === 4401 ? 'You are not signed in.' : 'The server refused this connection.'
    this.#show({ status: 'closed', code, message: this.#complaint || reason || unsaid })
  }

  /** The line is gone: the next attempt is after the back-off, when the server has said, or when the network is back. */
  #lost(retryAfterMs = 0): void {
    for (const passage of this.#enter({ name: 'idle' })) void passage.close()
    // Without a network, a server on this machine may still answer: seldom is often enough to try.
    const offline = isOffline()
    const delay = offline ? backoffCapMs : retryAfterMs + backoffDelay(this.#attempt++)
    this.#phase = { name: 'waiting', timer: setTimeout(() => this.#connect(), delay) }
    this.#show(offline ? { status: 'offline' } : { status: 'waiting', retryAt: Date.now() + delay })
  }

  /** What seems open may be dead; what waits may have something else to do. */
  #look(whereItWaits: () => void): void {
    if (this.#phase.name === 'open') this.#phase.pulse.probe()
    else if (this.#phase.name === 'waiting') whereItWaits()
  }

  /** Over HTTP nobody would know that the page is gone. One that comes back connects anew. */
  #leaving(): void {
    if (this.#phase.name === 'open' && this.#phase.passage.transport !== 'websocket') this.#lost()
  }

  /** How often this tab polls: one that nobody looks at asks now and then. */
  get #everyMs(): number {
    return this.#isHidden ? hiddenEveryMs : 0
  }

  /** What this tab should have now: asked on each line, and whenever it is seen or hidden. A browser has few connections for one server. */
  #suit(): void {
    if (this.#phase.name !== 'open') return
    const { passage } = this.#phase
    passage.pace(this.#everyMs)
    const wanted = this.#choice.wanted(passage.transport, this.#isHidden)
    if (wanted) this.#changeOver?.begin([wanted])
    this.#showOpen()
  }

  #showOpen(): void {
    if (this.#phase.name !== 'open') return
    const { transport, user } = this.#phase.passage
    this.#show({ status: 'open', user, transport, reason: this.#choice.reason(transport) })
  }

  #tryBetter(): void {
    if (this.#phase.name === 'open')
      this.#changeOver?.begin(this.#choice.better(this.#phase.passage.transport, this.#isHidden))
  }

  #refreshToken(passage: Passage): void {
    const { token } = this.#options
    if (typeof token !== 'function') return
    Promise.resolve(token()).then(
      (token) => {
        if (token !== undefined) passage.renew(token)
      },
      // The server will close with 4401 when it has really expired; the refresh is tried again there.
      () => {},
    )
  }
}
