import { altered } from './altered.ts'
import { LabSocket } from './lab-socket.ts'
import { Pace } from './pace.ts'
import type { TransportName } from '../../shared/transports.ts'
import { fetchWithProgress } from '../upload.ts'

/** What a client opens its connections with. */
export interface LabLine {
  WebSocket: typeof WebSocket
  fetch: typeof fetch
}

/** Something that a connection carried. `text`: the content of a control message on a WebSocket. */
export interface Seen {
  /** By `performance.now()`, ms. */
  readonly at: number
  readonly way: 'in' | 'out'
  readonly bytes: number
  readonly text?: string
}

/**
 * A connection that can be disturbed: `connect({ WebSocket: lab.WebSocket, fetch: lab.fetch })`. It wraps another one,
 * the platform's by default, and changes nothing until it is told to.
 */
export class Lab {
  readonly WebSocket: typeof WebSocket
  readonly fetch: typeof fetch
  readonly #line: LabLine
  readonly #pace = new Pace()
  readonly #listeners = new Set<(seen: Seen) => void>()
  /** Each ends one line that is open. */
  readonly #cuts = new Set<() => void>()
  #isOffline = false
  #only: TransportName | null = null
  #corrupts = false

  constructor(line: LabLine = { WebSocket: globalThis.WebSocket, fetch: fetchWithProgress }) {
    this.#line = line
    const open = (url: string, protocols: string[]) => this.#open(url, protocols)
    this.WebSocket = function (url: string, protocols: string[]) {
      return open(url, protocols)
    } as unknown as typeof WebSocket
    this.fetch = (input, init) => this.#fetch(input, init)
  }

  /** Tells a listener everything that connections carry from now on. */
  watch(listener: (seen: Seen) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Breaks all connections, as if a cable were pulled for a moment. */
  cut(): void {
    for (const cut of this.#cuts) cut()
  }

  /** Makes everything unreachable for `ms`; then the network is back. */
  async offline(ms: number): Promise<void> {
    this.#isOffline = true
    this.cut()
    await new Promise((resolve) => setTimeout(resolve, ms))
    this.#isOffline = false
    isBack()
  }

  /** Takes incoming data at this many bytes a second for `ms`; then everything that waited arrives at once. */
  async readSlowly(bytesPerSecond: number, ms: number): Promise<void> {
    await this.#pace.slow(bytesPerSecond, ms)
  }

  /** Lets nothing better through than this transport; null: everything. Breaks open connections. */
  only(transport: TransportName | null): void {
    this.#only = transport
    this.cut()
    if (transport === null) isBack()
  }

  /** Changes one letter of the next text that arrives, so that the copy differs without being told. */
  corrupt(): void {
    this.#corrupts = true
  }

  #tell(seen: Omit<Seen, 'at'>): void {
    const told: Seen = { at: performance.now(), ...seen }
    for (const listener of this.#listeners) listener(told)
  }

  #taken(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    if (!this.#corrupts) return bytes
    const changed = altered(bytes)
    if (changed) this.#corrupts = false
    return changed ?? bytes
  }

  #passes(transport: TransportName): boolean {
    if (this.#isOffline) return false
    return this.#only === null || this.#only === transport || (this.#only === 'stream' && transport === 'poll')
  }

  #open(url: string, protocols: string[]): LabSocket {
    const socket: LabSocket = new LabSocket(
      this.#passes('websocket') ? new this.#line.WebSocket(url, protocols) : null,
      {
        pace: this.#pace,
        sent: (bytes, text) => this.#tell({ way: 'out', bytes, ...(text !== undefined && { text }) }),
        came: (bytes, text) => this.#tell({ way: 'in', bytes, ...(text !== undefined && { text }) }),
        taken: (bytes) => this.#taken(bytes),
        ended: () => this.#cuts.delete(cut),
      },
    )
    const cut = () => socket.break()
    this.#cuts.add(cut)
    return socket
  }

  async #fetch(input: Parameters<typeof fetch>[0], init: RequestInit = {}): Promise<Response> {
    const url = new URL(input instanceof Request ? input.url : input, 'http://localhost')
    const isLine = url.pathname.includes('/api/sync')
    const asks = url.searchParams.get('transport')
    if (this.#isOffline) throw new TypeError('The lab has no network now.')
    // As a proxy answers that does not let it through.
    if (asks === 'stream' && !this.#passes('stream')) return new Response('Bad gateway', { status: 502 })
    if (!isLine) return await this.#line.fetch(input, init)
    const broken = new AbortController()
    const cut = () => broken.abort(new TypeError('The lab has cut this line.'))
    this.#cuts.add(cut)
    const signal = init.signal ? AbortSignal.any([init.signal, broken.signal]) : broken.signal
    const ended = () => this.#cuts.delete(cut)
    try {
      if (init.body instanceof Uint8Array) this.#tell({ way: 'out', bytes: init.body.length })
      const response = await this.#line.fetch(input, { ...init, signal })
      if (response.status !== 200 || !response.body) {
        ended()
        return response
      }
      return new Response(this.#body(response.body, ended), response)
    } catch (error) {
      ended()
      throw error
    }
  }

  /** What is not taken stays in the other side's hands: a slow reader is one for the server, too. */
  #body(body: ReadableStream<Uint8Array<ArrayBuffer>>, ended: () => void): ReadableStream<Uint8Array<ArrayBuffer>> {
    const reader = body.getReader()
    return new ReadableStream(
      {
        pull: async (controller) => {
          try {
            const { done, value } = await reader.read()
            if (done) {
              ended()
              return controller.close()
            }
            await this.#pace.take(value.length)
            this.#tell({ way: 'in', bytes: value.length })
            controller.enqueue(this.#taken(value))
          } catch (error) {
            ended()
            controller.error(error)
          }
        },
        cancel: (reason) => {
          ended()
          return reader.cancel(reason)
        },
      },
      { highWaterMark: 0 },
    )
  }
}

/** Clients try again at once when the machine says that its network is back. */
function isBack(): void {
  if (typeof globalThis.dispatchEvent === 'function') globalThis.dispatchEvent(new Event('online'))
}
