/** What every route that starts a run takes, checks and answers. */
import type { Response } from 'express'
import { z } from 'zod'
import { errorRow, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import type { Message } from '../../shared/schema.ts'
import type { Identity } from '../auth/auth.ts'
import type { RunRequest } from '../task/prompt.ts'
import type { Started } from '../task/start.ts'
import { refusalHeaders } from './errors.ts'
import { refuseParams, refuseProviderTools } from './params.ts'
import type { Services } from './services.ts'
import { sendJson } from './send-json.ts'
import { jsonObject, messageJson } from './schemas.ts'
import { short } from './validate.ts'

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
  stream: z.boolean().default(true),
}

const startedJson = z.object({
  chatId: z.string(),
  taskId: z.string(),
  messageId: z.string(),
  userMessageId: z.string(),
})

/** Of a route that starts a run: 202 with the ids; with `stream: false` the finished message, or 202 with one that waits for somebody. */
export const runResponses = { 200: messageJson, 202: z.union([startedJson, messageJson]) }
export const runErrors = [409, 422, 502, 503, 504]

type RunBody = { [Field in keyof typeof runFields]?: z.output<(typeof runFields)[Field]> }

/** What the run asks for; fields that the body leaves out are those of `before`. Throws `bad_request`, `forbidden` (the model). */
export async function runRequestOf(
  { model, system, tools, params }: RunBody,
  identity: Identity,
  { models, tools: known, allowedParams, providerTools }: Services,
  before?: RunRequest,
): Promise<RunRequest> {
  refuseParams(params ?? {}, allowedParams)
  if (!providerTools) refuseProviderTools(tools ?? [])
  const missing = known.missing(tools ?? [])
  if (missing !== undefined)
    throw new RunnelError('bad_request', `tools: there is no tool ${JSON.stringify(short(missing))} on this server.`, {
      details: { fields: [{ field: 'tools', message: 'is not known' }] },
    })
  const { continues: _, decision: _said, fallback: _others, ...rest } = before ?? {}
  return {
    ...rest,
    ...(await models.choose(model ?? before?.model, identity.models)),
    ...(system !== undefined && { system }),
    ...(tools && { tools }),
    ...(params && { params }),
  }
}

/** Answers with the ids at once; with `stream: false` when the run has ended, or waits for somebody who must first see it. */
export async function answerStarted(
  response: Response,
  started: Started,
  stream: boolean,
  services: Services,
): Promise<void> {
  if (stream) return void response.status(202).json(started)
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
