import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { documentKind } from '../../shared/schema.ts'
import { requestIdOf } from '../operation/request-id.ts'
import { claimOf } from './claims.ts'
import { chatOfPath, fileIds, filesOf } from './finders.ts'
import { historyPage, historyQuery, sendHistory } from './history.ts'
import type { Services } from './services.ts'
import { route } from './route.ts'
import { answerStarted, askResponses, runErrors, runFields, runRequestOf } from './run-requests.ts'
import { messageJson, pageOf } from './schemas.ts'

const newMessage = z.strictObject({
  content: z.string().min(1),
  parentId: z.string().nullable().optional(),
  files: fileIds.optional(),
  whenBusy: z
    .enum(['queue', 'interrupt', 'reject'])
    .default('reject')
    .describe(
      'what is done while an answer of this chat is being written, where no parentId is named: queue: it waits; interrupt: that answer is stopped; reject: 409 busy',
    ),
  ...runFields,
})

/** The messages of a chat: its history, and asking in it. */
export const questionRoutes = [
  route({
    method: 'get',
    path: '/api/chats/:chatId/messages',
    of: chatOfPath,
    access: 'viewer',
    summary: 'The history of a chat from either end, or one branch of it from its leaf',
    query: historyQuery,
    responses: { 200: pageOf(messageJson) },
    async handle({ response, subject: chat, query }, services) {
      await sendHistory(response, await historyPage(chat.id, query, services), services)
    },
  }),

  route({
    method: 'post',
    path: '/api/chats/:chatId/messages',
    of: chatOfPath,
    access: 'editor',
    repeatable: true,
    summary:
      'Ask: 202 with the ids to follow and to stop, also of a message that has to wait; or with stream: false the finished message',
    body: newMessage,
    responses: askResponses,
    errors: runErrors,
    async handle({ request, response, identity, subject: chat, body }, services) {
      const { tasks, now } = services
      const runRequest = await runRequestOf(body, identity, services, { chatId: chat.id })
      if (typeof body.parentId === 'string') await checkParent(body.parentId, chat.id, services)
      const started = await tasks.ask({
        user: identity.user,
        chat,
        question: { content: body.content, files: await filesOf(body.files ?? [], chat.id, services) },
        parentId: body.parentId,
        request: { ...runRequest, requestId: requestIdOf(response) },
        claim: claimOf(request, identity, now()),
        whenBusy: body.whenBusy,
        asked: { ...(body.tools && { tools: body.tools }), ...(body.params && { params: body.params }) },
      })
      await answerStarted(response, started, body.stream, services)
    },
  }),
]

async function checkParent(parentId: string, chatId: string, { store }: Services): Promise<void> {
  const parent = documentKind(parentId) === 'message' ? await store.getRow(parentId) : null
  if (parent?.chatId !== chatId) throw new RunnelError('not_found', 'parentId: there is no such message in this chat.')
}
