/** What a fake provider plays: one script for each request. */

/** One thing that a fake provider does within a streamed answer. */
export type Step =
  | { type: 'text' | 'reasoning' | 'refusal'; text: string }
  /** `arguments` are sent in these fragments. */
  | { type: 'tool_call'; id: string; name: string; arguments: string[] }
  /** Ends the answer well, with its finish reason and its usage. */
  | { type: 'finish'; reason?: FakeFinish; usage?: FakeUsage }
  /** An error in the middle of the stream; nothing is sent behind it. */
  | { type: 'error'; message: string }
  /** Sent as it is. */
  | { type: 'raw'; data: string | Uint8Array }
  | { type: 'comment'; text: string }
  | { type: 'wait'; ms: number }
  /** Sends nothing more and never closes. */
  | { type: 'stall' }
  /** Destroys the socket. */
  | { type: 'cut' }

export type FakeFinish = 'stop' | 'length' | 'tool_calls' | 'content_filter'

export interface FakeUsage {
  inputTokens: number
  outputTokens: number
}

/** How a recorded body is cut into network writes: as one, byte by byte, by a seed, or by these byte lengths. */
export type Cuts = 'whole' | 'bytes' | { seed: number; maxBytes?: number } | readonly number[]

interface Delivery {
  /** Destroys the socket after so many bytes of the body. */
  cutAfterBytes?: number
  /** Goes on sending when the client has hung up, as if it had not noticed. */
  ignoresHangUp?: boolean
}

export type Script =
  /** Steps, encoded for the API that the request came by. `splitBytes`: no write is larger. */
  | ({ kind: 'answer'; steps: Iterable<Step> | AsyncIterable<Step>; splitBytes?: number } & Delivery)
  /** `intervalMs`: time between two writes. */
  | ({ kind: 'recorded'; body: Uint8Array; cuts: Cuts; intervalMs?: number } & Delivery)
  /** Any HTTP answer that is no stream. */
  | { kind: 'reply'; status: number; headers?: Record<string, string>; body: string }
  /** Accepts the connection and drops it before it answers. */
  | { kind: 'drop' }
  /** Takes the request and never answers. */
  | { kind: 'silent' }

export interface AnswerOptions extends Delivery {
  /** Tokens, each a chunk of its own; a string is cut behind its spaces. */
  text?: string | string[]
  reasoning?: string | string[]
  refusal?: string
  toolCalls?: { id: string; name: string; arguments: string | string[] }[]
  /** Default: `tool_calls` if there are any, else `stop`. */
  finish?: FakeFinish
  usage?: FakeUsage
  /** Time between two chunks. Default: none. */
  intervalMs?: number
  /** After so many chunks: stall, cut the connection, or send an error with this message. */
  after?: { chunks: number; fault: 'stall' | 'cut' | { error: string } }
  splitBytes?: number
}

/** An answer: reasoning, text, refusal, calls, finish, in this order, with a fault if one is asked for. */
export function answer(options: AnswerOptions): Script {
  const { after, intervalMs = 0 } = options
  const chunks: Step[] = [
    ...tokens(options.reasoning).map((text) => ({ type: 'reasoning' as const, text })),
    ...tokens(options.text).map((text) => ({ type: 'text' as const, text })),
    ...tokens(options.refusal).map((text) => ({ type: 'refusal' as const, text })),
    ...(options.toolCalls ?? []).map((call) => ({
      type: 'tool_call' as const,
      id: call.id,
      name: call.name,
      arguments: typeof call.arguments === 'string' ? [call.arguments] : call.arguments,
    })),
  ]
  const sent = after ? chunks.slice(0, after.chunks) : chunks
  const steps = sent.flatMap((step): Step[] => (intervalMs > 0 ? [step, { type: 'wait', ms: intervalMs }] : [step]))
  if (after)
    steps.push(typeof after.fault === 'string' ? { type: after.fault } : { type: 'error', message: after.fault.error })
  else {
    steps.push({
      type: 'finish',
      reason: options.finish ?? (options.toolCalls?.length ? 'tool_calls' : 'stop'),
      ...(options.usage ? { usage: options.usage } : {}),
    })
  }
  return { kind: 'answer', steps, ...only(options, 'splitBytes', 'cutAfterBytes', 'ignoresHangUp') }
}

/** A recorded body, cut as asked. */
export function recorded(body: string | Uint8Array, cuts: Cuts = 'whole', delivery: Delivery = {}): Script {
  return { kind: 'recorded', body: typeof body === 'string' ? new TextEncoder().encode(body) : body, cuts, ...delivery }
}

/** An error as OpenAI answers it. */
export function httpError(status: number, message: string, headers: Record<string, string> = {}): Script {
  const body = JSON.stringify({ error: { message, type: 'fake_error', code: null, param: null } })
  return { kind: 'reply', status, headers: { 'content-type': 'application/json', ...headers }, body }
}

/** 429 with Retry-After; below a second the SDK's own header says it. */
export function rateLimited(retryAfterMs: number): Script {
  const headers: Record<string, string> =
    retryAfterMs < 1000 ? { 'retry-after-ms': String(retryAfterMs) } : { 'retry-after': String(retryAfterMs / 1000) }
  return httpError(429, 'Rate limit reached.', headers)
}

/** A page of HTML with status 200, as a proxy or a wrong base URL gives it. */
export function webPage(): Script {
  return {
    kind: 'reply',
    status: 200,
    headers: { 'content-type': 'text/html' },
    body: '<!doctype html><title>Sign in</title>',
  }
}

function tokens(text: string | string[] | undefined): string[] {
  if (text === undefined) return []
  return typeof text === 'string' ? text.split(/(?<= )/).filter((token) => token !== '') : text
}

function only<T extends object, K extends keyof T>(object: T, ...keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => object[key] !== undefined).map((key) => [key, object[key]])) as Pick<
    T,
    K
  >
}
