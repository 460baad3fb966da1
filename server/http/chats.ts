import { Router } from 'express'
import { z } from 'zod'
import type { Json } from '../../shared/schema.ts'
import type { Access } from '../auth/access.ts'
import { newLineage } from '../room/rooms.ts'
import type { ChatRow, Store } from '../store/store.ts'
import type { ChatDocuments } from '../task/chat-documents.ts'
import { newId } from '../task/ids.ts'
import { caller } from './caller.ts'
import { claimOf } from './claims.ts'
import { pageQuery } from './page-query.ts'
import { validate } from './validate.ts'

const title = z.string().trim().min(1).max(200)
const newChat = z.strictObject({ title: title.default('New chat'), system: z.string().max(100_000).optional() })
const chatPatch = z.strictObject({ title })

export interface ChatRoutes {
  access: Access
  store: Store
  chats: ChatDocuments
  now: () => number
}

export function chatRoutes({ access, store, chats, now }: ChatRoutes): Router {
  const router = Router()

  router.post('/', async (request, response) => {
    const user = caller(response)
    const body = validate(newChat, request.body ?? {})
    const chat: ChatRow = { id: newId('chat'), ownerId: user.id, title: body.title.toWellFormed(), system: body.system ?? null, createdAt: now() }
    const claim = claimOf(request, user, now())
    const answer = chatJson(chat)
    const written = await store.createChat(chat, newLineage(), claim && { ...claim, response: answer })
    if (written.repeated) return void response.status(201).json(written.response)
    await chats.edit(chat.id, writer => writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt }))
    response.status(201).json(answer)
  })

  router.get('/', async (request, response) => {
    const page = await store.listChats(caller(response).id, validate(pageQuery, request.query))
    response.json({ items: page.items.map(chatJson), nextCursor: page.nextCursor })
  })

  router.get('/:chatId', async (request, response) => {
    const { chat } = await access.chat(caller(response), request.params.chatId)
    response.json(chatJson(chat))
  })

  router.patch('/:chatId', async (request, response) => {
    const { chat } = await access.chat(caller(response), request.params.chatId)
    const patch = validate(chatPatch, request.body)
    const renamed = { ...chat, title: patch.title.toWellFormed() }
    await store.renameChat(chat.id, renamed.title)
    await chats.edit(chat.id, writer => writer.setChat({ title: renamed.title }))
    response.json(chatJson(renamed))
  })

  return router
}

function chatJson({ id, title, system, createdAt }: ChatRow): Record<string, Json> {
  return { id, title, createdAt, ...(system !== null && { system }) }
}
