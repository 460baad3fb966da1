/** What a fake provider plays: one script for each request. */
import type { Cuts } from './cuts.ts'
import { checkFields } from './known-fields.ts'
import type { ReceivedRequest } from './received-request.ts'

/** One thing that a fake provider does within an answer. */
export type Step =
  | { type: 'text' | 'reasoning' | 'refusal'; text: string; choice?: number }
  /** `arguments` are sent in these fragments. */
  | { type: 'tool_call'; id: string; name: string; arguments: string[]; choice?: number }
  /** A fragment of the call with this number; the first has `id` and `name`. Fragments of several calls may interleave. */
  | { type: 'call_part'; call: number; id?: string; name?: string; arguments: string; choice?: number }
  /** Ends the answer well, with its finish reason and its usage; `more`: only this choice, others go on. */
  | { type: 'finish'; reason?: FakeFinish; usage?: FakeUsage; choice?: number; more?: boolean }
  /** An error in the middle of the stream; nothing is sent behind it. In a whole answer it is HTTP 500. */
  | { type: 'error'; message: string; code?: string; param?: string }
  /** Sent as it is; left out of a whole answer. */
  | { type: 'raw'; data: string | Uint8Array }
  | { type: 'comment'; text: string }
  | { type: 'wait'; ms: number }
  /** Sends nothing more and never closes. */
  | { type: 'stall' }
  /** Closes the connection without an end. */
  | { type: 'cut' }
  /** The same by RST: what is on the way may be lost. */
  | { type: 'reset' }

/** What an API has frames for. */
export type Content = Extract<
  Step,
  { type: 'text' | 'reasoning' | 'refusal' | 'tool_call' | 'call_part' | 'finish' | 'error' }
>

export type FakeFinish = 'stop' | 'length' | 'tool_calls' | 'content_filter'

export interface FakeUsage {
  inputTokens: number
  outputTokens: number
}

/** How an answer goes over the line. */
export interface Delivery {
  /** Destroys the socket after so many bytes of the body. */
  cutAfterBytes?: number
  /** Goes on sending when the client has hung up, as if it had not noticed. */
  ignoresHangUp?: boolean
  /** Before the status line. */
  headersAfterMs?: number
  /** Of the body. */
  bytesPerSecond?: number
  /** Compressed, where the client takes it, and flushed with each write. */
  gzip?: boolean
}

export interface KeepAlive {
  data: string
  everyMs: number
}

export type Script =
  /** Steps, encoded for the API that the request came by, as a stream or whole, as it asks. `splitBytes`: no write is larger. */
  | ({ kind: 'answer'; steps: Iterable<Step> | AsyncIterable<Step>; splitBytes?: number } & Delivery)
  /** A recorded body. `intervalMs`: time between two writes. `keepAlive`: sent behind it for ever; nothing ends. */
  | ({ kind: 'recorded'; body: Uint8Array; cuts: Cuts; intervalMs?: number; keepAlive?: KeepAlive } & Delivery)
  /** Any HTTP answer that is no stream. */
  | { kind: 'reply'; status: number; headers?: Record<string, string>; body: string; headersAfterMs?: number }
  /** Accepts the connection and drops it before it answers. */
  | { kind: 'drop' }
  /** The same by RST. */
  | { kind: 'reset' }
  /** Takes the request and never answers. */
  | { kind: 'silent' }

/** A script, or what makes one of the request. */
export type Answering = Script | ((request: ReceivedRequest) => Script | Promise<Script>)

export const DELIVERY_FIELDS = ['cutAfterBytes', 'ignoresHangUp', 'headersAfterMs', 'bytesPerSecond', 'gzip'] as const

const KINDS: Record<Script['kind'], readonly string[]> = {
  answer: ['steps', 'splitBytes', ...DELIVERY_FIELDS],
  recorded: ['body', 'cuts', 'intervalMs', 'keepAlive', ...DELIVERY_FIELDS],
  reply: ['status', 'headers', 'body', 'headersAfterMs'],
  drop: [],
  reset: [],
  silent: [],
}

/** Throws for what is no script. */
export function checkScript(script: Script): void {
  const known = Object.hasOwn(KINDS, script?.kind) ? KINDS[script.kind] : undefined
  if (known === undefined)
    throw new TypeError(`There is no script of the kind "${script?.kind}", only ${Object.keys(KINDS).join(', ')}.`)
  checkFields(`A script of the kind ${script.kind}`, script, ['kind', ...known])
}

const STEPS: Record<Step['type'], true> = {
  text: true,
  reasoning: true,
  refusal: true,
  tool_call: true,
  call_part: true,
  finish: true,
  error: true,
  raw: true,
  comment: true,
  wait: true,
  stall: true,
  cut: true,
  reset: true,
}

export function checkStep(step: Step): void {
  if (!Object.hasOwn(STEPS, step?.type))
    throw new TypeError(`There is no step of the type "${step?.type}", only ${Object.keys(STEPS).join(', ')}.`)
}
