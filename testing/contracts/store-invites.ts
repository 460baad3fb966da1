import type { InviteRow } from '../../server/index.ts'
import { refusal, type OpenStore } from './fixtures.ts'
import { chat, chatId, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

function invite(id: string, fields: Partial<InviteRow> = {}): InviteRow {
  return {
    id,
    chatId,
    role: 'viewer',
    tokenHash: `hash of ${id}`,
    createdAt: startedAt,
    expiresAt: startedAt + 1_000,
    ...fields,
  }
}

/** Invites to chats. */
export function inviteRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('invites', () => {
    it('are given back as they were put, by their id and by the hash of their token', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const made = invite('invite_1', { role: 'editor' })
      await store.putInvite(made)
      expect(await store.getInvite('invite_1')).toEqual(made)
      expect(await store.findInvite('hash of invite_1')).toEqual(made)
      expect([await store.getInvite('invite_2'), await store.findInvite('invite_1')]).toEqual([null, null])
      await refusal('not_found', () => store.putInvite(invite('invite_2', { chatId: 'chat_unknown1' })))
      expect(await store.getInvite('invite_2')).toBeNull()
      await refusal('internal', () => store.putInvite(invite('invite_1', { role: 'viewer' })))
      expect(await store.getInvite('invite_1')).toEqual(made)
    })

    it('are listed by chat and time, also those whose time is over', async () => {
      const store = open()
      for (const id of [chatId, 'chat_bbbbbbbb']) await store.createChat(chat(id), 'l')
      const made = [
        invite('invite_3', { createdAt: startedAt + 2 }),
        invite('invite_2', { createdAt: startedAt + 1, expiresAt: startedAt + 1 }),
        invite('invite_1', { createdAt: startedAt + 2 }),
      ]
      for (const one of made) await store.putInvite(one)
      await store.putInvite(invite('invite_4', { chatId: 'chat_bbbbbbbb' }))
      expect(await store.listInvites(chatId)).toEqual([made[1], made[2], made[0]])
      expect(await store.listInvites('chat_unknown1')).toEqual([])
    })

    it('are gone when they are revoked, which can be done once and in their own chat only', async () => {
      const store = open()
      for (const id of [chatId, 'chat_bbbbbbbb']) await store.createChat(chat(id), 'l')
      for (const id of ['invite_1', 'invite_2']) await store.putInvite(invite(id))
      expect(await store.revokeInvite('chat_bbbbbbbb', 'invite_1')).toBe(false)
      expect(await store.revokeInvite(chatId, 'invite_unknown')).toBe(false)
      expect(await store.revokeInvite(chatId, 'invite_1')).toBe(true)
      expect(await store.revokeInvite(chatId, 'invite_1')).toBe(false)
      expect([await store.getInvite('invite_1'), await store.findInvite('hash of invite_1')]).toEqual([null, null])
      expect(await store.listInvites(chatId)).toEqual([invite('invite_2')])
    })

    it('go with their chat', async () => {
      const store = open()
      for (const id of [chatId, 'chat_bbbbbbbb']) await store.createChat(chat(id), 'l')
      await store.putInvite(invite('invite_1'))
      await store.putInvite(invite('invite_2', { chatId: 'chat_bbbbbbbb' }))
      await store.deleteChat(chatId)
      expect([await store.getInvite('invite_1'), await store.findInvite('hash of invite_1')]).toEqual([null, null])
      expect(await store.getInvite('invite_2')).toEqual(invite('invite_2', { chatId: 'chat_bbbbbbbb' }))
      await refusal('not_found', () => store.putInvite(invite('invite_3')))
    })
  })
}
