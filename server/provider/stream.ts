/** A body of server-sent events, read to its end through a mapper. */
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { ProviderEvent } from './events.ts'
import { noStreamFailure } from './failures.ts'
import type { StreamMapper } from './frames.ts'
import { Grace } from './grace.ts'
import { createSseReader, type SseReader } from './sse.ts'
import { duration, type Upstream } from './upstream.ts'

/** After `finish` the connection may close by itself for so long, so that it can be used again. */
const lingerMs = 250

/** After a finish reason so long for what else is said: usage, a late word. */
const settledMs = 2_000

/** Of an answer that is no stream, this much is read to tell what it is. */
const maxStrayChars = 64 * 1024

export interface ReadOptions {
  /** What a failure becomes before it is thrown. */
  shown?: (failure: unknown) => unknown
  /** What an event becomes before it is given. */
  taken?: (event: ProviderEvent) => ProviderEvent
  /** An answer of which only signs of life came for so long has failed. */
  commentMs?: number
}

/**
 * The events of one answer, from its request to its end, when `upstream` is
 * closed. All events of one network read are given before the next read; what
 * came before a failure is given before it is thrown, as `shown` makes it.
 */
export async function* readStream(
  open: () => Promise<Response>,
  mapper: StreamMapper,
  upstream: Upstream,
  { shown = (failure) => failure, taken = (event) => event, commentMs = Infinity }: ReadOptions = {},
): AsyncGenerator<ProviderEvent> {
  try {
    const opening = open()
    yield* upstream.waits(opening)
    const response = await opening
    const reading = new Reading(mapper, response.headers.get('content-type') ?? '')
    const body = response.body?.getReader()
    const stop = () => void body?.cancel().catch(() => {})
    let grace: Grace | undefined
    for (;;) {
      let bytes: Uint8Array | undefined
      let broken: unknown
      const since = performance.now()
      upstream.awaits()
      grace?.begin(stop)
      try {
        bytes = (await body?.read())?.value
      } catch (error) {
        broken = upstream.silence ?? error
      }
      const waitedMs = performance.now() - since
      grace?.end(waitedMs)
      upstream.arrived()
      if (mapper.finished) {
        if (bytes && !grace?.isOver) continue
        return
      }
      upstream.throwIfAborted()
      const { said } = reading
      let failure = reading.take(bytes, broken)
      if (bytes && !mapper.finished && !failure) {
        failure = reading.onlyAlive(waitedMs, commentMs)
        if (grace?.isOver && reading.said === said) failure ??= reading.take(undefined, undefined)
      }
      for (const event of mapper.events) {
        upstream.throwIfAborted()
        yield taken(event)
      }
      mapper.events.length = 0
      if (failure) throw failure
      if (mapper.finished) grace = new Grace(lingerMs)
      else if (mapper.settled && (!grace || reading.said !== said)) grace = new Grace(settledMs)
    }
  } catch (error) {
    throw shown(error)
  } finally {
    upstream.close()
  }
}

/** What was read so far of one body. */
class Reading {
  /** Rises with each read that brought a word of the answer. */
  said = 0
  readonly #mapper: StreamMapper
  readonly #contentType: string
  readonly #sse: SseReader
  /** A page of HTML, by its first character that is no white space; undecided before it. */
  #isPage: boolean | undefined
  #anyFrame = false
  /** JSON without a frame around it. */
  #documents = 0
  /** One of these was more than a sign of life. */
  #documentSpoke = false
  #heard = false
  /** Waited for since something came that is more than a sign of life. */
  #aliveMs = 0
  /** The beginning of the body as long as no frame came, to tell what it is. */
  #stray = ''
  readonly #strayDecoder = new TextDecoder()

