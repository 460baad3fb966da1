/** The OpenAI API: programs that speak it get answers that also are documents (`docs/DOOR.md`). */
import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { bringsResults, completionBody, customToolsOf, questionOf, runRequestOfBody } from './door/body.ts'
import { ChunkEncoder } from './door/chunks.ts'
import { completionJson, completionOf } from './door/completion.ts'
import { doorRoute } from './door/door-route.ts'
import { answerFailure } from './door/failure.ts'
import type { ModelInfo } from '../provider/models.ts'
import { route } from './route.ts'
import { short } from './validate.ts'

const modelJson = z.object({
  id: z.string(),
  object: z.literal('model'),
  created: z.int(),
  owned_by: z.string(),
  name: z.string().optional(),
  context_length: z.int().optional(),
  architecture: z.object({ input_modalities: z.array(z.string()) }).optional(),
  supported_parameters: z.array(z.string()).optional(),
})

export const completionRoutes = [
  doorRoute({
    path: '/v1/chat/completions',
    summary: 'The OpenAI API: an answer that also is a document, in the chat of X-Runnel-Chat-Id or in an unlisted one',
    body: completionBody,
    whole: { 'application/json': completionJson, 'text/event-stream': z.string() },
    asked: async (body, identity, services) => ({
      request: await runRequestOfBody(body, identity, services),
      question: questionOf(body.messages),
      goesOn: bringsResults(body.messages),
      stream: body.stream ?? false,
    }),
    speech(body) {
      const customTools = customToolsOf(body)
      const includeUsage = body.stream_options?.include_usage === true
      return {
        encoder: (message) => new ChunkEncoder(message, includeUsage, customTools),
        whole: (message, finishReason) => completionOf(message, finishReason, customTools),
        refuse: answerFailure,
      }
    },
  }),

  route({
    method: 'get',
    path: '/v1/models',
    access: 'signedIn',
    openAiErrors: true,
    summary: 'The models that may be named',
    responses: { 200: z.object({ object: z.literal('list'), data: z.array(modelJson) }) },
    handle({ response, identity }, { models }) {
      response.json({ object: 'list', data: models.list(identity.models).map(modelOf) })
    },
  }),

  route({
    method: 'get',
    path: '/v1/models/:model',
    slashes: true,
    access: 'signedIn',
    openAiErrors: true,
    summary: 'A model',
    responses: { 200: modelJson },
    handle({ response, identity, params }, { models }) {
      const model = models.list(identity.models).find(({ id }) => id === params['model'])
      if (!model)
        throw new RunnelError('not_found', `There is no model ${JSON.stringify(short(params['model']!))} here.`)
      response.json(modelOf(model))
    },
  }),
]

/** What a model can is said as OpenRouter says it: clients read it, and so does a Runnel before this one. */
function modelOf({
  id,
  provider,
  name,
  images,
  tools,
  reasoning,
  contextTokens,
}: ModelInfo): z.output<typeof modelJson> {
  const can = [...(tools ? ['tools', 'tool_choice'] : []), ...(reasoning ? ['reasoning'] : [])]
  return {
    id,
    object: 'model',
    created: 0,
    owned_by: provider,
    ...(name !== undefined && { name }),
    ...(contextTokens !== undefined && { context_length: contextTokens }),
    ...(images !== undefined && { architecture: { input_modalities: images ? ['text', 'image'] : ['text'] } }),
    ...(tools !== undefined && reasoning !== undefined && { supported_parameters: can }),
  }
}
