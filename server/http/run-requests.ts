/** What every route that starts a run takes, checks and answers. */
import type { Response } from 'express'
import { z } from 'zod'
import { errorRow, isRefusal, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import type { JsonObject, Message } from '../../shared/schema.ts'
import type { Identity } from '../auth/auth.ts'
import { askedAnew, type RunRequest } from '../task/prompt.ts'
import type { Started } from '../task/start.ts'
import type { Asking } from '../task/waiting-messages.ts'
import { refusalHeaders } from './errors.ts'
import { refused, refuseParams, refuseProviderTools } from './params.ts'
import type { Services } from './services.ts'
import { sendJson } from './send-json.ts'
import { jsonObject, messageJson } from './schemas.ts'
import { short } from './validate.ts'

const maxFlushMs = 1_000

export const runFields = {
  model: z.string().min(1).max(200).optional(),
  system: z.string().max(100_000).optional(),
  tools: z
    .array(z.union([z.string().max(200), jsonObject]))
    .max(128)
    .optional()
    .describe(
      "names of the server's tools, and definitions of tools that the caller runs itself; without it all of the server's",
    ),
  params: jsonObject.optional(),
  flushMs: z
    .int()
    .min(1)
    .max(maxFlushMs)
    .optional()
    .describe('ms between two writes of growing text, no fewer than RUNNEL_FLUSH_MS: fewer and larger updates'),
  stream: z.boolean().default(true),
}

export const startedJson = z.object({
  chatId: z.string(),
  taskId: z.string(),
  messageId: z.string(),
  userMessageId: z.string(),
})

/** Of a route that starts a run: 202 with the ids; with `stream: false` the finished message, or 202 with one that waits for somebody. */
export const runResponses = { 200: messageJson, 202: z.union([startedJson, messageJson]) }
export const runErrors = [409, 422, 502, 503, 504]

/** Of one that may have to wait. */
export const askResponses = {
  ...runResponses,
  202: z.union([
    startedJson.extend({
      waitingId: z.string().optional().describe('it waits, and is called so until the answer before it has ended'),
    }),
    messageJson,
  ]),
}

type RunBody = { [Field in keyof typeof runFields]?: z.output<(typeof runFields)[Field]> }

/** What the run asks for; fields that the body leaves out are those of `before`. Throws `bad_request`, `forbidden` (the model). */
export async function runRequestOf(
  { model, system, tools, params, flushMs }: RunBody,
  identity: Identity,
  services: Services,
  { chatId, before }: { chatId?: string; before?: RunRequest } = {},
): Promise<RunRequest> {
  const { models, toolStatus, allowedParams, providerTools } = services
  refuseParams(params ?? {}, allowedParams)
  if (!providerTools) refuseProviderTools(tools ?? [])
  if (flushMs !== undefined) refuseFlushMs(flushMs, 'flushMs', services)
  const missing = await toolStatus.missing((tools ?? []).filter((tool) => typeof tool === 'string'))
  if (missing.length > 0) throw unknownTools(missing)
  // What it was asked with before has them already.
  const defaults = chatId === undefined || before ? {} : await chatDefaults(chatId, identity, services)
  const chosen =
    model === undefined && defaults.choice ? defaults.choice : models.choose(model ?? before?.model, identity.models)
  return {
    ...(before && askedAnew(before)),
    ...(await chosen),
    ...(system !== undefined && { system }),
    ...(tools && { tools }),
    ...((params ?? defaults.params) && { params: { ...defaults.params, ...params } }),
    ...(flushMs !== undefined && { flushMs }),
  }
}

/** Throws `bad_request` for a number that is none, or not within the bounds. */
export function refuseFlushMs(flushMs: number, field: string, { flushMs: least }: Pick<Services, 'flushMs'>): void {
  if (!Number.isInteger(flushMs) || flushMs < least || flushMs > maxFlushMs)
    throw refused(field, `must be from ${least} (RUNNEL_FLUSH_MS) to ${maxFlushMs}.`)
}

/** So many names are repeated. */
const maxNames = 10

function unknownTools(names: readonly string[]): RunnelError {
  const shown = names.slice(0, maxNames).map((name) => JSON.stringify(short(name)))
  const others = names.length - shown.length
  return new RunnelError(
    'bad_request',
    `tools: there is no ${shown.join(', ')}${others > 0 ? ` and ${others} more` : ''} on this server; GET /api/tools lists what there is.`,
    {
      details: {
        fields: shown.map((name) => ({ field: 'tools', message: `not known here: ${name}` })),
        ...(others > 0 && { others }),
      },
    },
  )
}

/** What the chat says, as far as this caller may say it, and the settings of today allow it. */
async function chatDefaults(
  chatId: string,
  identity: Identity,
  { store, models, allowedParams }: Services,
): Promise<{ choice?: Awaited<ReturnType<Services['models']['choose']>>; params?: JsonObject }> {
  const { model, params } = await store.getDefaults(chatId)
  const choice = model === null ? null : await models.choose(model, identity.models).catch(nullWhereRefused)
  return { ...(choice && { choice }), ...(params && mayBeGiven(params, allowedParams) && { params }) }
}

function mayBeGiven(params: JsonObject, allowed: readonly string[] | undefined): boolean {
  try {
    refuseParams(params, allowed)
    return true
  } catch (error) {
    if (isRefusal(error)) return false
    throw error
  }
}

function nullWhereRefused(error: unknown): null {
  if (isRefusal(error)) return null
  throw error
}

/** Answers with the ids at once, also of what waits for another answer; with `stream: false` when the run has ended, or waits for somebody who must first see it. */
export async function answerStarted(
  response: Response,
  started: Asking,
  stream: boolean,
  services: Services,
): Promise<void> {
  if (stream || started.waitingId !== undefined) return void response.status(202).json(started)
  const message = await finished(started, services)
  if (message.status === 'waiting') response.status(202)
  if (message.status !== 'failed' || !message.error) return await sendJson(response, message)
  const { code, message: sentence } = message.error
  const { http, retryable } = errorRow(code)
  refusalHeaders(response, http, retryable)
  response.status(http)
  await sendJson(response, { error: { code: code as ErrorCode, message: sentence, details: { message } } })
}

async function finished(started: Started, { tasks, store, messages }: Services): Promise<Message> {
  const run = tasks.ofMessage(started.messageId)
  if (run?.taskId === started.taskId) return await run.untilItNeedsNobody()
  const row = await store.getRow(started.messageId)
  if (!row) throw new RunnelError('not_found', 'The message has been deleted.')
  return await messages.read(row)
}
