/** Answering anew, going on, asking anew: what makes branches of a chat. */
import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { requestIdOf } from '../operation/request-id.ts'
import type { ChatRow, MessageRow } from '../store/store.ts'
import { fileIdOf } from '../task/attachments.ts'
import type { RunRequest } from '../task/prompt.ts'
import { claimOf } from './claims.ts'
import { fileIds, filesOf, messageOfPath } from './finders.ts'
import type { Services } from './services.ts'
import { route } from './route.ts'
import { answerStarted, runErrors, runFields, runRequestOf, runResponses } from './run-requests.ts'

const regenerateBody = z.strictObject(runFields).prefault({})
const continueBody = z.strictObject({ stream: runFields.stream }).prefault({})
const editBody = z.strictObject({ content: z.string().min(1), files: fileIds.optional(), ...runFields })

export const againRoutes = [
  route({
    method: 'post',
    path: '/api/messages/:messageId/regenerate',
    of: messageOfPath,
    access: 'editor',
    repeatable: true,
    summary: 'Answer the same question anew, beside this answer, which may go on',
    body: regenerateBody,
    responses: runResponses,
    errors: runErrors,
    async handle({ request, response, identity, subject: message, body }, services) {
      refuseUserMessage(message, 'Only an answer can be made anew; edit a question instead.')
      const earlier = (await services.store.getRequest(message.id)) as RunRequest | null
      if (!earlier) throw new RunnelError('not_found', 'There is no such message.')
      const started = await services.tasks.start({
        user: identity.user,
        chat: await chatOf(message, services),
        question: null,
        parentId: message.parentId,
        request: {
          ...(await runRequestOf(body, identity, services, { before: earlier })),
          requestId: requestIdOf(response),
        },
        claim: claimOf(request, identity, services.now()),
      })
      await answerStarted(response, started, body.stream, services)
    },
  }),

  route({
    method: 'post',
    path: '/api/messages/:messageId/continue',
    waits: true,
    of: messageOfPath,
    access: 'editor',
    repeatable: true,
    summary: 'Go on with an answer that has ended, in the same message',
    body: continueBody,
    responses: runResponses,
    errors: runErrors,
    async handle({ request, response, identity, subject: message, body }, services) {
      refuseUserMessage(message, 'Only an answer can be continued.')
      const started = await services.tasks.continue({
        user: identity.user,
        message,
        requestId: requestIdOf(response),
        choose: (model) => services.models.choose(model, identity.models),
        claim: claimOf(request, identity, services.now()),
      })
      await answerStarted(response, started, body.stream, services)
    },
  }),

  route({
    method: 'patch',
    path: '/api/messages/:messageId',
    of: messageOfPath,
    access: 'editor',
    repeatable: true,
    summary: 'Ask a question in other words: a new branch beside it, with an answer',
    body: editBody,
    responses: runResponses,
    errors: [405, ...runErrors],
    async handle({ request, response, identity, subject: message, body }, services) {
      if (message.role !== 'user')
        throw new RunnelError('method_not_allowed', 'An answer cannot be edited; regenerate or continue it.')
      const files =
        body.files ?? (await services.store.getJson(message.id))?.output.flatMap((block) => fileIdOf(block) ?? []) ?? []
      const started = await services.tasks.start({
        user: identity.user,
        chat: await chatOf(message, services),
        question: { content: body.content, files: await filesOf(files, message.chatId, services) },
        parentId: message.parentId,
        request: {
          ...(await runRequestOf(body, identity, services, { chatId: message.chatId })),
          edits: message.id,
          requestId: requestIdOf(response),
        },
        claim: claimOf(request, identity, services.now()),
      })
      await answerStarted(response, started, body.stream, services)
    },
  }),
]

function refuseUserMessage(message: MessageRow, words: string): void {
  if (message.role === 'user') throw new RunnelError('bad_request', words)
}

async function chatOf(message: MessageRow, { store }: Services): Promise<ChatRow> {
  const chat = await store.getChatRow(message.chatId)
  if (!chat) throw new RunnelError('not_found', 'There is no such chat.')
  return chat
}
