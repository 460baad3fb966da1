/**
 * A provider for tests: a real HTTP server that speaks both OpenAI APIs, plays
 * a script for each request and keeps what it was asked.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { play } from './fake-play.ts'
import { answer, type FakeFinish, type FakeUsage, type Script, type Step } from './fake-script.ts'
import type { ReceivedRequest, RequestBody } from './received-request.ts'

export * from './fake-script.ts'
export type { ReceivedRequest, RequestBody }

export interface FakeOpenAIOptions {
  /** Played when nothing is queued. Default: a short text. */
  fallback?: Script | ((request: ReceivedRequest) => Script)
  /** What `GET /v1/models` lists. Default: `fake-model`. */
  models?: string[]
}

/** An answer that a test sends step by step. What is sent before the request arrives waits for it. */
export interface ManualStream {
  /** The request that this stream answers. */
  request: Promise<ReceivedRequest>
  send(text: string): void
  reasoning(text: string): void
  toolCall(id: string, name: string, ...argumentFragments: string[]): void
  /** Bytes as they are. */
  raw(data: string | Uint8Array): void
  /** An error in the stream. */
  error(message: string): void
  /** Finish reason, usage, and the end of the body. */
  end(reason?: FakeFinish, usage?: FakeUsage): void
  /** Ends the body without a finish. */
  close(): void
  /** Destroys the socket. */
  cut(): void
}

export interface FakeOpenAI {
  /** Base URL, ending in `/v1`. */
  url: string
  /** In the order in which they arrived, models excepted. */
  requests: ReceivedRequest[]
  /** The next requests get these scripts, one each. */
  enqueue(...scripts: Script[]): void
  /** The next request is answered by hand. */
  manual(): ManualStream
  /** Resolves when this many requests have arrived, with the last of them. */
  received(count: number): Promise<ReceivedRequest>
  /** Cuts what is still open and waits until all of it is gone. */
  close(): Promise<void>
}

type Queued = { script: Script; onRequest?: (request: ReceivedRequest) => void }

/** Starts a fake provider on a free port of 127.0.0.1. */
export async function startFakeOpenAI(options: FakeOpenAIOptions = {}): Promise<FakeOpenAI> {
  const queue: Queued[] = []
  const requests: ReceivedRequest[] = []
  const waiting = new Set<{ count: number; resolve: (request: ReceivedRequest) => void }>()
  const playing = new Set<Promise<void>>()
  const closing = new AbortController()

  const take = (request: ReceivedRequest): Script => {
    requests.push(request)
    for (const waiter of waiting) {
      if (requests.length < waiter.count) continue
      waiting.delete(waiter)
      waiter.resolve(request)
    }
    const next = queue.shift()
    next?.onRequest?.(request)
    if (next) return next.script
    const { fallback = answer({ text: 'Hello from the fake provider.' }) } = options
    return typeof fallback === 'function' ? fallback(request) : fallback
  }

  // As providers do: a connection that rests for some seconds is not ended just as it is used again.
  const server = createServer({ keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    const played = serve(incoming, outgoing, take, options, closing.signal)
    playing.add(played)
    void played.finally(() => playing.delete(played))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    enqueue: (...scripts) => {
      for (const script of scripts) queue.push({ script })
    },
    manual: () => manualStream((queued) => queue.push(queued)),
    received: (count) =>
      new Promise((resolve) => {
        if (requests.length >= count) resolve(requests[count - 1]!)
        else waiting.add({ count, resolve })
      }),
    close: async () => {
      closing.abort()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await Promise.all([closed, ...playing])
    },
  }
}

async function serve(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  take: (request: ReceivedRequest) => Script,
  options: FakeOpenAIOptions,
  closing: AbortSignal,
): Promise<void> {
  const gone = new AbortController()
  closing.addEventListener('abort', () => gone.abort(), { once: true, signal: gone.signal })
  if (incoming.method === 'GET' && incoming.url === '/v1/models') {
    const data = (options.models ?? ['fake-model']).map((id) => ({ id, object: 'model', created: 0, owned_by: 'fake' }))
    outgoing.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ object: 'list', data }))
    return
  }
  let text = ''
  try {
    for await (const part of incoming.setEncoding('utf8')) text += part
  } catch {
    return
  }
  let onHangUp = (_at: number): void => {}
  const request: ReceivedRequest = {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    port: incoming.socket.remotePort,
    body: parsed(text),
    receivedAt: performance.now(),
    hungUpAt: undefined,
    hungUp: new Promise((resolve) => {
      onHangUp = resolve
    }),
  }
  outgoing.on('close', () => {
    if (!outgoing.writableFinished && !closing.aborted) onHangUp((request.hungUpAt = performance.now()))
    gone.abort()
  })
  await play(take(request), request, outgoing, gone.signal, closing)
}

function manualStream(enqueue: (queued: Queued) => void): ManualStream {
  const steps: Step[] = []
  let wake = (): void => {}
  let isOver = false
  const push = (...added: Step[]): void => {
    steps.push(...added)
    wake()
  }
  const over = (): void => {
    isOver = true
    wake()
  }
  async function* arriving(): AsyncGenerator<Step> {
    for (;;) {
      const step = steps.shift()
      if (step) yield step
      else if (isOver) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }
  const request = new Promise<ReceivedRequest>((resolve) =>
    enqueue({ script: { kind: 'answer', steps: arriving() }, onRequest: resolve }),
  )
  return {
    request,
    send: (text) => push({ type: 'text', text }),
    reasoning: (text) => push({ type: 'reasoning', text }),
    toolCall: (id, name, ...fragments) => push({ type: 'tool_call', id, name, arguments: fragments }),
    raw: (data) => push({ type: 'raw', data }),
    error: (message) => push({ type: 'error', message }),
    end: (reason, usage) => {
      push({ type: 'finish', ...(reason ? { reason } : {}), ...(usage ? { usage } : {}) })
      over()
    },
    close: over,
    cut: () => push({ type: 'cut' }),
  }
}

function parsed(text: string): RequestBody {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as RequestBody) : {}
  } catch {
    return {}
  }
}