  constructor(mapper: StreamMapper, contentType: string) {
    this.#mapper = mapper
    this.#contentType = contentType
    this.#sse = createSseReader({
      onFrame: (type, data) => {
        this.#anyFrame = true
        this.#push(type, data)
      },
      onStrayJson: (json) => {
        this.#documents += 1
        if (this.#push(undefined, json)) this.#documentSpoke = true
      },
      onStrayLine: () => {
        if (this.#anyFrame) mapper.ignored('line')
      },
    })
  }

  /** Takes what one read gave, nothing being the end. Returns the error that the answer ends with. */
  take(bytes: Uint8Array | undefined, broken: unknown): Error | undefined {
    const { events, settled } = this.#mapper
    const before = events.length
    try {
      this.#heard = false
      if (bytes) this.#take(bytes)
      else this.#end(broken)
      return undefined
    } catch (error) {
      return error as Error
    } finally {
      if (events.length > before || settled !== this.#mapper.settled) this.said += 1
    }
  }

  /** The failure of an answer of which nothing but signs of life came for so long, the last wait being `waitedMs`. */
  onlyAlive(waitedMs: number, mostMs: number): RunnelError | undefined {
    this.#aliveMs = this.#heard ? 0 : this.#aliveMs + waitedMs
    if (this.#aliveMs < mostMs) return undefined
    return new RunnelError(
      'provider_timeout',
      `The model provider kept the line open and said nothing for ${duration(mostMs)} (RUNNEL_PROVIDER_COMMENT_MS).`,
    )
  }

  /** Says whether it was more than a sign of life. */
  #push(type: string | undefined, data: string): boolean {
    const speaks = !this.#mapper.finished && this.#mapper.push(type, data)
    this.#heard ||= speaks
    return speaks
  }

  #take(bytes: Uint8Array): void {
    if (!this.#anyFrame && this.#documents === 0) this.#sniff(bytes)
    if (this.#isPage !== true) this.#sse.push(bytes)
  }

  #sniff(bytes: Uint8Array): void {
    if (this.#stray.length < maxStrayChars) this.#stray += this.#strayDecoder.decode(bytes, { stream: true })
    const first = this.#isPage === undefined ? /\S/.exec(this.#stray)?.[0] : undefined
    if (first !== undefined) this.#isPage = first === '<'
    if (this.#isPage && this.#stray.length >= maxStrayChars) throw noStreamFailure(this.#stray, this.#contentType)
  }

  #end(broken: unknown): void {
    if (this.#isPage) throw noStreamFailure(this.#stray, this.#contentType)
    try {
      this.#sse.end()
    } catch (error) {
      if (!(isRunnelError(error) && error.code === 'provider_bad_response' && this.#anyFrame)) throw error
      // Half a frame at the end of a body was cut off with it.
    }
    if (this.#mapper.finished) return
    const { events, settled } = this.#mapper
    const holds = this.said > 0 || settled || events.length > 0
    if (broken === undefined && !this.#anyFrame) {
      // One document that came whole is a whole answer, whether it says why it ended or not.
      if (holds && this.#documents === 1) this.#mapper.push(undefined, '[DONE]')
      else if (!holds && !this.#isEmptyStream()) throw noStreamFailure(this.#stray, this.#contentType)
      if (this.#mapper.finished) return
    }
    this.#mapper.end(isRunnelError(broken) ? broken : disconnected(broken))
  }

  /** It was a stream, of which nothing but comments and other signs of life came. */
  #isEmptyStream(): boolean {
    if (this.#documents > 0) return !this.#documentSpoke
    return (
      this.#contentType.includes('event-stream') &&
      this.#stray.split(/\r\n|\n|\r/).every((line) => emptyLine.test(line))
    )
  }
}

/** A field of a stream without anything in it, or a comment. */
const emptyLine = /^(?::|(?:event|id|retry|data):|\s*$)/

function disconnected(cause: unknown): RunnelError {
  return new RunnelError(
    'provider_disconnected',
    'The model provider closed the connection before the answer was finished.',
    { cause },
  )
}
