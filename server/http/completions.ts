/** The OpenAI API: programs that speak it get answers that also are documents (`docs/DOOR.md`). */
import type { Request } from 'express'
import { z } from 'zod'
import type { Identity } from '../auth/auth.ts'
import { RunnelError } from '../../shared/errors.ts'
import { requestIdOf } from '../operation/request-id.ts'
import type { Started } from '../task/start.ts'
import { claimOf } from './claims.ts'
import {
  bringsResults,
  completionBody,
  questionOf,
  runRequestOfBody,
  titleOf,
  type CompletionBody,
} from './door/body.ts'
import { chatHeader, makeUnlistedChat, namedChat } from './door/chat.ts'
import { completionJson, completionOf, outcomeOf } from './door/completion.ts'
import { answerFailure } from './door/failure.ts'
import type { Places } from './places.ts'
import { route } from './route.ts'
import { short } from './validate.ts'
import { sendJson } from './send-json.ts'

const detachHeader = 'X-Runnel-Detach'

const modelJson = z.object({ id: z.string(), object: z.literal('model'), created: z.int(), owned_by: z.string() })

export const completionRoutes = [
  route({
    method: 'post',
    path: '/v1/chat/completions',
    access: 'signedIn',
    repeatable: true,
    openAiErrors: true,
    headers: { [chatHeader]: 'a chat to write into', [detachHeader]: 'true: a hang-up does not stop the run' },
    summary: 'The OpenAI API: an answer that also is a document, in the chat of X-Runnel-Chat-Id or in an unlisted one',
    body: completionBody,
    responses: { 200: { 'application/json': completionJson, 'text/event-stream': z.string() } },
    errors: [404, 409, 500, 502, 504],
    async handle({ request, response, identity, body }, places) {
      const started = await startRun(request, requestIdOf(response), identity, body, places)
      response.set({
        [chatHeader]: started.chatId,
        'X-Runnel-Message-Id': started.messageId,
        'X-Runnel-Task-Id': started.taskId,
      })
      if (request.get(detachHeader) !== 'true') places.door.stopsWith(response, started)
      if (body.stream)
        return await places.door.stream(response, identity, started, body.stream_options?.include_usage === true)
      const message = await places.door.ended(started)
      if (response.destroyed) return
      // Much may have happened since it was asked.
      await places.access.message(identity, started.messageId)
      const outcome = outcomeOf(message)
      if ('failure' in outcome) answerFailure(response, outcome.failure)
      else await sendJson(response, completionOf(message, outcome.finishReason))
    },
  }),

  route({
    method: 'get',
    path: '/v1/models',
    access: 'signedIn',
    openAiErrors: true,
    summary: 'The models that may be named',
    responses: { 200: z.object({ object: z.literal('list'), data: z.array(modelJson) }) },
    handle({ response }, places) {
      response.json({ object: 'list', data: namesOf(places).map(modelOf) })
    },
  }),

  route({
    method: 'get',
    path: '/v1/models/:model',
    access: 'signedIn',
    openAiErrors: true,
    summary: 'A model',
    responses: { 200: modelJson },
    handle({ response, params }, places) {
      const model = params['model']!
      if (!namesOf(places).includes(model))
        throw new RunnelError('not_found', `There is no model ${JSON.stringify(short(model))} here.`)
      response.json(modelOf(model))
    },
  }),
]

/** Writes question and answer-to-be. Beside a run that is live in the chat, too: a program cannot be told to wait. */
async function startRun(
  request: Request,
  requestId: string,
  identity: Identity,
  body: CompletionBody,
  places: Places,
): Promise<Started> {
  const { store, tasks, now } = places
  const runRequest = runRequestOfBody(body, places)
  const named = await namedChat(request, identity, places)
  const claimed = claimOf(request, identity, now())
  const claim = claimed && { ...claimed, route: named ? `${claimed.route} ${named.id}` : claimed.route }
  // Before a chat is made for it.
  const repeated = claim && (await store.findClaim(claim))
  if (repeated) return repeated.response as Started
  const question = questionOf(body.messages)
  const newest = named && (await store.newestMessage(named.id))
  const chat = named ?? (await makeUnlistedChat(identity, titleOf(question), places))
  let started: Started | undefined
  try {
    started = await tasks.start({
      user: identity.user,
      chat,
      claim,
      request: { ...runRequest, requestId },
      question: newest?.role === 'assistant' && bringsResults(body.messages) ? null : { content: question },
      parentId: newest?.id ?? null,
    })
    return started
  } finally {
    // Made for nothing; what cannot go now goes when its time is over.
    if (!named && started?.chatId !== chat.id) void places.deletion.chat(chat).catch(() => {})
  }
}

function namesOf({ models, defaultModel }: Places): readonly string[] {
  return models ?? [defaultModel]
}

function modelOf(id: string): z.output<typeof modelJson> {
  return { id, object: 'model', created: 0, owned_by: 'runnel' }
}
