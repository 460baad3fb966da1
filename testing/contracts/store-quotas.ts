import { RunnelError } from '../../shared/errors.ts'
import type { FileRow } from '../../server/index.ts'
import { refusal, type OpenStore } from './fixtures.ts'
import { chat, chatId, claim, startedAt } from './records.ts'
import type { Expect, TestTools } from './tools.ts'

const wide = { userBytes: 1e9, userFiles: 1e9, chatBytes: 1e9, chatFiles: 1e9 }

function file(i: number, fields: Partial<FileRow> = {}): FileRow {
  const id = `file_number${String(i).padStart(3, '0')}`
  return { id, chatId, userId: 'user_1', name: 'a', mimeType: 'text/plain', size: 10, createdAt: startedAt, ...fields }
}

/** How many of them went through; the others have this code and name this setting. */
async function passed(expect: Expect, calls: Promise<unknown>[], code: string, setting: string): Promise<number> {
  const results = await Promise.allSettled(calls)
  for (const result of results) {
    if (result.status === 'fulfilled') continue
    expect(result.reason).toBeInstanceOf(RunnelError)
    expect(result.reason).toMatchObject({ code, message: expect.stringContaining(`(${setting})`) })
  }
  return results.filter(({ status }) => status === 'fulfilled').length
}

/** How much a user and a chat may have. */
export function quotaRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('quotas', () => {
    for (const [narrow, code, setting] of [
      [{ userBytes: 70 }, 'too_large', 'RUNNEL_MAX_FILE_BYTES_PER_USER'],
      [{ chatBytes: 79 }, 'too_large', 'RUNNEL_MAX_FILE_BYTES_PER_CHAT'],
      [{ userFiles: 7 }, 'rate_limited', 'RUNNEL_MAX_FILES_PER_USER'],
      [{ chatFiles: 7 }, 'rate_limited', 'RUNNEL_MAX_FILES_PER_CHAT'],
    ] as const)
      it(`of twenty files at once exactly as many pass as fit: ${JSON.stringify(narrow)}`, async () => {
        const store = open()
        await store.createChat(chat(), 'l')
        const quotas = { ...wide, ...narrow }
        const put = async (i: number, fields: Partial<FileRow> = {}) => {
          await store.doomFile(file(i).id)
          await store.putFile(file(i, fields), quotas)
        }
        const calls = Array.from({ length: 20 }, (_, i) => put(i))
        expect(await passed(expect, calls, code, setting)).toBe(7)
        // What is over for one is not for who and what it does not count for.
        await store.createChat(chat('chat_bbbbbbbb', { ownerId: 'user_2' }), 'l')
        await put(20, { userId: 'user_2', chatId: 'chat_bbbbbbbb' })
        await store.deleteChat(chatId)
        await store.createChat(chat('chat_cccccccc'), 'l')
        await put(21, { chatId: 'chat_cccccccc' })
      })

    it('what is being sent counts with what it has at least, until it is there or gone', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const quotas = { ...wide, userBytes: 100 }
      const begin = (i: number, size: number) => store.doomFile(file(i).id, { chatId, userId: 'user_1', size, quotas })
      const calls = Array.from({ length: 20 }, (_, i) => begin(i, 30))
      expect(await passed(expect, calls, 'too_large', 'RUNNEL_MAX_FILE_BYTES_PER_USER')).toBe(3)
      const [first, second, third] = (await store.doomedFiles()) as [string, string, string]
      // More than was said before. Only what is there already decides: of those that are sent at once as many pass as fit.
      await refusal('too_large', () => store.putFile({ ...file(0), id: first, size: 101 }, quotas))
      await store.putFile({ ...file(0), id: first, size: 60 }, quotas)
      await refusal('too_large', () => begin(30, 1))
      await store.filesGone([second])
      await begin(31, 10)
      await refusal('too_large', () => store.putFile({ ...file(0), id: third, size: 41 }, quotas))
      await store.putFile({ ...file(0), id: third, size: 5 }, quotas)
      await begin(32, 25)
      await refusal('too_large', () => begin(33, 1))
      await refusal('not_found', () =>
        store.doomFile('file_nochat00', { chatId: 'chat_unknown1', userId: 'user_1', size: 1, quotas: wide }),
      )
    })

    it('of twenty chats at once exactly as many are made as their owner may have; those that expire count apart', async () => {
      const store = open()
      const make = (i: number, fields: Parameters<typeof chat>[1] = {}) =>
        store.createChat(chat(`chat_number${String(i).padStart(3, '0')}`, fields), 'l', undefined, 4)
      const setting = 'RUNNEL_MAX_CHATS_PER_USER'
      expect(
        await passed(
          expect,
          Array.from({ length: 20 }, (_, i) => make(i)),
          'rate_limited',
          setting,
        ),
      ).toBe(4)
      const unlisted = (i: number, createdAt = startedAt) => make(i, { createdAt, expiresAt: createdAt + 10 })
      expect(
        await passed(
          expect,
          Array.from({ length: 20 }, (_, i) => unlisted(20 + i)),
          'rate_limited',
          'RUNNEL_MAX_UNLISTED_CHATS_PER_USER',
        ),
      ).toBe(4)
      await unlisted(50, startedAt + 10)
      await make(51, { ownerId: 'user_2' })
      // To be a member somewhere is nobody's chat.
      const { id } = (await store.listChats('user_1', { limit: 1 })).items[0]!
      await store.putMember(id, { userId: 'user_3', name: 'C', role: 'editor', joinedAt: startedAt })
      await store.deleteChat(id)
      await make(52)
      await refusal('rate_limited', () => make(53))
      // A request that is repeated makes none.
      const claimed = claim({ response: { id: 'chat_number060' } })
      await store.deleteChat('chat_number052')
      const first = chat('chat_number060')
      expect(await store.createChat(first, 'l', claimed, 4)).toEqual({ repeated: false })
      expect(await store.createChat(first, 'l', claimed, 4)).toMatchObject({ repeated: true })
    })
  })
}
