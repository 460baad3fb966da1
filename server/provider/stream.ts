/** A body of server-sent events, read to its end through a mapper. */
import { RunnelError } from '../../shared/errors.ts'
import type { ProviderEvent } from './events.ts'
import { noStreamFailure } from './failures.ts'
import type { StreamMapper } from './frames.ts'
import { createSseReader, type SseReader } from './sse.ts'
import type { Upstream } from './upstream.ts'

/** After `finish` the connection may close by itself for so long, so that it can be used again. */
const lingerMs = 250

/** Of an answer that is no stream, this much is read to tell what it is. */
const maxStrayChars = 64 * 1024

/**
 * The events of one answer, from its request to its end, when `upstream` is
 * closed. All events of one network read are given before the next read; what
 * came before a failure is given before it is thrown, as `shown` makes it.
 */
export async function* readStream(
  open: () => Promise<Response>,
  mapper: StreamMapper,
  upstream: Upstream,
  shown: (failure: unknown) => unknown = (failure) => failure,
): AsyncGenerator<ProviderEvent> {
  try {
    const response = await open()
    const reading = new Reading(mapper, response.headers.get('content-type') ?? '')
    const body = response.body?.getReader()
    for (;;) {
      let bytes: Uint8Array | undefined
      let broken: unknown
      upstream.awaits()
      try {
        bytes = (await body?.read())?.value
      } catch (error) {
        broken = upstream.silence ?? error
      }
      upstream.arrived()
      if (mapper.finished) {
        if (bytes) continue
        return
      }
      upstream.throwIfAborted()
      const failure = reading.take(bytes, broken)
      for (const event of mapper.events) {
        upstream.throwIfAborted()
        yield event
      }
      mapper.events.length = 0
      if (failure) throw failure
      if (mapper.finished) upstream.limit(lingerMs)
    }
  } catch (error) {
    throw shown(error)
  } finally {
    upstream.close()
  }
}

/** What was read so far of one body. */
class Reading {
  readonly #mapper: StreamMapper
  readonly #contentType: string
  readonly #sse: SseReader
  /** Undecided until the first character that is no white space. */
  #isStream: boolean | undefined
  #anyFrame = false
  #stray = ''
  readonly #strayDecoder = new TextDecoder()

  constructor(mapper: StreamMapper, contentType: string) {
    this.#mapper = mapper
    this.#contentType = contentType
    this.#sse = createSseReader((type, data) => {
      this.#anyFrame = true
      if (!mapper.finished) mapper.push(type, data)
    })
  }

  /** Takes what one read gave, nothing being the end. Returns the error that the answer ends with. */
  take(bytes: Uint8Array | undefined, broken: unknown): Error | undefined {
    try {
      if (bytes) this.#push(bytes)
      else this.#end(broken)
      return undefined
    } catch (error) {
      return error as Error
    }
  }

  #push(bytes: Uint8Array): void {
    if (this.#isStream !== true) this.#sniff(bytes)
    if (this.#isStream !== false) this.#sse.push(bytes)
  }

  #sniff(bytes: Uint8Array): void {
    this.#stray += this.#strayDecoder.decode(bytes, { stream: true })
    const first = /\S/.exec(this.#stray)?.[0]
    if (first !== undefined) this.#isStream = !'{[<'.includes(first)
    if (!this.#isStream && this.#stray.length > maxStrayChars) throw noStreamFailure(this.#stray, this.#contentType)
  }

  #end(broken: unknown): void {
    if (this.#isStream === false) throw noStreamFailure(this.#stray, this.#contentType)
    try {
      this.#sse.end()
    } catch (error) {
      if (!(error instanceof RunnelError && error.code === 'provider_bad_response')) throw error
      // Half a frame at the end of a body was cut off with it.
    }
    if (this.#mapper.finished) return
    const isSse = this.#contentType.includes('event-stream')
    if (!this.#anyFrame && !isSse && broken === undefined) throw noStreamFailure(this.#stray, this.#contentType)
    this.#mapper.end(broken instanceof RunnelError ? broken : disconnected(broken))
  }
}

function disconnected(cause: unknown): RunnelError {
  return new RunnelError(
    'provider_disconnected',
    'The model provider closed the connection before the answer was finished.',
    { cause },
  )
}
