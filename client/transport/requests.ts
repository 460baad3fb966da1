import { errorCodes, errorRow, type ErrorCode } from '../../shared/errors.ts'
import { encodeFrame, joined, type Frame } from '../../shared/frames.ts'
import type { LineEnd, LineTarget } from './line.ts'

/** A request to `/api/sync`. */
export interface SyncRequest {
  path: string
  token: string | undefined
  frames: readonly Frame[]
  signal: AbortSignal
  /** Also from a page that is going. */
  keepalive?: boolean
}

/** What a request came to. `again`: another try can help, perhaps. */
export type Asked<T> = { is: 'answered'; answer: T } | { is: 'refused'; end: LineEnd; again: boolean }

const maxRetryAfterMs = 300_000

const unanswered = { is: 'refused', end: { code: 1006, reason: '', unreachable: true }, again: true } as const

/** An answer as it begins. Throws nothing but the signal's reason. */
export async function askSync({ url, fetch }: LineTarget, request: SyncRequest): Promise<Asked<Response>> {
  const { path, token, frames, signal, keepalive = false } = request
  let response: Response
  try {
    response = await fetch(`${url}/api/sync${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/octet-stream',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: joined(frames.map(encodeFrame)),
      signal,
      keepalive,
      cache: 'no-store',
    })
  } catch {
    signal.throwIfAborted()
    return unanswered
  }
  if (response.status === 200 || response.status === 204) return { is: 'answered', answer: response }
  const end = await endOf(response)
  return { is: 'refused', end, again: response.status >= 500 || response.status === 429 }
}

/** An answer whole; null: there is nothing. One of which nothing comes for `silenceMs` is none. Throws nothing but the signal's reason. */
export async function askWhole(
  target: LineTarget,
  request: SyncRequest,
  silenceMs: number,
): Promise<Asked<Uint8Array<ArrayBuffer> | null>> {
  const silence = new AbortController()
  const listen = () => setTimeout(() => silence.abort(), silenceMs)
  let timer = listen()
  try {
    const signal = AbortSignal.any([request.signal, silence.signal])
    const asked = await askSync(target, { ...request, signal })
    if (asked.is === 'refused') return asked
    if (asked.answer.status === 204) return { is: 'answered', answer: null }
    const parts: Uint8Array[] = []
    for await (const part of partsOf(asked.answer)) {
      clearTimeout(timer)
      timer = listen()
      parts.push(part)
    }
    return { is: 'answered', answer: joined(parts) }
  } catch {
    request.signal.throwIfAborted()
    return unanswered
  } finally {
    clearTimeout(timer)
  }
}

/** A body as it comes. */
export async function* partsOf({ body }: Response): AsyncGenerator<Uint8Array> {
  const reader = body!.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
  }
}

/** A refusal of the server's own as the close code that it would be on a socket; a proxy's is no more than a broken line. */
async function endOf(response: Response): Promise<LineEnd> {
  const { status, headers } = response
  const { code, message } = await errorIn(response)
  const reason = message ?? ''
  if (status === 401) return { code: 4401, reason }
  const seconds = Number(headers.get('retry-after'))
  if ((status === 429 || status === 503) && seconds > 0)
    return { code: 1013, reason, retryAfterMs: Math.min(seconds * 1_000, maxRetryAfterMs) }
  // A server without this route, or a session that is gone.
  if (code === null || code === 'not_found' || code === 'method_not_allowed') return { code: 1006, reason }
  return { code: errorRow(code).close ?? 1006, reason }
}

async function errorIn(response: Response): Promise<{ code: ErrorCode | null; message?: string }> {
  try {
    const { error } = (await response.json()) as { error?: { code?: string; message?: string } }
    const code = errorCodes.find((known) => known === error?.code) ?? null
    return { code, ...(error?.message !== undefined && { message: error.message }) }
  } catch {
    return { code: null }
  }
}
