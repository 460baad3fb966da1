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

    it('refuses a second chat of the same id and keeps the first', async () => {
      const store = open()
      await store.createChat(chat(), 'lineage')
      await refusal('internal', () => store.createChat(chat(chatId, { title: 'Other' }), 'other'))
      expect((await store.getChat(chatId))?.title).toBe('Tides')
      expect((await store.log.read(chatId))?.lineage).toBe('lineage')
    })

    it('renames a chat, and ignores an unknown one', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.renameChat(chatId, 'Ebb')
      await store.renameChat('chat_unknown1', 'Ebb')
      expect(await store.getChat(chatId)).toEqual(chat(chatId, { title: 'Ebb' }))
      expect(await store.getChat('chat_unknown1')).toBeNull()
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
