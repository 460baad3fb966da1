import { Router, type Response } from 'express'
import { z } from 'zod'
import { errorRow, RunnelError, type ErrorCode } from '../../shared/errors.ts'
import { documentKind, type JsonObject, type Message } from '../../shared/schema.ts'
import type { Access } from '../auth/access.ts'
import type { Store } from '../store/store.ts'
import type { MessageReader } from '../task/message-reader.ts'
import type { RunRequest } from '../task/prompt.ts'
import type { Started, Tasks } from '../task/tasks.ts'
import { caller } from './caller.ts'
import { claimOf } from './claims.ts'
import { pageQuery } from './page-query.ts'
import { validate } from './validate.ts'

const jsonObject = z.record(z.string(), z.json()) as unknown as z.ZodType<JsonObject>

const newMessage = z.strictObject({
  content: z.string().min(1),
  model: z.string().min(1).max(200).optional(),
  parentId: z.string().nullable().optional(),
  system: z.string().max(100_000).optional(),
  tools: z.array(jsonObject).max(128).optional(),
  params: jsonObject.optional(),
  stream: z.boolean().default(true),
})

const stopBody = z.strictObject({ taskId: z.string().optional() })

export interface MessageRoutes {
  access: Access
  store: Store
  tasks: Tasks
  messages: MessageReader
  defaultModel: string
  /** Models that may be named; undefined: any. */
  models: readonly string[] | undefined
  now: () => number
}

/** `/api/chats/:chatId/messages` */
export function chatMessageRoutes({ access, store, tasks, messages, defaultModel, models, now }: MessageRoutes): Router {
  const router = Router({ mergeParams: true })

  router.get('/', async (request, response) => {
    const { chat } = await access.chat(caller(response), chatId(request))
    const page = await store.listMessages(chat.id, validate(pageQuery, request.query))
    response.json({ items: await Promise.all(page.items.map(row => messages.read(row))), nextCursor: page.nextCursor })
  })

  router.post('/', async (request, response) => {
    const user = caller(response)
    const { chat } = await access.chat(user, chatId(request))
    const body = validate(newMessage, request.body)
    const model = body.model ?? defaultModel
    if (models && !models.includes(model)) {
      throw new RunnelError('bad_request', `model: must be one of ${models.join(', ')}`, { details: { fields: [{ field: 'model', message: 'is not allowed' }] } })
    }
    if (typeof body.parentId === 'string') await checkParent(body.parentId, chat.id)
    const { system, tools, params } = body
    const runRequest: RunRequest = { model, ...(system !== undefined && { system }), ...(tools && { tools }), ...(params && { params }) }
    const started = await tasks.start({
      user, chat, content: body.content, parentId: body.parentId, request: runRequest, claim: claimOf(request, user, now()),
    })
    if (body.stream) return void response.status(202).json(started)
    answerFinished(response, await finished(started))
  })

  async function checkParent(parentId: string, chatId: string): Promise<void> {
    const parent = documentKind(parentId) === 'message' ? await store.getMessage(parentId) : null
    if (parent?.chatId !== chatId) throw new RunnelError('not_found', 'parentId: there is no such message in this chat.')
  }

  async function finished(started: Started): Promise<Message> {
    const run = tasks.ofMessage(started.messageId)
    if (run) return await run.done
    const row = await store.getMessage(started.messageId)
    if (!row) throw new RunnelError('not_found', 'The message has been deleted.')
    return await messages.read(row)
  }

  return router
}

/** `/api/messages` */
export function messageRoutes({ access, tasks, messages }: Pick<MessageRoutes, 'access' | 'tasks' | 'messages'>): Router {
  const router = Router()

  router.get('/:messageId', async (request, response) => {
    const { message } = await access.message(caller(response), request.params.messageId)
    response.json(await messages.read(message))
  })

  router.post('/:messageId/stop', async (request, response) => {
    const { message } = await access.message(caller(response), request.params.messageId)
    const { taskId } = validate(stopBody, request.body ?? {})
    if (message.role !== 'assistant') throw new RunnelError('bad_request', 'Only an answer can be stopped.')
    if (taskId !== undefined && taskId !== message.taskId) {
      throw new RunnelError('not_current', 'That run is not the newest of this message.', { details: { taskId: message.taskId, status: message.status } })
    }
    const run = tasks.ofMessage(message.id)
    response.json(run ? tasks.stop(run) : { taskId: message.taskId, messageId: message.id, chatId: message.chatId, status: message.status })
  })

  return router
}

/** `stream: false`: the finished message, or the status of its error with the message beside it. */
function answerFinished(response: Response, message: Message): void {
  if (message.status !== 'failed' || !message.error) return void response.json(message)
  const { code, message: sentence } = message.error
  response.status(errorRow(code).http).json({ error: { code: code as ErrorCode, message: sentence, details: { message } } })
}

/** Of the path that this router is mounted under. */
function chatId(request: { params: object }): string {
  return (request.params as { chatId: string }).chatId
}
