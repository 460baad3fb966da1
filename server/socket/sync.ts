/** `/api/sync`: what `/ws` is, where that cannot pass. A session that a streamed answer or polls carry, and requests that speak to it. */
import { randomBytes } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RunnelError } from '../../shared/errors.ts'
import type { Frame } from '../../shared/frames.ts'
import type { ClientAddresses } from '../auth/addresses.ts'
import { limitKey, PerMinute, type Admission, type Ticket } from '../auth/admission.ts'
import type { Identity } from '../auth/auth.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Connection } from './connection.ts'
import { restarting, type Conversations, type OnRefused } from './conversations.ts'
import type { HttpTransport } from './http-transport.ts'
import { PollTransport, type Poll } from './poll.ts'
import { asRunnelError } from './refusal.ts'
import { readSpoken } from './spoken.ts'
import { framesHead, StreamTransport } from './stream.ts'
import type { SyncNews, SyncSaid } from './sync-news.ts'
import { SyncRelay } from './sync-relay.ts'

export interface SyncOptions {
  conversations: Conversations
  cluster: Pick<Cluster, 'node' | 'many' | 'tell'>
  admission: Admission
  addresses: ClientAddresses
  limits: { maxFrameBytes: number; highWaterBytes: number; requestsPerMinute: number; heartbeatMs: number }
  onRefused: OnRefused
  now: () => number
}

/** How a session is opened. */
export interface Opening {
  transport: 'stream' | 'poll'
  /** The session that its client had before. */
  instead: string | undefined
  /** Of polls: how often they come; 0 without a pause. */
  everyMs: number
}

/** What is said to a session. */
export interface Saying {
  /** Counts up from 1; 0 where nothing is said. */
  n: number
  /** Of a poll: the number of the newest answer that its client has. */
  ack: number | undefined
  waits: boolean
  everyMs: number
}

interface SyncSession {
  userId: string
  transport: HttpTransport
  connection: Connection
  ticket: Ticket
  /** The number of what was said last. */
  said: number
}

export class Sync {
  /** Told of the connection of each stream: it speaks no other HTTP any more. */
  onStream: (socket: IncomingMessage['socket']) => void = () => {}
  readonly #options: SyncOptions
  readonly #sessions = new Map<string, SyncSession>()
  readonly #relay: SyncRelay
  /** By user: what is for no session of this node. */
  readonly #strays: PerMinute

  constructor(options: SyncOptions) {
    this.#options = options
    // A session is told something every heartbeat.
    this.#relay = new SyncRelay(options.cluster, 2 * options.limits.heartbeatMs + 2_000)
    this.#strays = new PerMinute(options.limits.requestsPerMinute, options.now)
  }

