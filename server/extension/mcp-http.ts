/**
 * The `fetch` below the SDK's HTTP transport. Answers have a bound, redirects
 * are not followed, messages are repaired, and each request gets an answer: the
 * SDK waits for ever where a stream ends without one.
 */
import { AsyncLocalStorage } from 'node:async_hooks'
import type { JsonObject } from '../../shared/json.ts'
import { fetchAddress } from '../secrets/fetch-address.ts'
import { answers, missingAnswer, messagesIn, requestIdOf } from './mcp-message.ts'

type Id = string | number

/** A connection serves many requests, and its SDK takes no header for a single one. */
export const requestIds = new AsyncLocalStorage<string | undefined>()

/** `fetch`, for one connection. */
export class McpFetch {
  readonly #maxAnswerBytes: number
  readonly #maxEnded: number
  /** Streams that ended and can be gone on with, by the id of their last event: the request that still has no answer; null where it has one. The oldest goes where they are too many. */
  readonly #ended = new Map<string, Id | null>()

  constructor(maxAnswerBytes: number, maxEnded = 1_000) {
    this.#maxAnswerBytes = maxAnswerBytes
    this.#maxEnded = maxEnded
  }

  async fetch(input: string | URL, init: RequestInit = {}): Promise<Response> {
    const headers = new Headers(init.headers)
    const requestId = requestIds.getStore()
    if (requestId !== undefined) headers.set('X-Request-Id', requestId)
    const request = { ...init, headers, redirect: 'manual' as const }
    if (init.method === 'POST') return await this.#post(input, request)
    const lastEventId = headers.get('last-event-id')
    const waiting = lastEventId === null ? undefined : this.#ended.get(lastEventId)
    if (lastEventId === null || waiting === undefined) return this.#stream(await fetched(input, request), undefined)
    this.#ended.delete(lastEventId)
    // To the SDK: there is no such stream.
    if (waiting === null) return new Response(null, { status: 405 })
    return await this.#resume(input, request, waiting)
  }

  async #post(input: string | URL, request: RequestInit): Promise<Response> {
    const response = this.#bounded(await fetched(input, request))
    const id = requestIdOf(JSON.parse(String(request.body)))
    if (id === undefined || !response.ok) return response
    if (response.body === null) return json(response, missingAnswer(id, tookIt))
    if (!isOf(response, 'text/event-stream')) return await readBody(response, id)
    return this.#stream(response, id)
  }

  async #resume(input: string | URL, request: RequestInit, id: Id): Promise<Response> {
    const lost = (why: string) =>
      events(frame(missingAnswer(id, `its stream ended without an answer, and cannot be gone on with (${why})`)))
    try {
      const response = await fetched(input, request)
      if (response.ok) return this.#stream(this.#bounded(response), id)
      await response.body?.cancel()
      return lost(`HTTP ${response.status}`)
    } catch (error) {
      if (request.signal?.aborted) throw error
      return lost('it cannot be reached')
    }
  }

  /** `id`: the request that the stream answers; undefined: it is the server's own. */
  #stream(response: Response, id: Id | undefined): Response {
    if (!response.ok || response.body === null || !isOf(response, 'text/event-stream')) return response
    const frames = repairedFrames(response.body, id, this.#maxAnswerBytes, (event, waiting) => {
      this.#ended.delete(event)
      this.#ended.set(event, waiting)
      if (this.#ended.size > this.#maxEnded) this.#ended.delete(this.#ended.keys().next().value!)
    })
    return events(streamOf(frames), response)
  }

  /** Only answers are: the stream of the server's own messages is as long as the session. */
  #bounded(response: Response): Response {
    if (response.body === null) return response
    const max = this.#maxAnswerBytes
    let left = max
    const body = response.body.pipeThrough(
      new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          left -= chunk.length
          if (left < 0) throw new TooLarge(max)
          controller.enqueue(chunk)
        },
      }),
    )
    return new Response(body, { status: response.status, statusText: response.statusText, headers: response.headers })
  }
}

class TooLarge extends Error {
  constructor(maxBytes: number) {
    super(`it answered with more than ${maxBytes / 1024 / 1024} MB`)
  }
}

async function fetched(input: string | URL, request: RequestInit): Promise<Response> {
  const response = await fetchAddress(input, request)
  if (response.status < 300 || response.status >= 400) return response
  void response.body?.cancel().catch(() => undefined)
  throw new Error(
    `it answered with a redirect (HTTP ${response.status}), which is not followed: what is sent to it would go elsewhere`,
  )
}

function streamOf(pieces: AsyncGenerator<Uint8Array>): ReadableStream<Uint8Array> {
  return new ReadableStream({
    pull: async (controller) => {
      const { done, value } = await pieces.next()
      if (done) controller.close()
      else controller.enqueue(value)
    },
    cancel: () => void pieces.return(undefined).catch(() => undefined),
  })
}

