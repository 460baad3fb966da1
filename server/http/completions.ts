/** The OpenAI API: programs that speak it get answers that also are documents (`docs/DOOR.md`). */
import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { bringsResults, completionBody, questionOf, runRequestOfBody } from './door/body.ts'
import { ChunkEncoder } from './door/chunks.ts'
import { completionJson, completionOf } from './door/completion.ts'
import { doorRoute } from './door/door-route.ts'
import { answerFailure } from './door/failure.ts'
import type { Services } from './services.ts'
import { route } from './route.ts'
import { short } from './validate.ts'

const modelJson = z.object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() })

export const completionRoutes = [
  doorRoute({
    path: '/v1/chat/completions',
    summary: 'The OpenAI API: an answer that also is a document, in the chat of X-Runnel-Chat-Id or in an unlisted one',
    body: completionBody,
    whole: { 'application/json': completionJson, 'text/event-stream': z.string() },
    asked: (body, services) => ({
      request: runRequestOfBody(body, services),
      question: questionOf(body.messages),
      goesOn: bringsResults(body.messages),
      stream: body.stream ?? false,
    }),
    speech: ({ stream_options: options }) => ({
      encoder: (message) => new ChunkEncoder(message, options?.include_usage === true),
      whole: completionOf,
      refuse: answerFailure,
    }),
  }),

  route({
    method: 'get',
    path: '/v1/models',
    access: 'signedIn',
    openAiErrors: true,
    summary: 'The models that may be named',
    responses: { 200: z.object({ object: z.literal('list'), data: z.array(modelJson) }) },
    handle({ response }, services) {
      response.json({ object: 'list', data: namesOf(services).map(modelOf) })
    },
  }),

  route({
    method: 'get',
    path: '/v1/models/:model',
    access: 'signedIn',
    openAiErrors: true,
    summary: 'A model',
    responses: { 200: modelJson },
    handle({ response, params }, services) {
      const model = params['model']!
      if (!namesOf(services).includes(model))
        throw new RunnelError('not_found', `There is no model ${JSON.stringify(short(model))} here.`)
      response.json(modelOf(model))
    },
  }),
]

function namesOf({ models, defaultModel }: Services): readonly string[] {
  return models ?? [defaultModel]
}

function modelOf(id: string): z.output<typeof modelJson> {
  return { id, object: 'model', created: 0, owned_by: 'runnel' }
}
