/** What is said at addresses of the OpenAI API that are none here: which ones are. */
import type { Request, Response } from 'express'
import { RunnelError } from '../../../shared/errors.ts'
import { answerFailure } from './failure.ts'

const here = 'POST /v1/chat/completions, GET /v1/models and GET /v1/models/{model}'

/** Addresses of the API without the `/v1` that its base URL ends in. */
export const withoutBase = ['/chat/completions', '/completions', '/responses', '/models', '/embeddings']

/** Below `/v1`, where no route is. Throws `not_found`. */
export function unknownAtDoor({ path }: Request): never {
  if (/^\/responses(?:\/|$)/i.test(path))
    throw new RunnelError(
      'not_found',
      'The Responses API is not served here: use Chat Completions, POST /v1/chat/completions, whatever API the model provider speaks.',
    )
  if (/^\/v1(?:\/|$)/i.test(path))
    throw new RunnelError('not_found', 'This address has /v1 twice: the base URL of this server ends in one /v1.')
  throw new RunnelError('not_found', `There is nothing at this address. Of the OpenAI API this server has ${here}.`)
}

export function refuseWithoutBase(_request: Request, response: Response): void {
  const words = `There is nothing at this address: the base URL of the OpenAI API here ends in /v1. This server has ${here}.`
  answerFailure(response, new RunnelError('not_found', words))
}
