/**
 * A provider for tests: a real HTTP server that speaks both OpenAI APIs, plays
 * a script for each request and keeps what it was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { answerTo } from './answer-to.ts'
import { answerControl } from './control.ts'
import { Exchange } from './exchange.ts'
import { checkFields } from './known-fields.ts'
import { checkMatcher, type Matcher } from './matcher.ts'
import type { ReceivedRequest, RequestBody } from './received-request.ts'
import { Scope, type FakeScope } from './scope.ts'
import type { Answering } from './script.ts'
import { StoredResponses } from './stored-responses.ts'

export interface FakeOpenAIOptions {
  /** Answers what nothing else is expected for. Without it such a request is a fault, and gets a 500 that says so. */
  fallback?: Answering
  /** What `GET /v1/models` lists. Default: `fake-model`. */
  models?: string[]
  /** Demanded of every request. Default: none is. */
  apiKey?: string
  /** Default: a free one. */
  port?: number
  /** Default: 127.0.0.1. */
  host?: string
  /** Takes orders over HTTP, under `/fake/`: for programs in other languages. */
  control?: boolean
}

export interface FakeOpenAI extends FakeScope, AsyncDisposable {
  /**
   * A part of the fake for one test among others: what it expects answers its requests only, and those no one else.
   * Its requests come to its own `url`, or are those that fit the matcher.
   */
  scope(matcher?: Matcher, options?: { fallback?: Answering }): FakeScope
  /** Cuts what is still open and waits until all of it is gone. `await using` also calls `done()`. */
  close(): Promise<void>
}

/** Starts a fake provider on 127.0.0.1. */
export async function startFakeOpenAI(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  checkFields('startFakeOpenAI()', options, ['fallback', 'models', 'apiKey', 'port', 'host', 'control'])
  const playing = new Set<Promise<void>>()
  const closing = new AbortController()
  const responses = new StoredResponses()
  /** By the first part of their path. */
  const byPath = new Map<string, Scope>()
  const byMatcher: Scope[] = []
  let count = 0

  // As providers do: a connection that rests for some seconds is not ended just as it is used again.
  const server = createServer({ keepAliveTimeout: 60_000 })
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, resolve)
  })
  const { port } = server.address() as AddressInfo
  const origin = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  const root = new Scope(`${origin}/v1`, null, options.fallback ?? null)

  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const id = (count += 1)
    const [, first = '', rest] = /^\/([^/]+)(\/(?:v1|fake)(?:[/?].*)?)$/s.exec(incoming.url ?? '') ?? []
    const ofPath = byPath.get(first)
    const text = await textOf(incoming)
    if (text === null) return
    const { request, gone, exchange } = exchangeOf(incoming, outgoing, ofPath ? rest! : (incoming.url ?? ''), text)
    const one = exchange(id, closing.signal)
    let scope = ofPath ?? root
    try {
      scope = ofPath ?? byMatcher.find((candidate) => candidate.isOwn(request)) ?? root
      if (options.control === true && answerControl(one, ofPath ?? root, text, makeScope)) return
      await answerTo({ exchange: one, scope, text, options, responses, play: keep })
    } catch (error) {
      scope.fault(request, error)
      if (!outgoing.headersSent)
        one.reply(500, { 'content-type': 'application/json', 'x-should-retry': 'false' }, faultBody(error))
      else one.drop()
    } finally {
      if (outgoing.writableEnded || outgoing.destroyed) gone.abort()
    }
  }
  /** Goes on behind its request; `close()` waits for it. */
  const keep = (work: Promise<void>): void => {
    const kept = work.finally(() => playing.delete(kept))
    playing.add(kept)
  }

  server.on('request', (incoming, outgoing) => keep(serve(incoming, outgoing)))

  const makeScope = (fallback: Answering | null = null): Scope => {
    const name = `scope-${byPath.size + 1}`
    const scope = new Scope(`${origin}/${name}/v1`, null, fallback)
    byPath.set(name, scope)
    return scope
  }

  const close = async (): Promise<void> => {
    closing.abort()
    responses.clear()
    for (const scope of [root, ...byMatcher, ...byPath.values()]) scope.close()
    const closed = new Promise<void>((resolve) => server.close(() => resolve()))
    server.closeAllConnections()
    await Promise.all([closed, ...playing])
  }
  return {
    url: root.url,
    requests: root.requests,
    unexpected: root.unexpected,
    on: root.on.bind(root),
    enqueue: root.enqueue.bind(root),
    manual: root.manual.bind(root),
    received: root.received.bind(root),
    expectJson: root.expectJson.bind(root),
    reset: root.reset.bind(root),
    done: () => root.done(),
    scope(matcher, given = {}) {
      checkFields('scope()', given, ['fallback'])
      const fallback = given.fallback ?? null
      if (matcher !== undefined) {
        checkMatcher(matcher)
        const scope = new Scope(root.url, matcher, fallback)
        byMatcher.push(scope)
        return scope
      }
      return makeScope(fallback)
    },
    close,
    async [Symbol.asyncDispose]() {
      await close()
      root.done()
    },
  }
}

function exchangeOf(incoming: IncomingMessage, outgoing: ServerResponse, path: string, text: string) {
  const gone = new AbortController()
  let onHangUp = (_at: number): void => {}
  const request: ReceivedRequest = {
    method: incoming.method ?? '',
    path,
    headers: incoming.headers,
    port: incoming.socket.remotePort,
    body: parsed(text),
    receivedAt: performance.now(),
    hungUpAt: undefined,
    hungUp: new Promise((resolve) => {
      onHangUp = resolve
    }),
  }
  return {
    request,
    gone,
    exchange(id: number, closing: AbortSignal): Exchange {
      closing.addEventListener('abort', () => gone.abort(), { once: true, signal: gone.signal })
      const exchange = new Exchange(request, outgoing, id, { gone: gone.signal, closing })
      outgoing.on('close', () => {
        if (!outgoing.writableFinished && !closing.aborted && !exchange.endedByFake)
          onHangUp((request.hungUpAt = performance.now()))
        gone.abort()
      })
      return exchange
    },
  }
}

/** null: the client left before it had said all. */
async function textOf(incoming: IncomingMessage): Promise<string | null> {
  let text = ''
  try {
    for await (const part of incoming.setEncoding('utf8')) text += part
    return text
  } catch {
    return null
  }
}

function faultBody(error: unknown): string {
  const words = error instanceof Error ? (error.stack ?? error.message) : String(error)
  return JSON.stringify({
    error: {
      message: `The script of this answer threw: ${words}`,
      type: 'fake_fault',
      param: null,
      code: 'script_failed',
    },
  })
}

function parsed(text: string): RequestBody {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as RequestBody) : {}
  } catch {
    return {}
  }
}
