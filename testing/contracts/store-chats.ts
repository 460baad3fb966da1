import { readPages, refusal, type OpenStore } from './fixtures.ts'
import { chat, chatId, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

/** Chats, and when they go. */
export function chatRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('chats', () => {
    it('gives back a chat as it was made, and null for an unknown one', async () => {
      const store = open()
      const made = chat(chatId, { title: 'Ebb \u{1F30A} & "flow"\u0000', system: 'Be brief.' })
      expect(await store.createChat(made, 'lineage')).toEqual({ repeated: false })
      expect(await store.getChat(chatId)).toEqual(made)
      const { system: _, ...row } = made
      expect(await store.getChatRow(chatId)).toEqual(row)
      expect(await store.getChatRow('chat_unknown1')).toBeNull()
      expect(await store.getChat('chat_unknown1')).toBeNull()
    })

    it('keeps one key for what users are called', async () => {
      const store = open()
      const key = await store.aliasKey()
      expect(key.length).toBeGreaterThan(60)
      expect(await store.aliasKey()).toBe(key)
    })

    it('refuses a second chat of the same id and keeps the first', async () => {
      const store = open()
      await store.createChat(chat(), 'lineage')
      await refusal('internal', () => store.createChat(chat(chatId, { title: 'Other' }), 'other'))
      expect((await store.getChat(chatId))?.title).toBe('Tides')
      expect((await store.log.read(chatId))?.lineage).toBe('lineage')
    })

    it('gives a title once to a chat that has none of somebody, and to no other', async () => {
      const store = open()
      await store.createChat(chat(chatId, { untitled: true }), 'l')
      expect(await store.getChatRow(chatId)).toMatchObject({ title: 'Tides', untitled: true })
      const titled = await Promise.all(['A', 'B', 'C'].map((title) => store.titleChat(chatId, title)))
      expect(titled.filter(Boolean)).toHaveLength(1)
      expect(await store.getChat(chatId)).toEqual(chat(chatId, { title: 'ABC'[titled.indexOf(true)]! }))
      await store.createChat(chat('chat_bbbbbbbb', { untitled: true }), 'l')
      await store.renameChat('chat_bbbbbbbb', 'Mine')
      await store.createChat(chat('chat_cccccccc'), 'l')
      for (const id of ['chat_bbbbbbbb', 'chat_cccccccc', 'chat_unknown1'])
        expect(await store.titleChat(id, 'Other')).toBe(false)
      expect((await store.getChat('chat_bbbbbbbb'))?.title).toBe('Mine')
    })

    it('renames a chat, and ignores an unknown one', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.renameChat(chatId, 'Ebb')
      await store.renameChat('chat_unknown1', 'Ebb')
      expect(await store.getChat(chatId)).toEqual(chat(chatId, { title: 'Ebb' }))
      expect(await store.getChat('chat_unknown1')).toBeNull()
    })

    it('keeps what a chat says for its runs, and what each member has pinned', async () => {
      const store = open()
      await store.createChat(chat(chatId, { system: 'Be brief.' }), 'l')
      await store.putMember(chatId, { userId: 'user_2', name: 'Bob', role: 'viewer', joinedAt: startedAt })
      expect(await store.getDefaults(chatId)).toEqual({ system: 'Be brief.', model: null, params: null })
      await store.putDefaults(chatId, { model: 'm', params: { top_p: 0.5 } })
      await store.putDefaults(chatId, { system: null })
      await store.putDefaults('chat_unknown1', { system: 'Nobody', model: 'm' })
      expect(await store.getDefaults(chatId)).toEqual({ system: null, model: 'm', params: { top_p: 0.5 } })
      await store.putDefaults(chatId, { system: 'Be kind.', params: null })
      expect(await store.getDefaults(chatId)).toEqual({ system: 'Be kind.', model: 'm', params: null })
      expect(await store.getChat(chatId)).toEqual(chat(chatId, { system: 'Be kind.' }))
      expect(await store.getDefaults('chat_unknown1')).toEqual({ system: null, model: null, params: null })

      for (const userId of ['user_2', 'user_3']) await store.pinChat(chatId, userId, true)
      const pinned = () => Promise.all(['user_1', 'user_2', 'user_3'].map((userId) => store.pinnedChats(userId)))
      expect(await pinned()).toEqual([[], [chatId], []])
      await store.pinChat(chatId, 'user_2', false)
      expect(await pinned()).toEqual([[], [], []])
      await store.pinChat(chatId, 'user_1', true)
      await store.deleteChat(chatId)
      expect(await pinned()).toEqual([[], [], []])
      await store.createChat(chat(), 'l')
      expect(await store.getDefaults(chatId)).toEqual({ system: null, model: null, params: null })
    })

    it('keeps the invite that a member came by', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const bob = { userId: 'user_2', name: 'Bob', role: 'viewer', joinedAt: startedAt } as const
      await store.putMember(chatId, { ...bob, inviteId: 'invite_1' })
      await store.putMember(chatId, { ...bob, role: 'editor' })
      expect((await store.listMembers(chatId))[1]).toEqual({ ...bob, role: 'editor', inviteId: 'invite_1' })
      await store.putMember(chatId, { ...bob, inviteId: 'invite_2' })
      expect((await store.listMembers(chatId))[1]?.inviteId).toBe('invite_2')
    })

    it('lists the chats of one owner, newest first, page by page, whatever is made meanwhile', async () => {
      const store = open()
      for (let i = 0; i < 7; i++)
        await store.createChat(chat(`chat_number0${i}`, { createdAt: startedAt + (i >> 1) }), 'l')
      await store.createChat(chat('chat_foreign0', { ownerId: 'user_2' }), 'l')
      const first = await store.listChats('user_1', { limit: 3 })
      await store.createChat(chat('chat_later000', { createdAt: startedAt + 100 }), 'l')
      const rest = await readPages((cursor) => store.listChats('user_1', { cursor, limit: 3 }), first.nextCursor)
      expect([...first.items, ...rest].map((row) => row.id.at(-1))).toEqual(['6', '5', '4', '3', '2', '1', '0'])
    })
  })

  describe('chats that expire', () => {
    it('are in no list and no search, and are found when their time is over', async () => {
      const store = open()
      await store.createChat(chat('chat_listed00'), 'l')
      for (const [i, expiresAt] of [startedAt + 20, startedAt + 10, startedAt + 30].entries()) {
        await store.createChat(chat(`chat_expires${i}`, { expiresAt }), 'l')
        await store.startRun(
          newRun(
            `msg_answer00${i}`,
            { chatId: `chat_expires${i}` },
            { userMessage: question(`msg_question${i}`, { chatId: `chat_expires${i}` }) },
          ),
        )
      }
      expect(await store.getChat('chat_expires0')).toEqual(chat('chat_expires0', { expiresAt: startedAt + 20 }))
      expect(await store.memberRole('chat_expires0', 'user_1')).toBe('owner')
      expect((await store.listChats('user_1', { limit: 10 })).items).toMatchObject([chat('chat_listed00')])
      expect((await store.searchChats('user_1', 'tides', { limit: 10 })).items).toMatchObject([chat('chat_listed00')])
      expect(await store.expiredChats(startedAt + 9)).toEqual([])
      expect((await store.expiredChats(startedAt + 20)).map(({ id }) => id)).toEqual(['chat_expires1', 'chat_expires0'])
      await store.deleteChat('chat_expires1')
      expect((await store.expiredChats(startedAt + 20)).map(({ id }) => id)).toEqual(['chat_expires0'])
    })
  })
}
