import type { Response } from 'express'
import { z } from 'zod'
import { errorRow, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { documentKind, type Message } from '../../shared/schema.ts'
import type { FileRow } from '../store/store.ts'
import type { RunRequest } from '../task/prompt.ts'
import type { Started } from '../task/start.ts'
import { claimOf } from './claims.ts'
import { chatOfPath } from './finders.ts'
import { pageOfQuery, pageQuery } from './page-query.ts'
import type { Places } from './places.ts'
import { route } from './route.ts'
import { jsonObject, messageJson, pageOf } from './schemas.ts'

const newMessage = z.strictObject({
  content: z.string().min(1),
  model: z.string().min(1).max(200).optional(),
  parentId: z.string().nullable().optional(),
  system: z.string().max(100_000).optional(),
  tools: z.array(jsonObject).max(128).optional(),
  params: jsonObject.optional(),
  files: z.array(z.string().max(100)).max(20).optional().describe('ids of files that were uploaded to this chat'),
  stream: z.boolean().default(true),
})

const startedJson = z.object({ chatId: z.string(), taskId: z.string(), messageId: z.string(), userMessageId: z.string() })

/** The messages of a chat: its history, and asking in it. */
export const questionRoutes = [
  route({
    method: 'get', path: '/api/chats/:chatId/messages', of: chatOfPath, access: 'viewer', summary: 'The history of a chat, oldest first',
    query: pageQuery, responses: { 200: pageOf(messageJson) },
    async handle({ response, subject: chat, query }, { store, messages }) {
      const page = await store.listMessages(chat.id, pageOfQuery(query))
      response.json({ items: await Promise.all(page.items.map(row => messages.read(row))), nextCursor: page.nextCursor })
    },
  }),

  route({
    method: 'post', path: '/api/chats/:chatId/messages', of: chatOfPath, access: 'editor', repeatable: true,
    summary: 'Ask: 202 with the ids to follow and to stop, or with stream: false the finished message',
    body: newMessage, responses: { 200: messageJson, 202: startedJson }, errors: [409, 422, 502, 503, 504],
    async handle({ request, response, identity, subject: chat, body }, places) {
      const { defaultModel, models, tasks, now } = places
      const model = body.model ?? defaultModel
      if (models && !models.includes(model)) {
        throw new RunnelError('bad_request', `model: must be one of ${models.join(', ')}`, { details: { fields: [{ field: 'model', message: 'is not allowed' }] } })
      }
      if (typeof body.parentId === 'string') await checkParent(body.parentId, chat.id, places)
      const { system, tools, params } = body
      const runRequest: RunRequest = { model, ...(system !== undefined && { system }), ...(tools && { tools }), ...(params && { params }) }
      const started = await tasks.start({
        user: identity.user, chat, content: body.content, files: await filesOf(body.files ?? [], chat.id, places), parentId: body.parentId, request: runRequest, claim: claimOf(request, identity, now()),
      })
      if (body.stream) return void response.status(202).json(started)
      answerFinished(response, await finished(started, places))
    },
  }),
]

async function checkParent(parentId: string, chatId: string, { store }: Places): Promise<void> {
  const parent = documentKind(parentId) === 'message' ? await store.getMessage(parentId) : null
  if (parent?.chatId !== chatId) throw new RunnelError('not_found', 'parentId: there is no such message in this chat.')
}

async function filesOf(ids: readonly string[], chatId: string, { store }: Places): Promise<FileRow[]> {
  return await Promise.all([...new Set(ids)].map(async id => {
    const file = await store.getFile(id)
    if (file?.chatId !== chatId) throw new RunnelError('not_found', 'files: there is no such file in this chat.')
    return file
  }))
}

async function finished(started: Started, { tasks, store, messages }: Places): Promise<Message> {
  const run = tasks.ofMessage(started.messageId)
  if (run) return await run.done
  const row = await store.getMessage(started.messageId)
  if (!row) throw new RunnelError('not_found', 'The message has been deleted.')
  return await messages.read(row)
}

/** `stream: false`: the finished message, or the status of its error with the message beside it. */
function answerFinished(response: Response, message: Message): void {
  if (message.status !== 'failed' || !message.error) return void response.json(message)
  const { code, message: sentence } = message.error
  response.status(errorRow(code).http).json({ error: { code: code as ErrorCode, message: sentence, details: { message } } })
}
