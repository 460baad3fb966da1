import { errorCodes, errorRow, type ErrorCode } from '../../shared/errors.ts'
import { encodeFrame, type Frame } from '../../shared/frames.ts'
import type { LineEnd, LineTarget } from './line.ts'

/** What a request to `/api/sync` came to. `again`: another try can help, perhaps. */
export type Asked = { is: 'answered'; response: Response } | { is: 'refused'; end: LineEnd; again: boolean }

const maxRetryAfterMs = 300_000

/** Sends frames to `/api/sync`. Throws nothing but the signal's reason. */
export async function askSync(
  { url, token, fetch }: LineTarget,
  path: string,
  frames: readonly Frame[],
  signal: AbortSignal,
  keepalive = false,
): Promise<Asked> {
  let response: Response
  try {
    const bearer = await token()
    response = await fetch(`${url}/api/sync${path}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/octet-stream',
        ...(bearer !== undefined && { authorization: `Bearer ${bearer}` }),
      },
      body: bytesOf(frames),
      signal,
      keepalive,
      cache: 'no-store',
    })
  } catch {
    signal.throwIfAborted()
    return { is: 'refused', end: { code: 1006, reason: '', unreachable: true }, again: true }
  }
  if (response.status === 200 || response.status === 204) return { is: 'answered', response }
  const end = await endOf(response)
  return { is: 'refused', end, again: response.status >= 500 || response.status === 429 }
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

function bytesOf(frames: readonly Frame[]): Uint8Array<ArrayBuffer> {
  const parts = frames.map(encodeFrame)
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
