import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { displayName, isReservedId } from '../auth/user.ts'
import type { MemberRow } from '../store/store.ts'
import { chatOfMember, chatOfPath } from './finders.ts'
import { pageOfList, pageQuery } from './page-query.ts'
import { route } from './route.ts'
import { byJson } from './block-schemas.ts'
import { listedMemberJson, memberJson, pageOf } from './schemas.ts'

export const grantedRole = z.enum(['editor', 'viewer'])
const newMember = z.strictObject({
  userId: z.string().min(1).max(200),
  name: z.string().trim().min(1).max(200).optional(),
  role: grantedRole,
})

/** Members are seen by every member and changed by the owner. Anyone may leave. */
export const memberRoutes = [
  route({
    method: 'get',
    path: '/api/chats/:chatId/members',
    of: chatOfPath,
    access: 'viewer',
    summary:
      'The members of a chat, each with what its documents call them, and the caller; guests get that as the id, too',
    query: pageQuery,
    responses: { 200: pageOf(listedMemberJson, { you: byJson }) },
    async handle({ response, identity, subject: chat, query }, { store, authors }) {
      await authors.ready()
      const isOwner = identity.user.id === chat.ownerId
      const members = (await store.listMembers(chat.id)).map(({ inviteId, ...member }) => {
        const alias = authors.idOf(chat.id, member.userId)
        return {
          ...member,
          ...(isOwner && inviteId !== undefined && { inviteId }),
          ...(identity.invite && { userId: alias }),
          alias,
        }
      })
      response.json({ ...pageOfList(members, query), you: await authors.by(chat.id, identity.user) })
    },
  }),

  route({
    method: 'post',
    path: '/api/chats/:chatId/members',
    of: chatOfPath,
    access: 'owner',
    summary: "Add a member, or change a member's role",
    body: newMember,
    responses: { 201: memberJson },
    async handle({ response, subject: chat, body }, { store, now, accessChanged, tellUser }) {
      const { userId, role } = body
      if (userId === chat.ownerId) throw new RunnelError('bad_request', 'userId: the owner stays owner.')
      if (isReservedId(userId))
        throw new RunnelError('bad_request', 'userId: "local" and "guest:…" are ids that the server gives.')
      const name = displayName(body.name, userId)
      const member: MemberRow = { userId: userId.toWellFormed(), name, role, joinedAt: now() }
      const known = await store.memberRole(chat.id, userId)
      await store.putMember(chat.id, member)
      await accessChanged(chat.id)
      if (!known) tellUser(userId, chat.id, { event: 'created', title: chat.title })
      response.status(201).json(member)
    },
  }),

  route({
    method: 'delete',
    path: '/api/chats/:chatId/members/:userId',
    of: chatOfMember,
    access: 'owner',
    self: true,
    summary: 'Remove a member, or leave',
    responses: { 204: null },
    async handle({ response, subject: chat, params }, { store, accessChanged, tellUser }) {
      const userId = params['userId']!
      if (userId === chat.ownerId)
        throw new RunnelError('bad_request', 'The owner cannot be removed; delete the chat instead.')
      if (!(await store.removeMember(chat.id, userId))) throw new RunnelError('not_found', 'There is no such member.')
      await accessChanged(chat.id)
      tellUser(userId, chat.id, { event: 'deleted' })
      response.status(204).end()
    },
  }),
]
