/** The request to the provider, made by its SDK: authentication, retries, errors. */
import OpenAI from 'openai'
import { RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { statusFailure } from './failures.ts'
import type { Upstream } from './upstream.ts'

export interface Connection {
  apiKey: string | undefined
  baseURL: string
  idleMs: number
  maxRetries: number
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
    fetch: (url, init) => attempt(url, init, upstream),
  })
  upstream.limit(connection.idleMs)
  try {
    return await client
      .post(path, {
        body,
        stream: true,
        signal: upstream.signal,
        ...(requestId !== undefined && { headers: { 'X-Request-Id': requestId } }),
      })
      .asResponse()
  } catch (error) {
    upstream.throwIfAborted()
    throw upstream.silence ?? failureOf(error)
  }
}

/** One attempt. Only while it runs is the provider awaited; an error's body is read here, within the time limit. */
async function attempt(
  url: string | URL | Request,
  init: RequestInit | undefined,
  upstream: Upstream,
): Promise<Response> {
  upstream.awaits()
  try {
    const response = await fetch(url, { ...init, redirect: 'manual' })
    if (response.ok) return response
    if (response.status < 400) {
      void response.body?.cancel().catch(() => {})
      return new Response(null, { status: response.status })
    }
    return new Response(await textOf(response), { status: response.status, headers: response.headers })
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

function failureOf(error: unknown): RunnelError {
  if (error instanceof OpenAI.APIConnectionTimeoutError) {
    return new RunnelError('provider_timeout', 'The model provider did not answer in time.', { cause: error })
  }
  if (error instanceof OpenAI.APIConnectionError) {
    return new RunnelError('provider_unreachable', 'The model provider cannot be reached.', { cause: error })
  }
  if (error instanceof OpenAI.APIError && typeof error.status === 'number') {
    return statusFailure(error.status, error.error ?? unparsed(error.message), error)
  }
  return new RunnelError('provider_error', 'The request to the model provider failed.', { cause: error })
}

/** The SDK puts what is no JSON error object into the message, behind the status. */
function unparsed(message: string): string {
  return message.replace(/^\d+ /, '').replace('status code (no body)', '')
}
