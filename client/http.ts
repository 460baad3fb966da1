import { errorCodes, RunnelError, type ErrorCode } from '../shared/errors.ts'
import type { Json } from '../shared/schema.ts'
import type { TokenSource } from './connection-state.ts'
import { fetchWithProgress, type RequestWithProgress } from './upload.ts'

export interface ApiOptions {
  /** http(s) base of the server, no slash at its end. */
  url: string
  token?: TokenSource | undefined
  fetch?: typeof fetch | undefined
  /** Told of each run that was begun. */
  started?: () => void
}

export interface CallOptions {
  signal?: AbortSignal | undefined
}

type Request = RequestWithProgress & { headers: Record<string, string> }

/** An answer that has arrived whole. */
interface Answered {
  status: number
  headers: Headers
  body: Blob
}

/** Requests to the server, each with a token that is good by now. They throw as `Api` says. */
export class Http {
  readonly #url: string
  readonly #token: TokenSource | undefined
  readonly #fetch: typeof fetch

  constructor(options: ApiOptions) {
    this.#url = options.url
    this.#token = options.token
    this.#fetch = options.fetch ?? fetchWithProgress
  }

  async bytes(path: string, options: CallOptions): Promise<Blob> {
    return (await this.answer(path, options)).body
  }

  /** What is no JSON, with its headers. */
  async answer(path: string, { signal }: CallOptions): Promise<Omit<Answered, 'status'>> {
    const answer = await this.#fetchAgain(path, { method: 'GET', headers: {}, signal: signal ?? null })
    if (answer.status < 300) return answer
    throw errorOf(answer.status, parse(await answer.body.text()))
  }

  /** Sends JSON, or a form, and reads JSON. */
  async call<Answer>(
    method: string,
    path: string,
    { signal }: CallOptions,
    body?: object,
    headers: Record<string, string> = {},
    onProgress?: (sent: number) => void,
  ): Promise<Answer> {
    const isForm = body instanceof FormData
    if (body !== undefined && !isForm) headers['content-type'] = 'application/json'
    const sent = body === undefined ? null : isForm ? body : JSON.stringify(body)
    // What is deleted while a page is left is deleted all the same.
    const keepalive = method === 'DELETE'
    const request = {
      method,
      headers,
      signal: signal ?? null,
      body: sent,
      keepalive,
      ...(onProgress && { onProgress }),
    }
    const answer = await this.#fetchAgain(path, request)
    const { status } = answer
    // 204: done, and nothing to say.
    if (status === 204) return undefined as Answer
    const json = parse(await answer.body.text())
    if (status < 300 && json !== undefined) return json as Answer
    throw errorOf(status, json)
  }

  /** A second time where the token had expired, and its source may have a fresh one. Nothing was done yet. */
  async #fetchAgain(path: string, request: Request): Promise<Answered> {
    const answer = await this.#fetchOnce(path, request)
    return answer.status === 401 && typeof this.#token === 'function' ? await this.#fetchOnce(path, request) : answer
  }

  async #fetchOnce(path: string, request: Request): Promise<Answered> {
    const token = typeof this.#token === 'function' ? await this.#token() : this.#token
    if (token !== undefined) request.headers.authorization = `Bearer ${token}`
    try {
      const response = await this.#fetch(this.#url + path, request)
      return { status: response.status, headers: response.headers, body: await response.blob() }
    } catch (error) {
      request.signal?.throwIfAborted()
      throw new RunnelError('internal', 'The server cannot be reached.', { cause: error })
    }
  }
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json
  } catch {
    return undefined
  }
}

/** `{error: {code, message, details?}}` as it was thrown on the server; a proxy's page becomes `internal`. */
function errorOf(status: number, json: Json | undefined): RunnelError {
  const { error } = (json ?? {}) as { error?: { code?: string; message?: string; details?: unknown } }
  const code = errorCodes.find((known) => known === error?.code) ?? codeOfStatus(status)
  return new RunnelError(code, error?.message ?? `The server answered ${status}.`, { details: error?.details })
}

function codeOfStatus(status: number): ErrorCode {
  if (status === 401) return 'unauthenticated'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not_found'
  return status === 429 ? 'rate_limited' : status === 503 ? 'overloaded' : 'internal'
}
