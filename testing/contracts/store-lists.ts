import { readPages, type OpenStore } from './fixtures.ts'
import { answer, chat, chatId, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

/** Chats as their members see them: by activity, with what is unread and what goes on in them, and where a search has found something. */
export function listRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  const end = (id: string, endedAt: number, fields = {}) => ({
    taskId: `task_${id}`,
    message: answer(id, { endedAt, ...fields }),
    epoch: 1,
    state: new Uint8Array([0, 0]),
  })
  const last = (rows: readonly { id: string }[]) => rows.map(({ id }) => id.at(-1)).join('')
  const names = (count: number) => Array.from({ length: count }, (_, i) => `chat_number0${i}`)

  describe('lists of chats', () => {
    it('put the last active first: asked in, gone on with, or its answer has ended', async () => {
      const store = open()
      for (const [i, id] of names(4).entries()) await store.createChat(chat(id, { createdAt: startedAt + i }), 'l')
      const list = async () => last((await store.listChats('user_1', { limit: 9 })).items)
      expect(await list()).toBe('3210')
      for (const i of [0, 1]) {
        const run = newRun(`msg_answer0${i}`, { chatId: `chat_number0${i}`, createdAt: startedAt + 10 + i })
        await store.startRun(run)
      }
      expect(await list()).toBe('1032')
      await store.endRun(end('msg_answer00', startedAt + 20, { chatId: 'chat_number00' }))
      expect(await list()).toBe('0132')
      // What comes late, by the clock of another node, takes nothing back.
      await store.endRun(end('msg_answer01', startedAt + 5, { chatId: 'chat_number01' }))
      await store.endListed({ messageId: 'msg_answer00', taskId: 'task_msg_answer00' })
      await store.endListed({ messageId: 'msg_answer01', taskId: 'task_msg_answer01' })
      expect(await list()).toBe('0132')
      const more = { taskId: 'task_more', userId: 'user_1', node: 'local', request: { model: 'm' } }
      await store.continueRun({ ...more, messageId: 'msg_answer01', at: startedAt + 30 })
      const { items } = await store.listChats('user_1', { limit: 9 })
      expect(items.map(({ id, activeAt }) => [id.at(-1), activeAt - startedAt])).toEqual([
        ['1', 30],
        ['0', 20],
        ['3', 3],
        ['2', 2],
      ])
    })

    it('come in pages that show each chat once, as it stood when the first was read, whatever happens meanwhile', async () => {
      const store = open()
      for (const [i, id] of names(9).entries()) await store.createChat(chat(id, { createdAt: startedAt + i }), 'l')
      let now = startedAt + 100
      const touch = (i: number) =>
        store.startRun(newRun(`msg_answer${now}`, { chatId: `chat_number0${i}`, createdAt: now++ }))
      const page = (cursor: string | null) =>
        store.listChats('user_1', { limit: 3, ...(cursor !== null && { cursor }) })
      const first = await page(null)
      expect(last(first.items)).toBe('876')
      await touch(7) // was shown
      for (let i = 0; i < 3; i++) await touch(4) // still to come
      await touch(0)
      await store.createChat(chat('chat_later000', { createdAt: now++ }), 'l')
      await store.deleteChat('chat_number05')
      const second = await page(first.nextCursor)
      expect(last(second.items)).toBe('432')
      await touch(3)
      await touch(1)
      const third = await page(second.nextCursor)
      expect([last(third.items), third.nextCursor]).toEqual(['10', null])
      expect(last((await page(null)).items)).toBe('130')
    })

    it('of what somebody has pinned are theirs alone, and as stable under paging', async () => {
      const store = open()
      for (const [i, id] of names(9).entries()) {
        await store.createChat(chat(id, { createdAt: startedAt + i }), 'l')
        await store.putMember(id, { userId: 'user_2', name: 'Two', role: 'viewer', joinedAt: startedAt })
        if (i % 2 === 0) await store.pinChat(id, 'user_1', true)
      }
      await store.pinChat('chat_number01', 'user_2', true)
      const page = (cursor: string | null, userId = 'user_1') =>
        store.listChats(userId, { limit: 2, pinned: true, ...(cursor !== null && { cursor }) })
      const first = await page(null)
      expect(last(first.items)).toBe('86')
      await store.startRun(newRun('msg_answer01', { chatId: 'chat_number02', createdAt: startedAt + 100 }))
      await store.startRun(newRun('msg_answer02', { chatId: 'chat_number03', createdAt: startedAt + 101 }))
      const second = await page(first.nextCursor)
      const third = await page(second.nextCursor)
      expect([last(second.items), last(third.items), third.nextCursor]).toEqual(['42', '0', null])
      expect(last((await page(null)).items)).toBe('28')
      expect(last((await page(null, 'user_2')).items)).toBe('1')
      expect(last((await store.listChats('user_1', { limit: 9, pinned: false })).items)).toBe('328765410')
    })

    it('of one millisecond are read page by page all the same', async () => {
      const store = open()
      for (const id of names(5)) await store.createChat(chat(id), 'l')
      const first = await store.listChats('user_1', { limit: 2 })
      const rest = await readPages((cursor) => store.listChats('user_1', { cursor, limit: 2 }), first.nextCursor)
      expect(last([...first.items, ...rest])).toBe('43210')
    })

    it('say who reads up to when: what they do themselves is read, and nothing is read less', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.putMember(chatId, { userId: 'user_2', name: 'Two', role: 'viewer', joinedAt: startedAt })
      const seen = async (user: string) => {
        const [item] = (await store.listChats(user, { limit: 1 })).items
        return [item!.role, item!.activeAt - startedAt, item!.readAt === null ? null : item!.readAt - startedAt]
      }
      expect([await seen('user_1'), await seen('user_2')]).toEqual([
        ['owner', 0, 0],
        ['viewer', 0, null],
      ])
      await store.startRun(newRun('msg_answer01', { createdAt: startedAt + 5 }))
      await store.endRun(end('msg_answer01', startedAt + 9))
      expect([await seen('user_1'), await seen('user_2')]).toEqual([
        ['owner', 9, 5],
        ['viewer', 9, null],
      ])
      expect(await store.markRead(chatId, 'user_2', startedAt + 9)).toBe(startedAt + 9)
      expect(await store.markRead(chatId, 'user_2', startedAt + 3)).toBe(startedAt + 9)
      expect(await seen('user_2')).toEqual(['viewer', 9, 9])
      expect(await store.markRead(chatId, 'user_2', startedAt + 1_000)).toBe(startedAt + 9)
      expect(await store.markRead(chatId, 'stranger', startedAt)).toBeNull()
      expect(await store.markRead('chat_unknown1', 'user_1', startedAt)).toBeNull()
      // Another role is no new member; who comes again is one.
      await store.putMember(chatId, { userId: 'user_2', name: 'Two', role: 'editor', joinedAt: startedAt })
      expect(await seen('user_2')).toEqual(['editor', 9, 9])
      await store.removeMember(chatId, 'user_2')
      await store.putMember(chatId, { userId: 'user_2', name: 'Two', role: 'viewer', joinedAt: startedAt })
      expect(await seen('user_2')).toEqual(['viewer', 9, null])
    })

    it('say whether an answer is being written, and whether one waits for people', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const standing = async () => {
        const [item] = (await store.listChats('user_1', { limit: 1 })).items
        return `${item!.running ? 'running' : ''} ${item!.waiting ? 'waiting' : ''}`
      }
      expect(await standing()).toBe(' ')
      for (const id of ['msg_answer01', 'msg_answer02']) await store.startRun(newRun(id))
      const run = { messageId: 'msg_answer01', taskId: 'task_msg_answer01' }
      expect(await standing()).toBe('running ')
      await store.runWaits(run, true)
      expect(await standing()).toBe('running waiting')
      await store.endRun(end('msg_answer02', startedAt))
      expect(await standing()).toBe(' waiting')
      await store.runWaits({ ...run, taskId: 'task_earlier' }, false)
      expect(await standing()).toBe(' waiting')
      // Who takes it up after a crash finds it as it was made.
      expect((await store.unfinished()).map(({ status }) => status)).toEqual(['queued'])
      await store.runWaits(run, false)
      expect(await standing()).toBe('running ')
      await store.endRun(end('msg_answer01', startedAt))
      await store.runWaits(run, true)
      expect([await standing(), (await store.getRow('msg_answer01'))?.status]).toEqual([' ', 'completed'])
    })
  })

  it('says in which message a search has found what it looks for; null where only a title has it', async () => {
    const store = open()
    const output = (text: string) => [{ ...question('x').output[0]!, text }] as ReturnType<typeof question>['output']
    await store.createChat(chat(chatId, { title: 'Moon and tides' }), 'l')
    await store.createChat(chat('chat_bbbbbbbb', { title: 'The Moon' }), 'l')
    const asked = question('msg_asked001', {
      output: output('What does the Moon do, among many other things, to the sea?'),
    })
    await store.startRun(newRun('msg_answer01', {}, { userMessage: asked }))
    const best = question('msg_asked002', { output: output('Moon, moon, moon.'), createdAt: startedAt - 1 })
    await store.startRun(newRun('msg_answer02', {}, { userMessage: best }))
    const found = async (query: string) =>
      (await store.searchChats('user_1', query, { limit: 9 })).items
        .map(({ id, messageId, role, readAt }) => [id, messageId, role, readAt])
        .toSorted()
    const bare = ['chat_bbbbbbbb', null, 'owner', startedAt]
    expect(['msg_asked001', 'msg_asked002'].includes((await found('moon'))[0]![1] as string)).toBe(true)
    expect((await found('moon'))[1]).toEqual(bare)
    expect(await found('sea')).toEqual([[chatId, 'msg_asked001', 'owner', startedAt]])
    expect(await found('tides')).toEqual([[chatId, null, 'owner', startedAt]])
  })
}
