import { z } from 'zod'
import { RunnelError } from '../../shared/errors.ts'
import { findInvite, newInviteToken } from '../auth/invites.ts'
import type { InviteRow } from '../store/store.ts'
import { newId } from '../task/ids.ts'
import { chatOfPath } from './finders.ts'
import { grantedRole } from './members.ts'
import { pageOfList, pageQuery } from './page-query.ts'
import { route } from './route.ts'
import { inviteJson, listedInviteJson, pageOf, role } from './schemas.ts'

const newInvite = z
  .strictObject({
    role: grantedRole.default('viewer'),
    expiresInSeconds: z.int().min(1).max(31_536_000).default(604_800),
  })
  .prefault({})
const redeemBody = z.strictObject({ token: z.string().min(1).max(200) })

export const inviteRoutes = [
  route({
    method: 'get',
    path: '/api/chats/:chatId/invites',
    of: chatOfPath,
    access: 'owner',
    summary: 'The invites of a chat, without their tokens, and who became a member by them',
    query: pageQuery,
    responses: { 200: pageOf(listedInviteJson) },
    async handle({ response, subject: chat, query }, { store }) {
      const members = await store.listMembers(chat.id)
      const invites = (await store.listInvites(chat.id)).map((invite) => {
        const usedBy = members
          .filter(({ inviteId }) => inviteId === invite.id)
          .map(({ userId, name }) => ({ userId, name }))
        return { ...shown(invite), ...(usedBy.length > 0 && { usedBy }) }
      })
      response.json(pageOfList(invites, query))
    },
  }),

  route({
    method: 'post',
    path: '/api/chats/:chatId/invites',
    of: chatOfPath,
    access: 'owner',
    summary: 'Make an invite; its token is told this once',
    body: newInvite,
    responses: { 201: inviteJson.extend({ token: z.string(), url: z.string() }) },
    async handle({ response, subject: chat, body }, { store, now, basePath }) {
      const { token, tokenHash } = newInviteToken()
      const invite: InviteRow = {
        id: newId('invite'),
        chatId: chat.id,
        role: body.role,
        tokenHash,
        createdAt: now(),
        expiresAt: now() + body.expiresInSeconds * 1_000,
      }
      await store.putInvite(invite)
      // The fragment never leaves the browser: neither logs nor referrers see the token.
      response
        .status(201)
        .json({ ...shown(invite), token, url: `${basePath}/#${new URLSearchParams({ invite: token, chat: chat.id })}` })
    },
  }),

  route({
    method: 'delete',
    path: '/api/chats/:chatId/invites/:inviteId',
    of: chatOfPath,
    access: 'owner',
    summary: 'Revoke an invite; who has become a member stays',
    responses: { 204: null },
    async handle({ response, subject: chat, params }, { store, accessChanged }) {
      if (!(await store.revokeInvite(chat.id, params['inviteId']!)))
        throw new RunnelError('not_found', 'There is no such invite.')
      await accessChanged(chat.id)
      response.status(204).end()
    },
  }),

  route({
    method: 'post',
    path: '/api/invites/redeem',
    access: 'signedIn',
    summary: 'Become a member by an invite; a role that is higher already stays',
    body: redeemBody,
    responses: { 200: z.object({ chatId: z.string(), role }) },
    errors: [404],
    async handle({ response, identity, body }, { store, now, accessChanged, tellUser }) {
      const invite = await findInvite(store, body.token, now())
      const held = await store.memberRole(invite.chatId, identity.user.id)
      const role = held && held !== 'viewer' ? held : invite.role
      if (role !== held) {
        await store.putMember(invite.chatId, {
          userId: identity.user.id,
          name: identity.user.name,
          role,
          joinedAt: now(),
          inviteId: invite.id,
        })
        await accessChanged(invite.chatId)
      }
      const chat = held ? null : await store.getChatRow(invite.chatId)
      if (chat) tellUser(identity.user.id, chat.id, { event: 'created', title: chat.title })
      response.json({ chatId: invite.chatId, role })
    },
  }),
]

function shown({ id, role, createdAt, expiresAt }: InviteRow) {
  return { id, role, createdAt, expiresAt }
}