function isOf(response: Response, type: string): boolean {
  return (response.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase() === type
}

function json(response: Response, messages: JsonObject | JsonObject[]): Response {
  return new Response(JSON.stringify(messages), { headers: headersOf('application/json', response) })
}

function events(body: BodyInit, response?: Response): Response {
  return new Response(body, { headers: headersOf('text/event-stream', response) })
}

function headersOf(type: string, response?: Response): Headers {
  const session = response?.headers.get('mcp-session-id') ?? null
  return new Headers({ 'content-type': type, ...(session !== null && { 'mcp-session-id': session }) })
}

const tookIt = 'it took the request and does not answer it'

/** A body that is no stream, with an answer to this request in it: by what it is, whatever it is called. */
async function readBody(response: Response, id: Id): Promise<Response> {
  let text: string
  try {
    text = await response.text()
  } catch (error) {
    if (error instanceof TooLarge) return json(response, missingAnswer(id, error.message))
    throw error
  }
  const messages = messagesIn(text).map((message) => named(message, id))
  if (messages.some((message) => answers(message, id))) return json(response, messages)
  if (response.status === 202) return json(response, missingAnswer(id, tookIt))
  const type = response.headers.get('content-type')
  if (isOf(response, 'application/json'))
    return json(response, [...messages, missingAnswer(id, 'its answer is no message of the protocol')])
  // To the SDK, which says what it is.
  return new Response(text, { headers: type === null ? {} : { 'content-type': type } })
}

/** An error that names no request is of the one that was asked. */
function named(message: JsonObject, id: Id | undefined): JsonObject {
  return id !== undefined && answers(message, id) ? { ...message, id } : message
}

async function* repairedFrames(
  body: ReadableStream<Uint8Array>,
  id: Id | undefined,
  maxChars: number,
  ended: (lastEventId: string, waiting: Id | null) => void,
): AsyncGenerator<Uint8Array> {
  let answer: JsonObject | undefined
  let lastEventId = ''
  let fault: Error | undefined
  try {
    for await (const lines of eventsOf(body, maxChars)) {
      // Some write their answer into a stream without a frame around it.
      const isBare = /^\s*[[{]/.test(lines[0]!)
      const data = isBare ? lines : lines.flatMap((line) => /^data(?:$|: ?(.*)$)/s.exec(line)?.[1] ?? [])
      const others = isBare ? [] : lines.filter((line) => !/^data(?:$|:)/.test(line))
      for (const line of others) lastEventId = /^id: ?(.+)$/.exec(line)?.[1] ?? lastEventId
      const messages = messagesIn(data.join('\n')).map((message) => named(message, id))
      if (id !== undefined) answer ??= messages.find((message) => answers(message, id))
      const head = others.map((line) => `${line}\n`).join('')
      // An event with an id and without words marks where to go on.
      const none = data.length > 0 ? 'data:\n\n' : '\n'
      yield Buffer.from(head + (messages.map(frame).join('') || none))
    }
  } catch (error) {
    fault = error as Error
  }
  if (id !== undefined && answer === undefined && (lastEventId === '' || fault instanceof TooLarge)) {
    answer = missingAnswer(id, fault instanceof TooLarge ? fault.message : 'its stream ended without an answer')
    yield Buffer.from(frame(answer))
  }
  // The SDK asks for the rest of a stream that has ids, also of one that ended with an error.
  if (id !== undefined && lastEventId !== '' && !(answer && 'result' in answer)) ended(lastEventId, answer ? null : id)
  if (fault !== undefined) throw fault
}

function frame(message: JsonObject): string {
  return `data: ${JSON.stringify(message)}\n\n`
}

/** The lines of each event; the last may lack its blank line. */
async function* eventsOf(body: ReadableStream<Uint8Array>, maxChars: number): AsyncGenerator<string[]> {
  const decoder = new TextDecoder()
  /** Pieces of a line that is not whole. */
  let pieces: string[] = []
  let lines: string[] = []
  let chars = 0
  let held = ''
  const take = function* (given: string): Generator<string[]> {
    // The LF of a CR at the end may come in the next piece.
    const isHeld = given.endsWith('\r')
    const text = held + (isHeld ? given.slice(0, -1) : given)
    held = isHeld ? '\r' : ''
    const parts = text.split(/\r\n|\n|\r/)
    const rest = parts.pop()!
    for (const part of parts) {
      const line = pieces.join('') + part
      pieces = []
      if (line !== '') lines.push(line)
      else if (lines.length > 0) {
        yield lines
        lines = []
        chars = 0
      }
    }
    pieces.push(rest)
    chars += text.length
    if (chars > maxChars) throw new TooLarge(maxChars)
  }
  for await (const chunk of body) yield* take(decoder.decode(chunk, { stream: true }))
  yield* take(`${decoder.decode()}\n\n`)
}
