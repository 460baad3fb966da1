/** Where requests and upgrades come in: a server of our own, or one of a program that Runnel is a part of. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { RunnelError } from '../../shared/errors.ts'
import type { ClientAddresses } from '../auth/addresses.ts'
import { pathBelow } from '../config/base-path.ts'
import type { Answers } from '../http/answers.ts'
import { limitConnections } from '../http/connections.ts'
import { refuse } from '../http/refuse.ts'
import { markRequest } from '../operation/request-id.ts'

export interface ServingOptions {
  http: (request: IncomingMessage, response: ServerResponse) => void
  /** Takes the upgrades of a server; returns what stops that. */
  takeUpgrades: (server: Server, onUpgrade: (socket: Socket) => void) => () => void
  /** What comes before the first request. */
  recover: () => Promise<void>
  /** Throws where this caller is not served at all. */
  admit: (request: IncomingMessage) => void
  /** An answer is over, or its caller has gone: its path below the base path, without the query. */
  onAnswered: (method: string, path: string, status: number) => void
  basePath: string
  answers: Answers
  addresses: ClientAddresses
  limits: ConnectionLimits
}

export interface ConnectionLimits {
  connections: number
  perAddress: number
  /** A request's head must be there after this time, also the first of a connection. */
  headMs: number
  /** A request must be there after this time, its body too. */
  requestMs: number
}

/** What `createServer` takes, so that whoever connects and says nothing, or says it slowly, is let go. */
function serverTimeouts({ headMs, requestMs }: ConnectionLimits) {
  return {
    headersTimeout: headMs,
    requestTimeout: Math.max(headMs, requestMs),
    connectionsCheckingInterval: Math.min(5_000, Math.ceil(headMs / 2)),
    keepAliveTimeout: idleMs,
  }
}

/** A connection on which nothing more is asked is closed after this time. */
const idleMs = 5_000

/** What `app.use` and `http.createServer` take. Addresses that are not below the base path go to `next`, if there is one. */
export type Handler = (request: IncomingMessage, response: ServerResponse, next?: (error?: unknown) => void) => void

type State = { phase: 'new' | 'started' | 'closed' } | { phase: 'starting'; started: Promise<void> }

export class Serving {
  /** Our own; it is used by `listen` only. */
  readonly server: Server
  readonly #options: ServingOptions
  /** Whose upgrades it takes, and what stops that. */
  readonly #attached = new Map<Server, () => void>()
  readonly #onUpgrade: (socket: Socket) => void
  #state: State = { phase: 'new' }

  constructor(options: ServingOptions) {
    this.#options = options
    const { limits, addresses } = options
    this.server = createServer(serverTimeouts(limits), this.handler)
    this.server.maxConnections = limits.connections
    this.#onUpgrade = limitConnections(this.server, addresses, limits.perAddress)
  }

  readonly handler: Handler = (request, response, next) => {
    const fullUrl = (request as { originalUrl?: string }).originalUrl ?? request.url ?? '/'
    const url = pathBelow(this.#options.basePath, fullUrl)
    if (url === null && next) return next()
    if (url !== null) {
      const [path = '/'] = url.split('?', 1)
      response.on('close', () => this.#options.onAnswered(request.method ?? '', path, response.statusCode))
    }
    markRequest(request, response)
    const serve = () => {
      if (url === null) return refuse(response, new RunnelError('not_found', 'There is nothing at this address.'))
      try {
        if (this.#state.phase === 'closed')
          throw new RunnelError('restarting', 'The server is going down; try again in a moment.')
        this.#options.admit(request)
      } catch (error) {
        return refuse(response, error)
      }
      // As the router of a host leaves it, but for the query: one that was read by other rules is read again.
      Object.assign(request, { originalUrl: fullUrl, baseUrl: '', url })
      delete (request as { query?: unknown }).query
      this.#options.http(request, response)
    }
    this.#options.answers.take(request, response, () => {
      if (this.#state.phase === 'started' || this.#state.phase === 'closed') serve()
      else this.#start().then(serve, (error: unknown) => refuse(response, error))
    })
  }

  /** Recovers what a crash left, then takes the upgrades of this server. */
  async attach(server: Server): Promise<void> {
    await this.#start()
    if (this.#state.phase === 'closed') throw new RunnelError('restarting', 'This server was closed.')
    if (!this.#attached.has(server)) this.#attached.set(server, this.#options.takeUpgrades(server, this.#onUpgrade))
  }

  /** The address of our own server. Throws where the port is taken. */
  async listen(port: number, host: string): Promise<string> {
    await this.attach(this.server)
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject)
      this.server.listen(port, host, () => {
        this.server.off('error', reject)
        resolve()
      })
    })
    const bound = this.server.address() as AddressInfo
    return `http://${bound.family === 'IPv6' ? `[${bound.address}]` : bound.address}:${bound.port}${this.#options.basePath}`
  }

  /** Takes nothing more; returns what waits until our own server has let everybody go. A host's server runs on. */
  stop(): () => Promise<void> {
    this.#state = { phase: 'closed' }
    for (const detach of this.#attached.values()) detach()
    this.#attached.clear()
    const listening = this.server.listening
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeIdleConnections()
    return async () => {
      this.server.closeAllConnections()
      if (listening) await closed
    }
  }

  /** One start for all who ask meanwhile. One that fails is begun again by the next who asks. */
  async #start(): Promise<void> {
    if (this.#state.phase === 'new') this.#state = { phase: 'starting', started: this.#recover() }
    if (this.#state.phase === 'starting') await this.#state.started
  }

  async #recover(): Promise<void> {
    let phase: 'new' | 'started' = 'new'
    try {
      await this.#options.recover()
      phase = 'started'
    } finally {
      // It may have been closed meanwhile.
      if (this.#state.phase === 'starting') this.#state = { phase }
    }
  }
}
