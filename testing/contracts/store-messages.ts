import type { Message } from '../../shared/schema.ts'
import { readPages, refusal, type OpenStore } from './fixtures.ts'
import { answer, chat, chatId, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

/** History, branches and provider data. */
export function messageRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('history', () => {
    it('lists a chat oldest first, a question before its answer in the same millisecond', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.createChat(chat('chat_bbbbbbbb'), 'l')
      await store.startRun(
        newRun('msg_aaaaaaaa', { parentId: 'msg_zzzzzzzz' }, { userMessage: question('msg_zzzzzzzz') }),
      )
      await store.startRun(newRun('msg_bbbbbbbb', { chatId: 'chat_bbbbbbbb' }))
      const { items, nextCursor } = await store.listMessages(chatId, { limit: 10 })
      expect(items).toEqual([
        {
          id: 'msg_zzzzzzzz',
          chatId,
          parentId: null,
          role: 'user',
          createdAt: startedAt,
          taskId: null,
          userId: 'user_1',
          node: null,
          status: 'completed',
          json: question('msg_zzzzzzzz'),
        },
        {
          id: 'msg_aaaaaaaa',
          chatId,
          parentId: 'msg_zzzzzzzz',
          role: 'assistant',
          createdAt: startedAt,
          taskId: 'task_msg_aaaaaaaa',
          userId: 'user_1',
          node: 'local',
          status: 'queued',
          json: null,
        },
      ])
      expect(nextCursor).toBeNull()
    })

    it('pages through a history that grows, each message once', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (let i = 0; i < 5; i++) await store.startRun(newRun(`msg_number0${i}`, { createdAt: startedAt + (i >> 1) }))
      const first = await store.listMessages(chatId, { limit: 2 })
      await store.startRun(newRun('msg_number05', { createdAt: startedAt + 9 }))
      const rest = await readPages((cursor) => store.listMessages(chatId, { cursor, limit: 2 }), first.nextCursor)
      expect([...first.items, ...rest].map((row) => row.id.at(-1))).toEqual(['0', '1', '2', '3', '4', '5'])
    })

    it('ends a page at a number of bytes: the first comes whatever its size, cursors lead on behind each', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const sizes = [10, 2_000, 5_000, 1_000, 1_000, 1_000]
      for (const [i, size] of sizes.entries()) {
        const output = [{ ...question('x').output[0]!, text: 'ü'.repeat(size) }] as Message['output']
        const userMessage = question(`msg_asked00${i}`, { createdAt: startedAt + i, output })
        await store.startRun(newRun(`msg_number0${i}`, { createdAt: startedAt + i }, { userMessage }))
      }
      const pages: string[] = []
      const after: string[] = []
      let cursor: string | null = null
      do {
        const page: Awaited<ReturnType<typeof store.listMessages>> = await store.listMessages(chatId, {
          limit: 7,
          maxBytes: 5_500,
          ...(cursor !== null && { cursor }),
        })
        pages.push(page.items.map(({ id }) => id.replace(/msg_(.).*(.)/, '$1$2')).join(' '))
        for (const cursor of page.cursors)
          after.push((await store.listMessages(chatId, { cursor, limit: 1 })).items[0]?.id.at(-1) ?? '-')
        cursor = page.nextCursor
      } while (cursor !== null)
      expect(pages).toEqual(['a0 n0 a1 n1', 'a2', 'n2 a3 n3 a4 n4', 'a5 n5'])
      expect(after.join('')).toBe('01122334455-')
      for (let i = 6; i < 9; i++)
        await store.createChat(chat(`chat_number0${i}`, { createdAt: startedAt + i, system: 's'.repeat(1_000) }), 'l')
      const listed = await store.listChats('user_1', { limit: 9, maxBytes: 2_600 })
      expect(listed.items.map(({ id }) => id.at(-1))).toEqual(['8', '7'])
      const rest = await store.listChats('user_1', { limit: 9, maxBytes: 2_600, cursor: listed.nextCursor! })
      expect([rest.items.map(({ id }) => id.at(-1)), rest.nextCursor]).toEqual([['6', 'a'], null])
    })

    it('counts what was said for the bytes of a page, and not what was asked for', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (const [i, id] of ['msg_answer01', 'msg_answer02'].entries()) {
        const request = { model: 'm', system: 's'.repeat(5_000) }
        await store.startRun(newRun(id, { request, createdAt: startedAt + i }))
        const state = new Uint8Array(0)
        await store.endRun({ taskId: `task_${id}`, message: answer(id, { createdAt: startedAt + i }), epoch: 1, state })
      }
      const { items, nextCursor } = await store.listMessages(chatId, { limit: 9, maxBytes: 2_000 })
      expect([items.length, nextCursor]).toEqual([2, null])
    })

    it('has no next page where a page ends with the last row', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_aaaaaaaa'))
      expect((await store.listMessages(chatId, { limit: 1 })).nextCursor).toBeNull()
      expect(await store.listMessages('chat_unknown1', { limit: 1 })).toEqual({
        items: [],
        nextCursor: null,
        cursors: [],
      })
    })

    it('refuses a cursor that it did not give out', async () => {
      const store = open()
      for (const cursor of ['', '!!', 'abcd', Buffer.from('1,2,3').toString('base64url')]) {
        await refusal('bad_request', () => store.listMessages(chatId, { cursor, limit: 1 }))
        await refusal('bad_request', () => store.listChats('user_1', { cursor, limit: 1 }))
      }
    })

    it('follows a branch from the root to the message, past its siblings', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(
        newRun('msg_answer01', { parentId: 'msg_ask00001' }, { userMessage: question('msg_ask00001') }),
      )
      await store.startRun(newRun('msg_answer02', { parentId: 'msg_ask00001' }))
      await store.startRun(
        newRun(
          'msg_answer03',
          { parentId: 'msg_ask00003' },
          {
            userMessage: question('msg_ask00003', { parentId: 'msg_answer02' }),
          },
        ),
      )
      const ids = (await store.branch('msg_answer03')).map((row) => row.id)
      expect(ids).toEqual(['msg_ask00001', 'msg_answer02', 'msg_ask00003', 'msg_answer03'])
      expect(await store.branch('msg_unknown1')).toEqual([])
    })

    it('ends a branch that runs in a circle', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_circle01', { parentId: 'msg_circle01' }))
      expect((await store.branch('msg_circle01')).map((row) => row.id)).toEqual(['msg_circle01'])
    })

    it('finds a message by its run, and the newest of a chat', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      expect(await store.newestMessage(chatId)).toBeNull()
      await store.startRun(newRun('msg_answer01', { createdAt: startedAt + 1 }))
      await store.startRun(newRun('msg_answer02', { createdAt: startedAt + 1 }))
      await store.startRun(newRun('msg_answer03', { createdAt: startedAt }))
      expect((await store.newestMessage(chatId))?.id).toBe('msg_answer02')
      expect((await store.findTask('task_msg_answer01'))?.id).toBe('msg_answer01')
      expect(await store.findTask('task_unknown')).toBeNull()
    })

    it('names what has not ended, in the order of creation', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const statuses = ['waiting', 'streaming', 'preparing', 'queued'] as const
      for (const [index, status] of statuses.entries()) {
        await store.startRun(newRun(`msg_number0${index}`, { status, createdAt: startedAt - index }))
      }
      await store.startRun(newRun('msg_finished'))
      await store.endRun({
        taskId: 'task_msg_finished',
        message: answer('msg_finished', { status: 'failed' }),
        epoch: 1,
        state: new Uint8Array([0, 0]),
      })
      expect((await store.unfinished()).map((row) => row.status)).toEqual([
        'queued',
        'preparing',
        'streaming',
        'waiting',
      ])
    })
  })

  it('keeps provider data a block, in the order in which the blocks came, the last value of each; null removes it', async () => {
    const store = open()
    await store.createChat(chat(), 'l')
    for (const id of ['msg_aaaaaaaa', 'msg_bbbbbbbb']) await store.startRun(newRun(id))
    await store.putProviderData('msg_aaaaaaaa', [
      { blockId: 'block_2', data: 'old' },
      { blockId: 'block_1', data: { item: [1, null] } },
    ])
    await store.putProviderData('msg_aaaaaaaa', [
      { blockId: 'block_3', data: 3 },
      { blockId: 'block_4', data: 4 },
      { blockId: 'block_2', data: 'new' },
    ])
    await store.putProviderData('msg_aaaaaaaa', [{ blockId: 'block_4', data: null }])
    await store.putProviderData('msg_bbbbbbbb', [{ blockId: 'block_1', data: 'other message' }])
    expect(await store.getProviderData('msg_aaaaaaaa')).toEqual([
      { blockId: 'block_2', data: 'new' },
      { blockId: 'block_1', data: { item: [1, null] } },
      { blockId: 'block_3', data: 3 },
    ])
    await store.putProviderData('msg_unknown1', [{ blockId: 'block_1', data: 'late' }])
    expect(await store.getProviderData('msg_unknown1')).toEqual([])
  })

  it('gives rows without what is in them, and that where it is asked for', async () => {
    const store = open()
    await store.createChat(chat(), 'l')
    const request = { model: 'm', system: 'Be brief.' }
    const asked = question('msg_ask00001')
    await store.startRun(newRun('msg_answer01', { request, parentId: asked.id }, { userMessage: asked }))
    const whole = await store.getMessage('msg_answer01')
    const { json: _, request: _request, ...row } = whole!
    expect(whole).toMatchObject({ request, json: null })
    expect(await store.getRow('msg_answer01')).toEqual(row)
    expect(await store.findTask(row.taskId!)).toEqual(row)
    expect(await store.newestMessage(chatId)).toEqual(row)
    expect(await store.unfinished()).toEqual([row])
    expect(await store.unfinishedOf(row.userId)).toEqual([row])
    expect(await store.branch('msg_answer01')).toEqual([
      { ...(await store.getRow('msg_ask00001')), json: asked },
      { ...row, json: null },
    ])
    expect((await store.listMessages(chatId, { limit: 9 })).items).toEqual(await store.branch('msg_answer01'))
    expect(await store.getRequest('msg_answer01')).toEqual(request)
    expect(await store.getRequest('msg_ask00001')).toBeNull()
    expect(await store.getJson('msg_ask00001')).toEqual(asked)
    expect(await store.getJson('msg_answer01')).toBeNull()
    for (const read of ['getRow', 'getMessage', 'getRequest', 'getJson'] as const)
      expect(await store[read]('msg_unknown1')).toBeNull()
    await store.deleteMessages('msg_ask00001')
    expect([await store.getRequest('msg_answer01'), await store.getJson('msg_ask00001')]).toEqual([null, null])
  })

  it('is not changed by what callers do with their objects afterwards', async () => {
    const store = open()
    const made = chat()
    await store.createChat(made, 'l')
    made.title = 'changed'
    const asked = question('msg_ask00001')
    await store.startRun(newRun('msg_answer01', {}, { userMessage: asked }))
    asked.output.length = 0
    const read = await store.getMessage('msg_ask00001')
    read!.json!.output.length = 0
    expect((await store.getChat(chatId))?.title).toBe('Tides')
    expect((await store.getMessage('msg_ask00001'))?.json?.output).toHaveLength(1)
  })
}
