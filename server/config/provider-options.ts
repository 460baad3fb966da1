/** What an entry of `providers` may say: its types for programs, its schemas for what came. */
import { z } from 'zod'
import { integer, isThinkTag, text, webUrl } from './setting-values.ts'

/** What a request to a server that speaks the OpenAI API takes. */
export interface UpstreamOptions {
  /** Default: https://api.openai.com/v1 */
  baseUrl?: string
  /** None: no Authorization header is sent. */
  apiKey?: string | undefined
  /** The file that the key stands in; it is read once, at the start. */
  apiKeyFile?: string | undefined
  /** `auto` (the default): Responses for api.openai.com, else Chat Completions. */
  api?: 'auto' | 'chat' | 'responses'
  /** Sent with each request. What they say is hidden like a key wherever others quote it. */
  headers?: Readonly<Record<string, string>>
  /** Parameters of each request (temperature, …): those of the request itself stand over them. */
  params?: Readonly<Record<string, unknown>>
  /** A provider that is silent for so long while it is awaited has failed. Default: RUNNEL_PROVIDER_IDLE_MS. */
  idleMs?: number
  /** One of which nothing but signs of life comes for so long (comments, pings) has failed. Default: RUNNEL_PROVIDER_COMMENT_MS. */
  commentMs?: number
  /** Tags that open thoughts in a text of Chat Completions. Default: RUNNEL_THINK_TAGS. */
  thinkTags?: readonly string[]
  /** Neighbours of one role become one message. Default: RUNNEL_STRICT_TURNS. */
  strictTurns?: boolean
  /** Which unsigned reasoning goes back to it. Default: RUNNEL_SEND_REASONING. */
  sendReasoning?: 'run' | 'calls' | 'all'
  /** Further tries before the first byte of an answer (429, 5xx, no connection). Default: 2. */
  maxRetries?: number
  /** Tells the provider which user asks: in `user` (true), or in the field that is named. */
  user?: boolean | 'user' | 'safety_identifier'
  /** Tells it in this header, `X-User-Id`. */
  userHeader?: string
}

/** A model, with what is known of it. */
export interface ModelOptions {
  /** As the provider calls it, or with `*`: all of its list that fit. */
  id: string
  /** For people. */
  name?: string
  /** It reads images. */
  images?: boolean
  /** It calls tools. */
  tools?: boolean
  reasoning?: boolean
  contextTokens?: number
  /** In place of that of the provider. */
  fallback?: readonly string[]
}

/** What an upstream has to answer with. */
export interface OfferOptions {
  /**
   * The models that may be asked. Those with `*` are patterns for what `GET /models` lists; `'listed'` is all of it. Not
   * set: any name is passed on, behind the provider's own, and none is listed.
   */
  models?: 'listed' | readonly (string | ModelOptions)[]
  /** For so long a list that was read counts as new, ms. Default: ten minutes. */
  listMs?: number
  /** Who is asked instead, in this order, where this one does not answer before the first token. */
  fallback?: readonly string[]
}

const names = z.array(z.string().trim().min(1, 'must not be blank'), 'must be a list of names of models').readonly()

export const modelOptions = z.strictObject({
  id: z
    .string('must be the name of a model')
    .trim()
    .min(1, 'must not be blank')
    .max(150, 'must have 150 characters or fewer'),
  name: text.max(200).optional(),
  images: z.boolean('must be true or false').optional(),
  tools: z.boolean('must be true or false').optional(),
  reasoning: z.boolean('must be true or false').optional(),
  contextTokens: integer(1).optional(),
  fallback: names.optional(),
})

export const models = z.union([z.literal('listed'), z.array(z.union([modelOptions.shape.id, modelOptions]))])

const offerFields = {
  models: models.optional(),
  listMs: integer(100).optional(),
  fallback: names.optional(),
}

const headerName = z
  .string()
  .regex(/^[\w!#$%&'*+.^`|~-]{1,100}$/, 'must be the name of a header')
  .refine((name) => !serverHeaders.has(name.toLowerCase()), 'is a header that the server writes itself')

/** Of the connection and the body: not for anybody to say. */
const serverHeaders = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'content-type',
  'host',
  'keep-alive',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
])

/** An id of a user in their place would lose the key, or the request's own id. */
const takenHeaders = new Set(['authorization', 'proxy-authorization', 'x-request-id', 'accept'])

/** Node's timers take no more. */
const timer = integer(10).max(2 ** 31 - 1)

const upstreamFields = {
  baseUrl: webUrl.optional(),
  apiKey: text.optional(),
  apiKeyFile: text.optional(),
  api: z.enum(['auto', 'chat', 'responses'], 'must be auto, chat or responses').optional(),
  headers: z
    .record(headerName, z.string('must be text').refine(isHeaderValue, 'must be a line of plain characters'))
    .optional(),
  params: z.record(z.string(), z.unknown()).optional(),
  idleMs: timer.optional(),
  commentMs: timer.optional(),
  thinkTags: z.array(z.string().refine(isThinkTag, 'must be an opening tag such as <think> or [THINK]')).optional(),
  strictTurns: z.boolean('must be true or false').optional(),
  sendReasoning: z.enum(['run', 'calls', 'all'], 'must be run, calls or all').optional(),
  maxRetries: integer(0).max(10).optional(),
  user: z
    .union([z.boolean(), z.enum(['user', 'safety_identifier'])], 'must be true, user or safety_identifier')
    .optional(),
  userHeader: headerName
    .refine((name) => !takenHeaders.has(name.toLowerCase()), 'carries something else already: name another header')
    .optional(),
}

function isHeaderValue(value: string): boolean {
  try {
    return new Headers([['x', value]]).get('x') === value
  } catch {
    return false
  }
}

export const offer = z.strictObject(offerFields)
export const upstream = z.strictObject(upstreamFields)
export const named = z.strictObject({ ...upstreamFields, ...offerFields })
export const ownNamed = z.strictObject({
  provider: z.custom<(...given: never[]) => unknown>(
    (value) => typeof value === 'function',
    'must be a function (request, signal) => events',
  ),
  ...offerFields,
})
