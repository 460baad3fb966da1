import { z } from 'zod'
import { newLineage } from '../room/rooms.ts'
import type { StoredChat } from '../store/store.ts'
import { newId } from '../task/ids.ts'
import { claimOf } from './claims.ts'
import { chatOfPath, chatOfReader } from './finders.ts'
import { pageOfQuery, pageQuery } from './page-query.ts'
import { change, chatPatch, chatTitle, refuseChange, refusePin } from './chat-changes.ts'
import { foundPage, listedPage, shown, shownTo } from './listed-chats.ts'
import { route } from './route.ts'
import { chatJson, listedChatJson, oneChatJson, pageOf } from './schemas.ts'

const newChat = z
  .strictObject({
    title: chatTitle
      .optional()
      .describe('without one "New chat", until somebody gives one, or a model does (RUNNEL_TITLES)'),
    provisional: z
      .boolean()
      .optional()
      .describe('the title stands until somebody gives another, or a model does (RUNNEL_TITLES)'),
    system: z.string().max(100_000).optional(),
  })
  .prefault({})
const readBody = z
  .strictObject({
    at: z.int().min(0).optional().describe('up to then, epoch milliseconds; all that there is where nothing is said'),
  })
  .prefault({})
const chatQuery = pageQuery
  .extend({
    pinned: z.enum(['true']).optional().describe('only those that the caller has pinned: one page of 200 has them all'),
    query: z
      .string()
      .trim()
      .min(1)
      .max(200)
      .optional()
      .describe('eight words of a title or a message, of two characters or more, or their beginnings'),
  })
  .refine(({ query, pinned }) => query === undefined || pinned === undefined, 'must say either query or pinned')

export const chatRoutes = [
  route({
    method: 'post',
    path: '/api/chats',
    access: 'signedIn',
    repeatable: true,
    summary: 'Make a chat',
    body: newChat,
    responses: { 201: chatJson },
    async handle({ request, response, identity, body }, { store, chats, announcer, now, maxChats }) {
      const { user } = identity
      const chat: StoredChat = {
        id: newId('chat'),
        ownerId: user.id,
        title: (body.title ?? 'New chat').toWellFormed(),
        ...((body.title === undefined || body.provisional === true) && { untitled: true }),
        system: body.system?.toWellFormed() ?? null,
        createdAt: now(),
      }
      const claim = claimOf(request, identity, now())
      const answer = shown(chat)
      const written = await store.createChat(
        { ...chat, ownerName: user.name },
        newLineage(),
        claim && { ...claim, response: answer },
        maxChats,
      )
      if (written.repeated) return void response.status(201).json(written.response)
      await chats.editAtOnce(chat.id, (writer) =>
        writer.setChat({ id: chat.id, title: chat.title, createdAt: chat.createdAt }),
      )
      const tell = await announcer(chat.id)
      tell({ event: 'created', title: chat.title })
      response.status(201).json(answer)
    },
  }),

  route({
    method: 'get',
    path: '/api/chats',
    access: 'signedIn',
    summary: "The caller's chats, the last active first; those that match a query, best first, with the place",
    query: chatQuery,
    responses: { 200: pageOf(listedChatJson) },
    async handle({ response, identity, query: { query, pinned: only, ...page } }, services) {
      const { user } = identity
      const { items, nextCursor } =
        query === undefined
          ? listedPage(await services.store.listChats(user.id, { ...pageOfQuery(page), pinned: only === 'true' }))
          : await foundPage(query, await services.store.searchChats(user.id, query, pageOfQuery(page)), services)
      const pinned = new Set(await services.store.pinnedChats(user.id))
      response.json({
        items: items.map((chat) => (pinned.has(chat['id'] as string) ? { ...chat, pinned: true } : chat)),
        nextCursor,
      })
    },
  }),

  route({
    method: 'post',
    path: '/api/chats/:chatId/read',
    of: chatOfPath,
    access: 'viewer',
    summary: 'The caller has read a chat, on all devices; a guest has no list, and nothing is kept',
    body: readBody,
    responses: { 200: z.object({ chatId: z.string(), readAt: z.int().nullable() }) },
    async handle({ response, identity, subject: chat, body }, { store, tellUser }) {
      const { user, invite } = identity
      const readAt = invite ? null : await store.markRead(chat.id, user.id, body.at ?? Number.MAX_SAFE_INTEGER)
      if (readAt !== null) tellUser(user.id, chat.id, { event: 'read', readAt })
      response.json({ chatId: chat.id, readAt })
    },
  }),

  route({
    method: 'get',
    path: '/api/chats/:chatId',
    of: chatOfPath,
    access: 'viewer',
    summary: 'A chat; guests see neither its system prompt nor its parameters',
    responses: { 200: oneChatJson },
    async handle({ response, identity, subject: chat }, services) {
      response.json(await shownTo(identity, chat, services))
    },
  }),

  route({
    method: 'patch',
    path: '/api/chats/:chatId',
    of: chatOfReader,
    access: 'editor',
    self: true,
    summary: 'Change a chat: its title, and what its runs take that do not say it themselves; any member may pin it',
    body: chatPatch,
    responses: { 200: oneChatJson },
    errors: [429],
    async handle({ response, identity, subject, body }, services) {
      const { store, tellUser } = services
      const { pinned, ...shared } = body
      if (Object.keys(shared).length > 0) await refuseChange(identity, subject, shared, services)
      if (pinned !== undefined) await refusePin(identity, subject, pinned, services)
      const chat = Object.keys(shared).length > 0 ? await change(subject, shared, services) : subject
      if (pinned !== undefined) {
        await store.pinChat(chat.id, identity.user.id, pinned)
        tellUser(identity.user.id, chat.id, { event: 'changed' })
      }
      response.json(await shownTo(identity, chat, services))
    },
  }),

  route({
    method: 'delete',
    path: '/api/chats/:chatId',
    of: chatOfPath,
    access: 'owner',
    summary: 'Delete a chat with all that is in it',
    responses: { 204: null },
    async handle({ response, subject: chat }, { deletion, announcer, accessChanged }) {
      const tell = await announcer(chat.id)
      await deletion.chat(chat)
      await accessChanged(chat.id)
      tell({ event: 'deleted' })
      response.status(204).end()
    },
  }),
]
