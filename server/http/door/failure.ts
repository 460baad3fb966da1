/** Failures in the shape of the OpenAI API. */
import type { Response } from 'express'
import { z } from 'zod'
import { errorRow } from '../../../shared/errors.ts'
import type { JsonObject } from '../../../shared/schema.ts'
import { refusalHeaders } from '../errors.ts'
import type { Failure } from './outcome.ts'

export const openAiErrorJson = z.object({
  error: z.object({ message: z.string(), type: z.string(), param: z.string().nullable(), code: z.string() }),
})

/** Where OpenAI's clients look for another status than ours: what a provider refuses came from the caller, as it was sent. */
const ownRows: Record<string, { http: number; retryable: boolean }> = {
  stopped: { http: 409, retryable: false },
  provider_rejected: { http: 400, retryable: false },
  provider_rate_limited: { http: 429, retryable: true },
}

const types: Record<number, string> = {
  401: 'authentication_error',
  403: 'permission_error',
  409: 'conflict_error',
  429: 'rate_limit_error',
}

/** `{error: {message, type, param, code}}`. */
export function failureBody({ code, message, details }: Failure): JsonObject {
  const { http } = rowOf(code)
  return {
    error: {
      message,
      type: types[http] ?? (http < 500 ? 'invalid_request_error' : 'server_error'),
      param: firstField(details),
      code,
    },
  }
}

/** Answers with the failure, while nothing has been answered yet. */
export function answerFailure(response: Response, failure: Failure): void {
  const { http, retryable } = rowOf(failure.code)
  refusalHeaders(response, http, retryable)
  // The SDKs repeat every 409 and 5xx, unless they are told.
  if (!retryable) response.set('X-Should-Retry', 'false')
  response.status(http).json(failureBody(failure))
}

function rowOf(code: string): { http: number; retryable: boolean } {
  return ownRows[code] ?? errorRow(code)
}

/** The first field that a schema found wrong. */
function firstField(details: unknown): string | null {
  return (details as { fields?: { field: string }[] } | undefined)?.fields?.[0]?.field ?? null
}