  /** Answers with the frames of a new session: all that come, or the first. Throws `bad_request`, `too_large`, `rate_limited`, `overloaded`, `restarting`. */
  open(response: ServerResponse, identity: Identity, opening: Opening, body: Uint8Array): void {
    const { admission, addresses, onRefused } = this.#options
    const address = addresses.keyOf(response.req)
    try {
      if (this.#options.conversations.closing) throw restarting()
      const frames = readSpoken(body, this.#options.limits.maxFrameBytes)
      if (frames[0]?.type !== 'text')
        throw new RunnelError('bad_request', 'What opens a session must begin with hello.')
      // Nobody is there any more to whom it could be said: 'close' would not come again.
      if (response.destroyed) return
      // Before a place is looked for: it may be the one.
      if (opening.instead !== undefined) this.#succeed(opening.instead, identity.user.id)
      const ticket = admission.admit(address, identity)
      try {
        ticket.signIn(identity)
      } catch (error) {
        ticket.close()
        throw error
      }
      this.#begin(response, identity, opening, frames, { address, ticket })
    } catch (error) {
      onRefused('upgrade', asRunnelError(error).code, { address, userId: identity.user.id })
      throw error
    }
  }

  /** Takes what is said to a session, here or on its node; a poll is answered with frames. Throws `not_found`, `bad_request`, `too_large`, `rate_limited`, `overloaded`. */
  async say(response: ServerResponse, identity: Identity, id: string, saying: Saying, body: Uint8Array): Promise<void> {
    const frames = readSpoken(body, this.#options.limits.maxFrameBytes)
    const { ack, waits, everyMs } = saying
    const poll = ack === undefined ? undefined : { ack, waits, everyMs }
    if (this.#sessions.has(id)) {
      const session = this.#find(id, identity.user.id)
      hear(session, saying.n, frames)
      if (poll) this.#take(response, pollable(session.transport), poll)
      else answer(response, null)
      return
    }
    const key = limitKey(identity, this.#options.addresses.keyOf(response.req))
    this.#strays.check(
      key,
      'You speak too often to sessions that are not here (RUNNEL_MAX_SOCKET_REQUESTS_PER_MINUTE).',
    )
    this.#strays.take(key)
    const node = this.#otherNode(id)
    if (node === null) throw gone()
    const hungUp = new AbortController()
    response.once('close', () => hungUp.abort())
    const said = { node, session: id, userId: identity.user.id, n: saying.n, ...(poll && { poll }) }
    const answered = await this.#relay
      .ask({ ...said, frames: Buffer.from(body).toString('base64') }, hungUp.signal)
      .catch((error: unknown) => {
        if (!hungUp.signal.aborted) throw error
        return null
      })
    answer(response, answered)
  }

  /** What another node tells of sessions. */
  news(news: SyncNews): void {
    if (news.node !== this.#options.cluster.node) return
    if (news.type === 'synced') this.#relay.answered(news)
    else if (news.type === 'succeeded') this.#succeed(news.session, news.userId)
    else this.#said(news)
  }

  #begin(
    response: ServerResponse,
    identity: Identity,
    { transport: name, everyMs }: Opening,
    frames: readonly Frame[],
    { address, ticket }: { address: string; ticket: Ticket },
  ): void {
    const { conversations, cluster, limits } = this.#options
    const id = `${cluster.node}.${randomBytes(18).toString('base64url')}`
    const poll = name === 'poll' ? new PollTransport(limits.highWaterBytes / 4) : null
    const transport = poll ?? new StreamTransport(response)
    const { connection } = conversations.begin({
      transport,
      request: response.req,
      arrival: { token: undefined, identity: Promise.resolve(identity) },
      address,
      ticket,
      onClosed: () => {
        this.#sessions.delete(id)
        ticket.close()
      },
    })
    this.#sessions.set(id, { userId: identity.user.id, transport, connection, ticket, said: 0 })
    if (!poll) this.onStream(response.req.socket)
    connection.session.control({ type: 'sync', session: id })
    transport.hear(frames)
    // The welcome comes with it, as a rule.
    if (poll) setImmediate(() => this.#take(response, poll, { ack: 0, waits: true, everyMs }))
  }

  #take(response: ServerResponse, transport: PollTransport, asked: Omit<Poll, 'answer'>): void {
    const poll = { ...asked, answer: (frames: Buffer | null) => answer(response, frames) }
    response.once('close', () => transport.drop(poll))
    transport.take(poll)
  }

  /** Said at another node. */
  #said({ from, id, session: sessionId, userId, n, poll, frames }: SyncSaid): void {
    const reply = (outcome: Extract<SyncNews, { type: 'synced' }>['outcome']) =>
      this.#relay.tell({ type: 'synced', node: from, id, outcome })
    try {
      const session = this.#find(sessionId, userId)
      hear(session, n, readSpoken(Buffer.from(frames, 'base64'), this.#options.limits.maxFrameBytes))
      if (!poll) return reply({ is: 'done' })
      const transport = pollable(session.transport)
      reply({ is: 'here' })
      transport.take({
        ...poll,
        answer: (bytes) => reply({ is: 'done', ...(bytes && { frames: bytes.toString('base64') }) }),
      })
    } catch (error) {
      const { code, message } = asRunnelError(error)
      reply({ is: 'refused', code, message })
    }
  }

  /** Its client has come back on another line. */
  #succeed(id: string, userId: string): void {
    const node = this.#otherNode(id)
    if (node !== null) return this.#relay.tell({ type: 'succeeded', node, session: id, userId })
    const session = this.#sessions.get(id)
    if (session?.userId !== userId) return
    session.ticket.close()
    session.transport.leave()
    session.connection.succeeded()
  }

  /** Throws `not_found`, also where it is another user's. */
  #find(id: string, userId: string): SyncSession {
    const session = this.#sessions.get(id)
    if (session?.userId !== userId) throw gone()
    return session
  }

  /** Null: this one. */
  #otherNode(id: string): string | null {
    const { cluster } = this.#options
    const node = id.slice(0, Math.max(0, id.lastIndexOf('.')))
    return !cluster.many || node === '' || node === cluster.node ? null : node
  }
}

/** Nothing is taken twice: what has come already is a repeat. Throws `bad_request`, `rate_limited`. */
function hear(session: SyncSession, n: number, frames: readonly Frame[]): void {
  const { connection, transport } = session
  try {
    connection.spend(1)
    if (n > session.said + 1) throw new RunnelError('bad_request', 'Something that was said before this has not come.')
  } catch (error) {
    connection.refuse(asRunnelError(error))
    throw error
  }
  const isNew = n === session.said + 1
  if (isNew) session.said = n
  transport.hear(isNew ? frames : [])
}

/** Throws `bad_request`. */
function pollable(transport: HttpTransport): PollTransport {
  if (transport instanceof PollTransport) return transport
  throw new RunnelError('bad_request', 'This session has a stream: there is nothing to ask for.')
}

function answer(response: ServerResponse, frames: Buffer | null): void {
  if (response.destroyed) return
  if (frames) response.writeHead(200, { ...framesHead, 'Content-Length': frames.length }).end(frames)
  else response.writeHead(204, { 'Cache-Control': 'no-store' }).end()
}

function gone(): RunnelError {
  return new RunnelError('not_found', 'There is no such session any more. Open another.')
}
