import type { FileRow } from '../../server/index.ts'
import { refusal, type OpenStore } from './fixtures.ts'
import { chat, chatId, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

function file(id: string, fields: Partial<FileRow> = {}): FileRow {
  return {
    id,
    chatId,
    userId: 'user_1',
    name: 'a.txt',
    mimeType: 'text/plain',
    size: 3,
    createdAt: startedAt,
    ...fields,
  }
}

/** Files, deletion and search. */
export function fileRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('files', () => {
    it('are given back as they were put, and only into a chat that is there', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.putFile(file('file_aaaaaaaa'))
      expect(await store.getFile('file_aaaaaaaa')).toEqual(file('file_aaaaaaaa'))
      expect(await store.getFile('file_unknown1')).toBeNull()
      await refusal('not_found', () => store.putFile(file('file_bbbbbbbb', { chatId: 'chat_unknown1' })))
      expect(await store.getFile('file_bbbbbbbb')).toBeNull()
    })

    it('of another chat cannot be attached: nothing of the run is written', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.createChat(chat('chat_bbbbbbbb'), 'l')
      await store.putFile(file('file_aaaaaaaa', { chatId: 'chat_bbbbbbbb' }))
      for (const files of [['file_aaaaaaaa'], ['file_unknown1']]) {
        await refusal('not_found', () =>
          store.startRun(newRun('msg_answer01', {}, { userMessage: question('msg_ask00001'), files })),
        )
      }
      expect(await store.getMessage('msg_ask00001')).toBeNull()
      expect(await store.log.read('msg_answer01')).toBeNull()
    })

    it('go with the last message that has them', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (const id of ['file_shared00', 'file_single00', 'file_unused00']) await store.putFile(file(id))
      await store.startRun(
        newRun(
          'msg_answer01',
          { parentId: 'msg_ask00001' },
          { userMessage: question('msg_ask00001'), files: ['file_shared00'] },
        ),
      )
      await store.startRun(
        newRun(
          'msg_answer02',
          { parentId: 'msg_ask00002' },
          {
            userMessage: question('msg_ask00002', { parentId: 'msg_answer01' }),
            files: ['file_shared00', 'file_single00'],
          },
        ),
      )
      expect((await store.descendants('msg_answer01')).toSorted()).toEqual([
        'msg_answer01',
        'msg_answer02',
        'msg_ask00002',
      ])
      const first = await store.deleteMessages('msg_ask00002')
      expect({ messages: first.messages.toSorted(), files: first.files }).toEqual({
        messages: ['msg_answer02', 'msg_ask00002'],
        files: ['file_single00'],
      })
      expect(await store.getFile('file_single00')).toBeNull()
      expect(await store.doomedFiles()).toEqual(['file_single00'])
      await store.filesGone(['file_single00'])
      const rest = await store.deleteChat(chatId)
      expect(rest.files.toSorted()).toEqual(['file_shared00', 'file_unused00'])
      expect(rest.messages.toSorted()).toEqual(['msg_answer01', 'msg_ask00001'])
      expect((await store.doomedFiles()).toSorted()).toEqual(['file_shared00', 'file_unused00'])
      expect(await store.deleteMessages('msg_ask00001')).toEqual({ messages: [], files: [] })
    })

    it('that no message has had are counted by user, and dropped by age', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.createChat(chat('chat_bbbbbbbb'), 'l')
      for (const [id, fields] of [
        ['file_attached', {}],
        ['file_old00000', {}],
        ['file_new00000', { createdAt: startedAt + 1 }],
        ['file_foreign0', { userId: 'user_2' }],
        ['file_other000', { chatId: 'chat_bbbbbbbb' }],
      ] as const) {
        await store.putFile(file(id, fields))
      }
      await store.startRun(
        newRun('msg_answer01', {}, { userMessage: question('msg_ask00001'), files: ['file_attached'] }),
      )
      expect([
        await store.unattachedFiles('user_1'),
        await store.unattachedFiles('user_2'),
        await store.unattachedFiles('user_3'),
      ]).toEqual([3, 1, 0])
      expect(await store.dropUnattachedFiles(startedAt)).toEqual([])
      const dropped = ['file_foreign0', 'file_old00000', 'file_other000']
      expect((await store.dropUnattachedFiles(startedAt + 1)).toSorted()).toEqual(dropped)
      expect((await store.doomedFiles()).toSorted()).toEqual(dropped)
      expect(await store.getFile('file_old00000')).toBeNull()
      expect(await store.unattachedFiles('user_1')).toBe(1)
      expect(await store.dropUnattachedFiles(startedAt + 2)).toEqual(['file_new00000'])
      expect(await store.getFile('file_attached')).toEqual(file('file_attached'))
      await refusal('not_found', () =>
        store.startRun(newRun('msg_answer02', {}, { userMessage: question('msg_ask00002'), files: ['file_old00000'] })),
      )
    })

    it('that were announced and never put are doomed', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (const id of ['file_aaaaaaaa', 'file_bbbbbbbb']) await store.doomFile(id)
      await store.putFile(file('file_aaaaaaaa'))
      expect(await store.doomedFiles()).toEqual(['file_bbbbbbbb'])
    })

    it('that an answer shows go with it, and are attached to none that is gone', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.createChat(chat('chat_bbbbbbbb'), 'l')
      await store.startRun(newRun('msg_answer01'))
      await store.startRun(newRun('msg_answer02', { chatId: 'chat_bbbbbbbb' }))
      for (const id of ['file_aaaaaaaa', 'file_bbbbbbbb']) await store.putFile(file(id))
      for (const [id, ofChat, messageId] of [
        ['file_aaaaaaaa', 'chat_bbbbbbbb', 'msg_answer02'],
        ['file_unknown1', chatId, 'msg_answer01'],
        ['file_aaaaaaaa', chatId, 'msg_unknown1'],
        ['file_aaaaaaaa', chatId, 'msg_answer02'],
      ] as const)
        await refusal('not_found', () => store.attachFile(id, ofChat, messageId))
      expect(await store.unattachedFiles('user_1')).toBe(2)
      for (let i = 0; i < 2; i++) await store.attachFile('file_aaaaaaaa', chatId, 'msg_answer01')
      expect(await store.unattachedFiles('user_1')).toBe(1)
      expect(await store.deleteMessages('msg_answer01')).toEqual({
        messages: ['msg_answer01'],
        files: ['file_aaaaaaaa'],
      })
      await refusal('not_found', () => store.attachFile('file_bbbbbbbb', chatId, 'msg_answer01'))
      expect(await store.dropUnattachedFiles(startedAt + 1)).toEqual(['file_bbbbbbbb'])
    })

    it('that come while their message is deleted are attached and go with it, or are refused', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (let i = 0; i < 5; i++) {
        await store.startRun(newRun('msg_answer01'))
        const ids = [0, 1, 2, 3].map((k) => `file_number${i}${k}`)
        for (const id of ids) await store.putFile(file(id))
        const attach = (id: string) =>
          store.attachFile(id, chatId, 'msg_answer01').then(
            () => id,
            () => null,
          )
        const [first, second, deleted, ...late] = await Promise.all([
          attach(ids[0]!),
          attach(ids[1]!),
          store.deleteMessages('msg_answer01'),
          attach(ids[2]!),
          attach(ids[3]!),
        ])
        const attached = [first, second, ...late].filter((id) => id !== null)
        expect(deleted.files.toSorted()).toEqual(attached.toSorted())
        expect((await store.dropUnattachedFiles(startedAt + 1)).toSorted()).toEqual(
          ids.filter((id) => !attached.includes(id)),
        )
      }
    })

    it('that were put are no more where they are doomed after all', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      for (const id of ['file_aaaaaaaa', 'file_bbbbbbbb']) await store.putFile(file(id))
      await store.attachFile('file_aaaaaaaa', chatId, 'msg_answer01')
      for (const id of ['file_aaaaaaaa', 'file_bbbbbbbb', 'file_bbbbbbbb']) await store.doomFile(id)
      expect([await store.getFile('file_aaaaaaaa'), await store.getFile('file_bbbbbbbb')]).toEqual([null, null])
      expect(await store.unattachedFiles('user_1')).toBe(0)
      expect((await store.doomedFiles()).toSorted()).toEqual(['file_aaaaaaaa', 'file_bbbbbbbb'])
      expect((await store.deleteMessages('msg_answer01')).files).toEqual([])
    })
  })

  describe('search', () => {
    it("finds what is there, of the user's own chats, page by page, and not what is gone", async () => {
      const store = open()
      for (let i = 0; i < 5; i++) await store.createChat(chat(`chat_number0${i}`, { title: `Tides ${i}` }), 'l')
      await store.createChat(chat('chat_foreign0', { ownerId: 'user_2', title: 'Tides' }), 'l')
      await store.createChat(chat(chatId, { title: 'Other' }), 'l')
      await store.startRun(newRun('msg_answer01', {}, { userMessage: question('msg_ask00001') }))
      const ids: string[] = []
      for (let cursor: string | null | undefined; cursor !== null;) {
        const page = await store.searchChats('user_1', 'tide', { limit: 4, ...(cursor !== undefined && { cursor }) })
        ids.push(...page.items.map(({ id }) => id))
        cursor = page.nextCursor
      }
      expect(ids.toSorted()).toEqual([chatId, ...[0, 1, 2, 3, 4].map((i) => `chat_number0${i}`)])
      await store.deleteMessages('msg_ask00001')
      await store.deleteChat('chat_number00')
      await store.renameChat('chat_number01', 'Ebb')
      expect((await store.searchChats('user_1', 'tide', { limit: 9 })).items.map(({ id }) => id).toSorted()).toEqual(
        [2, 3, 4].map((i) => `chat_number0${i}`),
      )
      await refusal('bad_request', () => store.searchChats('user_1', 'tide', { limit: 1, cursor: 'nonsense' }))
    })

    it('compares words as they begin, without the marks on their letters, whatever the case', async () => {
      const store = open()
      await store.createChat(chat(chatId, { title: 'Crème brûlée & ÅNGSTRÖM, 3.5 km' }), 'l')
      for (const query of ['creme', 'CRÈME', 'brulee', 'brû', 'ångs crem', 'angstrom', '5 km', 'cr', 'k creme']) {
        expect((await store.searchChats('user_1', query, { limit: 2 })).items, query).toHaveLength(1)
      }
      for (const query of ['reme', 'creme tides', 'angstroms', '&', '', "'", 'x:* | y', '3', 'c b']) {
        expect((await store.searchChats('user_1', query, { limit: 2 })).items, query).toEqual([])
      }
    })

    it('looks for eight different words, of Chinese writing for single characters, too', async () => {
      const store = open()
      await store.createChat(chat(chatId, { title: 'aa bb cc dd ee ff gg hh and 潮汐 是' }), 'l')
      const find = async (query: string) => (await store.searchChats('user_1', query, { limit: 2 })).items.length
      expect(await find('aa bb aa bb cc dd ee ff gg hh')).toBe(1)
      expect(await find('aa bb cc dd ee ff gg hh zz')).toBe(1)
      expect(await find('zz aa bb cc dd ee ff gg hh')).toBe(0)
      expect([await find('潮'), await find('是'), await find('汐')]).toEqual([1, 1, 0])
    })

    it("gives full pages to a user of few chats among many others' that match better, and loses those of a chat that was left", async () => {
      const store = open()
      for (let i = 10; i < 60; i++)
        await store.createChat(chat(`chat_foreign${i}`, { ownerId: 'user_2', title: 'Tides tides tides' }), 'l')
      for (let i = 0; i < 4; i++) {
        await store.createChat(
          chat(`chat_number0${i}`, { title: 'Of a long title at the end of which stand the tides' }),
          'l',
        )
        await store.startRun(
          newRun(
            `msg_answer0${i}`,
            { chatId: `chat_number0${i}` },
            { userMessage: question(`msg_ask0000${i}`, { chatId: `chat_number0${i}` }) },
          ),
        )
      }
      await store.putMember('chat_foreign10', { userId: 'user_1', name: 'Ann', role: 'viewer', joinedAt: startedAt })
      const first = await store.searchChats('user_1', 'tides', { limit: 3 })
      const second = await store.searchChats('user_1', 'tides', { limit: 3, cursor: first.nextCursor! })
      expect([first.items.length, second.items.length, second.nextCursor]).toEqual([3, 2, null])
      const own = [...Array.from({ length: 4 }, (_, i) => `chat_number0${i}`), 'chat_foreign10']
      expect([...first.items, ...second.items].map(({ id }) => id).toSorted()).toEqual(own.toSorted())
      await store.removeMember('chat_foreign10', 'user_1')
      expect((await store.searchChats('user_1', 'tides', { limit: 9 })).items).toHaveLength(4)
      expect((await store.searchChats('user_3', 'tides', { limit: 9 })).items).toEqual([])
    })
  })
}
