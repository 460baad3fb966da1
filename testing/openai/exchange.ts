import type { ServerResponse } from 'node:http'
import { createGzip, constants, type Gzip } from 'node:zlib'
import { pause, setImmediate } from './real-time.ts'
import type { ReceivedRequest } from './received-request.ts'
import type { Delivery } from './script.ts'

/** What goes with every answer, as OpenAI has it. */
export function usualHeaders(id: number): Record<string, string> {
  return {
    'openai-organization': 'org-fake',
    'openai-processing-ms': '1',
    'openai-version': '2020-10-01',
    'x-request-id': `req_fake${id}`,
  }
}

/** One request and the line its answer goes over. */
export class Exchange {
  readonly request: ReceivedRequest
  readonly outgoing: ServerResponse
  readonly id: number
  /** The client has left, or the fake is closing. */
  readonly gone: AbortSignal
  readonly closing: AbortSignal
  /** The fake itself has ended the connection, so nobody hung up. */
  endedByFake = false

  constructor(
    request: ReceivedRequest,
    outgoing: ServerResponse,
    id: number,
    signals: { gone: AbortSignal; closing: AbortSignal },
  ) {
    this.request = request
    this.outgoing = outgoing
    this.id = id
    this.gone = signals.gone
    this.closing = signals.closing
  }

  /** An answer in one piece. */
  reply(status: number, headers: Record<string, string>, body: string): void {
    this.outgoing.writeHead(status, { ...usualHeaders(this.id), ...headers }).end(body)
  }

  json(status: number, body: object): void {
    this.reply(status, { 'content-type': 'application/json' }, JSON.stringify(body, null, 2))
  }

  drop(): void {
    this.endedByFake = true
    this.outgoing.destroy()
  }

  /** What was written leaves first, so that a test knows what arrived. */
  cut(): void {
    this.endedByFake = true
    this.outgoing.socket?.end(() => this.outgoing.destroy())
  }

  reset(): void {
    this.endedByFake = true
    this.outgoing.socket?.resetAndDestroy()
  }

  /** The body of this answer goes out through it. */
  async open(headers: Record<string, string>, delivery: Delivery): Promise<Body> {
    const stop = delivery.ignoresHangUp ? this.closing : this.gone
    await pause(delivery.headersAfterMs, stop)
    const gzip = delivery.gzip && /\bgzip\b/.test(String(this.request.headers['accept-encoding'])) ? createGzip() : null
    if (!stop.aborted || delivery.ignoresHangUp) {
      this.outgoing.writeHead(200, {
        ...usualHeaders(this.id),
        ...headers,
        ...(gzip && { 'content-encoding': 'gzip' }),
      })
      this.outgoing.flushHeaders()
    }
    return new Body(this, stop, gzip, delivery)
  }
}

/** The body of an answer on its way. */
class Body {
  readonly stop: AbortSignal
  readonly #exchange: Exchange
  readonly #gzip: Gzip | null
  readonly #packed: Buffer[] = []
  readonly #bytesPerSecond: number
  #left: number

  constructor(
    exchange: Exchange,
    stop: AbortSignal,
    gzip: Gzip | null,
    { cutAfterBytes = Infinity, bytesPerSecond = Infinity }: Delivery,
  ) {
    this.#exchange = exchange
    this.stop = stop
    this.#gzip = gzip
    this.#left = cutAfterBytes
    this.#bytesPerSecond = bytesPerSecond
    gzip?.on('data', (bytes: Buffer) => this.#packed.push(bytes))
  }

  /** false: the body has ended with it. */
  async write(bytes: Uint8Array): Promise<boolean> {
    const sent = bytes.subarray(0, this.#left)
    this.#left -= sent.length
    const piece = Math.max(1, Math.ceil(this.#bytesPerSecond / 20))
    if (piece === Infinity) await this.#flush(await this.#pack(sent))
    else
      for (let at = 0; at < sent.length && !this.stop.aborted; at += piece) {
        const part = sent.subarray(at, at + piece)
        await this.#flush(await this.#pack(part))
        await pause((part.length / this.#bytesPerSecond) * 1_000, this.stop)
      }
    if (this.#left > 0) return true
    this.#exchange.cut()
    return false
  }

  async end(): Promise<void> {
    const gzip = this.#gzip
    if (gzip) {
      await new Promise<void>((resolve) => gzip.once('end', resolve).end())
      await this.#flush(Buffer.concat(this.#packed.splice(0)))
    }
    this.#exchange.outgoing.end()
  }

  async #pack(bytes: Uint8Array): Promise<Uint8Array> {
    const gzip = this.#gzip
    if (!gzip || bytes.length === 0) return bytes
    gzip.write(bytes)
    await new Promise<void>((resolve) => gzip.flush(constants.Z_SYNC_FLUSH, resolve))
    return Buffer.concat(this.#packed.splice(0))
  }

  /** A turn of the event loop between two writes, so that they leave as packets of their own. */
  #flush(bytes: Uint8Array): Promise<void> {
    const { outgoing } = this.#exchange
    return new Promise((resolve) => {
      // Node keeps a write for a socket that just broke, and never calls back.
      if (bytes.length === 0 || !outgoing.socket?.writable) setImmediate(resolve)
      else outgoing.write(bytes, () => setImmediate(resolve))
    })
  }
}

export type { Body }
