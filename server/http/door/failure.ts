/** Failures in the shape of the OpenAI API. */
import type { Response } from 'express'
import { z } from 'zod'
import type { JsonObject } from '../../../shared/schema.ts'
import { mayPass } from '../../provider/implied-status.ts'
import { refusalHeaders } from '../errors.ts'
import { authStatus, statusOf, typeOf } from './failure-status.ts'
import type { Failure } from './outcome.ts'

export const openAiErrorJson = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.union([z.string(), z.int()]),
  }),
})

/** `{error: {message, type, param, code}}`: the provider's own words, where it had any. */
export function failureBody(failure: Failure): JsonObject {
  const { code, message, details, upstream = {} } = failure
  const status = statusOf(failure)
  // Of the server's own key: nobody at the door is to take it for theirs.
  const own = status === authStatus && upstream.status !== authStatus
  return {
    error: {
      message,
      type: (own ? undefined : upstream.type) ?? typeOf(status),
      param: upstream.param ?? firstField(details),
      code: (own ? undefined : upstream.code) ?? code,
    },
  }
}

/** Answers with the failure, while nothing has been answered yet. */
export function answerFailure(response: Response, failure: Failure): void {
  const status = statusOf(failure)
  const isRepeated = mayPass(status)
  const { retryAfterMs } = failure.upstream ?? {}
  if (isRepeated && retryAfterMs !== undefined)
    response.set({ 'Retry-After': String(Math.ceil(retryAfterMs / 1_000)), 'Retry-After-Ms': String(retryAfterMs) })
  refusalHeaders(response, status, isRepeated)
  if (!isRepeated) response.set('X-Should-Retry', 'false')
  response.status(status).json(failureBody(failure))
}

/** The first field that a schema found wrong. */
function firstField(details: unknown): string | null {
  return (details as { fields?: { field: string }[] } | undefined)?.fields?.[0]?.field ?? null
}
