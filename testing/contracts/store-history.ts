import type { Message } from '../../shared/schema.ts'
import { readPages, type OpenStore } from './fixtures.ts'
import { chat, chatId, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

/** A chat from its end, branches upwards, messages by their ids. */
export function historyRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  const last = (rows: readonly { id: string }[]) => rows.map(({ id }) => id.at(-1)).join('')

  describe('history from its end', () => {
    it('lists newest first the very order of oldest first, page by page, whatever comes meanwhile', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (let i = 0; i < 5; i++) await store.startRun(newRun(`msg_number0${i}`, { createdAt: startedAt + (i >> 1) }))
      const first = await store.listMessages(chatId, { limit: 2 }, 'desc')
      await store.startRun(newRun('msg_number05', { createdAt: startedAt + 9 }))
      const rest = await readPages(
        (cursor) => store.listMessages(chatId, { cursor, limit: 2 }, 'desc'),
        first.nextCursor,
      )
      expect(last([...first.items, ...rest])).toBe('43210')
      expect(last((await store.listMessages(chatId, { limit: 9 }, 'asc')).items)).toBe('012345')
      const [, second] = first.cursors
      expect(last((await store.listMessages(chatId, { cursor: second!, limit: 9 }, 'desc')).items)).toBe('210')
    })

    it('ends a page at a number of bytes from that end, too', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (const [i, size] of [10, 5_000, 1_000, 1_000].entries()) {
        const output = [{ ...question('x').output[0]!, text: 'ü'.repeat(size) }] as Message['output']
        await store.startRun(
          newRun(
            `msg_answer0${i}`,
            { createdAt: startedAt + i },
            { userMessage: question(`msg_asked00${i}`, { createdAt: startedAt + i, output }) },
          ),
        )
      }
      const page = await store.listMessages(chatId, { limit: 9, maxBytes: 5_000 }, 'desc')
      expect(last(page.items)).toBe('33221')
      const large = await store.listMessages(chatId, { limit: 9, maxBytes: 5_000, cursor: page.nextCursor! }, 'desc')
      expect([last(large.items), large.nextCursor === null]).toEqual(['1', false])
    })
  })

  describe('branches upwards', () => {
    it('names a message and those before it, itself first, so many at the most', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      for (let i = 2; i < 6; i++)
        await store.startRun(newRun(`msg_answer0${i}`, { parentId: `msg_answer0${i - 1}`, createdAt: startedAt - i }))
      expect(await store.ancestors('msg_answer05', 3)).toEqual(['msg_answer05', 'msg_answer04', 'msg_answer03'])
      expect(await store.ancestors('msg_answer02', 9)).toEqual(['msg_answer02', 'msg_answer01'])
      expect(await store.ancestors('msg_unknown1', 9)).toEqual([])
    })

    it('ends at a circle', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const asked = question('msg_circle02', { parentId: 'msg_circle01' })
      await store.startRun(newRun('msg_circle01', { parentId: asked.id }, { userMessage: asked }))
      expect(await store.ancestors('msg_circle01', 9)).toEqual(['msg_circle01', 'msg_circle02'])
    })
  })

  it('gives messages by their ids, in that order, up to a number of bytes', async () => {
    const store = open()
    await store.createChat(chat(), 'l')
    for (const i of [1, 2, 3]) {
      const output = [{ ...question('x').output[0]!, text: 'ü'.repeat(i * 1_000) }] as Message['output']
      await store.startRun(
        newRun(
          `msg_answer0${i}`,
          {},
          { userMessage: question(`msg_asked00${i}`, { output, createdAt: startedAt + i }) },
        ),
      )
    }
    const ids = ['msg_asked003', 'msg_unknown1', 'msg_answer02', 'msg_asked001']
    const read = await store.getSaid(ids, 1_000_000)
    expect(read.map(({ id }) => id)).toEqual(['msg_asked003', 'msg_answer02', 'msg_asked001'])
    expect(read[0]).toEqual((await store.listMessages(chatId, { limit: 9 })).items.find(({ id }) => id === ids[0]))
    expect(last(await store.getSaid(ids, 7_000))).toBe('32')
    expect(last(await store.getSaid(ids, 10))).toBe('3')
    expect(await store.getSaid([], 10)).toEqual([])
  })
}
