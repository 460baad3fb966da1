/** The request to the provider, made by its SDK: authentication, retries, errors. */
import { parsed } from '../../shared/json.ts'
import OpenAI from 'openai'
import { RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { fetchAddress } from '../secrets/fetch-address.ts'
import { statusFailure } from './failures.ts'
import { mayPass } from './implied-status.ts'
import { retryAfterMs } from './retry-after.ts'
import { duration, type Upstream } from './upstream.ts'

export interface Connection {
  apiKey: string | undefined
  baseURL: string
  idleMs: number
  maxRetries: number
  headers?: Readonly<Record<string, string>>
}

/** The SDK's own limit has no way to tell silence from slowness: `Upstream` keeps the time. */
const noTimeoutMs = 2 ** 31 - 1

/** More than is looked at (`secrets.ts`), so that a key at its end is cut off with it. */
const maxErrorChars = 256 * 1024

/**
 * Posts `body` and gives the answer as soon as its status says success. Throws
 * the RunnelError that the failure is, or the reason why `upstream` was aborted.
 */
export async function openStream(
  connection: Connection,
  path: string,
  body: JsonObject,
  upstream: Upstream,
  requestId?: string,
): Promise<Response> {
  upstream.throwIfAborted()
  /** Of the last error, as it came: the SDK keeps objects only. */
  let said: string | undefined
  const client = new OpenAI({
    apiKey: connection.apiKey ?? 'none',
    baseURL: connection.baseURL,
    maxRetries: connection.maxRetries,
    timeout: noTimeoutMs,
    logLevel: 'off',
    organization: null,
    project: null,
    webhookSecret: null,
    ...(connection.apiKey === undefined ? { defaultHeaders: { Authorization: null } } : {}),
    fetch: async (url, init) => {
      const answer = await attempt(url instanceof Request ? url.url : url, init, upstream, connection.maxRetries)
      said = answer.said
      return answer.response
    },
  })
  upstream.limit(connection.idleMs)
  try {
    return await client
      .post(path, {
        body,
        stream: true,
        signal: upstream.signal,
        headers: { ...connection.headers, ...(requestId !== undefined && { 'X-Request-Id': requestId }) },
      })
      .asResponse()
  } catch (error) {
    upstream.throwIfAborted()
    throw upstream.silence ?? failureOf(error, said)
  }
}

/** The SDK's own count of the tries before this one. */
const retryCountHeader = 'X-Stainless-Retry-Count'

/** The SDK waits for as long as it is asked to, up to this; shorter waits are not worth a word. */
const longestWaitMs = 60_000
const leastToldMs = 500

/** What a person reads while the SDK waits for the time that the provider asked for; null where it asked for none. */
function askedToWait({ status, headers }: Response, triesAgain: boolean): string | null {
  if (!triesAgain || headers.get('x-should-retry') === 'false') return null
  const retried = headers.get('x-should-retry') === 'true' || mayPass(status)
  const ms = retryAfterMs(headers) ?? 0
  if (!retried || ms < leastToldMs || ms > longestWaitMs) return null
  return `The model provider asks to wait ${duration(ms)} before the next try (HTTP ${status}).`
}

/** One attempt. Only while it runs is the provider awaited; an error's body is read here, within the time limit. */
async function attempt(
  url: string | URL,
  init: RequestInit | undefined,
  upstream: Upstream,
  maxRetries: number,
): Promise<{ response: Response; said?: string }> {
  upstream.tell(null)
  upstream.awaits()
  try {
    const response = await fetchAddress(url, { ...init, redirect: 'manual' })
    if (response.ok) return { response }
    if (response.status < 400) {
      void response.body?.cancel().catch(() => {})
      return { response: new Response(null, { status: response.status }) }
    }
    const said = await textOf(response)
    upstream.tell(askedToWait(response, Number(new Headers(init?.headers).get(retryCountHeader) ?? 0) < maxRetries))
    return { response: new Response(said, { status: response.status, headers: response.headers }), said }
  } finally {
    upstream.arrived()
  }
}

async function textOf(response: Response): Promise<string> {
  let text = ''
  if (!response.body) return text
  for await (const part of response.body.pipeThrough(new TextDecoderStream())) {
    text += part
    if (text.length > maxErrorChars) break
  }
  return text
}

/** JSON where it is any. Some servers frame an error as their streams are framed. */
function wordsOf(said = ''): unknown {
  const text = said.replace(/^(?:event:[^\n]*\n)?data:/, '').trim()
  return parsed(text) ?? text
}

function failureOf(error: unknown, said: string | undefined): RunnelError {
  if (error instanceof OpenAI.APIConnectionTimeoutError) {
    return new RunnelError('provider_timeout', 'The model provider did not answer in time.', { cause: error })
  }
  if (error instanceof OpenAI.APIConnectionError) {
    return new RunnelError('provider_unreachable', 'The model provider cannot be reached.', { cause: error })
  }
  if (error instanceof OpenAI.APIError && typeof error.status === 'number') {
    return statusFailure(error.status, wordsOf(said), error, error.headers)
  }
  return new RunnelError('provider_error', 'The request to the model provider failed.', { cause: error })
}
