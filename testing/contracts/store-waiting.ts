import type { NewRun, NewWaiting, Store } from '../../server/index.ts'
import { readLog, refusal, type OpenStore } from './fixtures.ts'
import { answer, bytes, chat, chatId, claim, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

const now = startedAt + 1_000
const first = 'msg_answer01'

function waits(id: string, rest: Partial<NewWaiting> = {}, userId = 'user_1'): NewWaiting {
  return {
    message: { id, chatId, userId, createdAt: startedAt + 1, said: { text: `Words of ${id} \0` } },
    first: false,
    files: [],
    maxOfChat: 5,
    maxOfUser: 10,
    ...rest,
  }
}

/** The run that a waiting message becomes. */
function runOf(id: string, parentId: string | null, fields: Partial<NewRun['assistant']> = {}): NewRun {
  return newRun(
    `${id}a`,
    { parentId: id, createdAt: now, ...fields },
    { userMessage: question(id, { parentId, createdAt: now }) },
  )
}

/** Messages that wait for their turn. */
export function waitingRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  async function busy(): Promise<Store> {
    const store = open()
    await store.createChat(chat(), 'l')
    await store.startRun(newRun(first))
    return store
  }
  const end = (store: Store, id = first) =>
    store.endRun({ taskId: `task_${id}`, message: answer(id), epoch: 1, state: bytes('state') })
  const idsOf = async (store: Store) => (await store.waitingLine(chatId, now))?.messages.map(({ id }) => id)
  const versionOf = async (store: Store) => (await store.waitingLine(chatId, now))!.version
  const take = async (store: Store, id: string, at = now) => {
    const { version, after } = (await store.waitingLine(chatId, at))!
    return await store.takeWaiting(runOf(id, after), { id, version, now: at })
  }

  describe('waiting messages', () => {
    it('wait where an answer is being written or others wait, and only there', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      expect(await store.putWaiting(waits('msg_wait0001', { claim: claim() }))).toBe('idle')
      expect([await store.waitingLine(chatId, now), await store.findClaim(claim())]).toEqual([null, null])
      await store.startRun(newRun(first))
      expect(await store.putWaiting(waits('msg_wait0001'))).toEqual({ repeated: false })
      expect(await store.putWaiting(waits('msg_wait0002'))).toEqual({ repeated: false })
      expect(await store.putWaiting(waits('msg_wait0003', { first: true }))).toEqual({ repeated: false })
      expect(await store.waitingLine(chatId, now)).toMatchObject({ chatId, after: first, listed: null, ready: false })
      expect(await idsOf(store)).toEqual(['msg_wait0003', 'msg_wait0001', 'msg_wait0002'])
      expect(await store.getWaiting('msg_wait0001')).toEqual({ ...waits('msg_wait0001').message, refused: null })
      expect([await store.getWaiting('msg_unknown1'), await store.waitingLine('chat_unknown1', now)]).toEqual([
        null,
        null,
      ])
      await end(store)
      expect(await store.waitingLine(chatId, now)).toMatchObject({ ready: true })
      expect(await store.putWaiting(waits('msg_wait0004'))).toEqual({ repeated: false })
      await refusal('busy', () => store.startRun(newRun('msg_answer02', {}, { exclusive: true })))
      await refusal('not_found', () =>
        store.putWaiting(
          waits('msg_wait0005', { message: { ...waits('msg_wait0005').message, chatId: 'chat_unknown1' } }),
        ),
      )
    })

    it('count as activity of their chat, which who has said them has read', async () => {
      const store = await busy()
      await store.putWaiting(waits('msg_wait0001'))
      expect((await store.listChats('user_1', { limit: 1 })).items).toMatchObject([
        { activeAt: startedAt + 1, readAt: startedAt + 1, running: true },
      ])
      await end(store)
      await take(store, 'msg_wait0001')
      expect((await store.listChats('user_1', { limit: 1 })).items).toMatchObject([{ activeAt: now, running: true }])
    })

    it('are taken one after the other, each once, when what they wait for has ended', async () => {
      const store = await busy()
      await store.putWaiting(waits('msg_wait0001'))
      await store.putWaiting(waits('msg_wait0002'))
      expect(await take(store, 'msg_wait0001')).toBe(false)
      await end(store)
      expect(await take(store, 'msg_wait0002')).toBe(false)
      const taken = await Promise.all(Array.from({ length: 4 }, () => take(store, 'msg_wait0001')))
      expect(taken.filter(Boolean)).toHaveLength(1)
      expect((await store.getRow('msg_wait0001'))?.parentId).toBe(first)
      expect(await store.getRow('msg_wait0001a')).toMatchObject({ parentId: 'msg_wait0001', status: 'queued' })
      expect(await readLog(store, 'msg_wait0001a')).toMatchObject({ epoch: 1, seq: 0 })
      expect(await store.waitingLine(chatId, now)).toMatchObject({ after: 'msg_wait0001a', ready: false })
      expect(await idsOf(store)).toEqual(['msg_wait0002'])
      expect(await store.getWaiting('msg_wait0001')).toBeNull()
      await end(store, 'msg_wait0001a')
      expect(await take(store, 'msg_wait0002')).toBe(true)
      expect((await store.getRow('msg_wait0002'))?.parentId).toBe('msg_wait0001a')
    })

    it('are not taken by who has read another line, nor while what they wait for goes on', async () => {
      const store = await busy()
      await store.putWaiting(waits('msg_wait0001'))
      await end(store)
      await store.endListed({ messageId: first, taskId: `task_${first}` })
      const version = await versionOf(store)
      expect(await store.changeWaiting({ id: 'msg_wait0001', chatId }, { said: 'other' })).toBe(true)
      expect(await store.takeWaiting(runOf('msg_wait0001', first), { id: 'msg_wait0001', version, now })).toBe(false)
      expect(await store.changeWaiting({ id: 'msg_wait0001', chatId }, { said: 'late' }, version)).toBe(false)
      await store.continueRun({ messageId: first, taskId: 'task_next', userId: 'u', node: 'n', request: null })
      expect(await take(store, 'msg_wait0001')).toBe(false)
      await store.endRun({ taskId: 'task_next', message: answer(first), epoch: 1, state: bytes('state') })
      expect(await take(store, 'msg_wait0001')).toBe(true)
      expect(await store.putWaiting(waits('msg_wait0002'))).toEqual({ repeated: false })
      expect(await store.waitingLine(chatId, now)).toMatchObject({ after: 'msg_wait0001a' })
    })

    it('are changed, moved and removed', async () => {
      const store = await busy()
      for (const n of [1, 2, 3, 4]) await store.putWaiting(waits(`msg_wait000${n}`))
      const one = { id: 'msg_wait0001', chatId }
      expect(await store.changeWaiting(one, { said: { text: 'new' }, place: { after: 'msg_wait0003' } })).toBe(true)
      expect(await idsOf(store)).toEqual([2, 3, 1, 4].map((n) => `msg_wait000${n}`))
      expect((await store.getWaiting(one.id))?.said).toEqual({ text: 'new' })
      await store.changeWaiting({ id: 'msg_wait0004', chatId }, { place: { before: 'msg_wait0002' } })
      await store.changeWaiting({ id: 'msg_wait0003', chatId }, { place: 'first' })
      expect(await idsOf(store)).toEqual([3, 4, 2, 1].map((n) => `msg_wait000${n}`))
      const version = await versionOf(store)
      await refusal('bad_request', () => store.changeWaiting(one, { said: 'x', place: { before: 'msg_wait0001' } }))
      await refusal('bad_request', () => store.changeWaiting(one, { said: 'x', place: { after: 'msg_unknown1' } }))
      expect(await versionOf(store)).toBe(version)
      expect(await store.removeWaiting(one)).toEqual([])
      expect([await store.removeWaiting(one), await store.changeWaiting(one, { said: 'x' })]).toEqual([null, false])
      expect(await idsOf(store)).toEqual([3, 4, 2].map((n) => `msg_wait000${n}`))
    })

    it('that are refused are passed by, and hold up nobody; sent again they answer where the chat is now', async () => {
      const store = await busy()
      const one = { id: 'msg_wait0001', chatId }
      await store.putWaiting(waits('msg_wait0001'))
      await store.putWaiting(waits('msg_wait0002'))
      await end(store)
      await store.changeWaiting(one, { refused: { code: 'forbidden' } })
      expect(await store.getWaiting(one.id)).toMatchObject({ refused: { code: 'forbidden' } })
      expect(await take(store, 'msg_wait0002')).toBe(true)
      await end(store, 'msg_wait0002a')
      expect(await store.waitingListed(chatId, await versionOf(store))).toBe(true)
      expect(await store.waitingChats(now)).toEqual([])
      expect(await store.putWaiting(waits('msg_wait0003'))).toBe('idle')
      const later = { createdAt: now + 1 }
      expect(await store.startRun(newRun('msg_answer09', later, { exclusive: true }))).toEqual({ repeated: false })
      expect(await store.putWaiting(waits('msg_wait0004'))).toEqual({ repeated: false })
      expect(await store.waitingLine(chatId, now)).toMatchObject({ after: 'msg_answer09' })
      await end(store, 'msg_answer09')
      await store.removeWaiting({ id: 'msg_wait0004', chatId })
      expect(await store.changeWaiting(one, { refused: null })).toBe(true)
      expect(await store.waitingLine(chatId, now)).toMatchObject({ after: 'msg_answer09', ready: true })
    })

    it('have bounds, in a chat and of a user', async () => {
      const store = await busy()
      await store.createChat(chat('chat_bbbbbbbb'), 'l')
      await store.startRun(newRun('msg_answer02', { chatId: 'chat_bbbbbbbb' }))
      const bounds = { maxOfChat: 2, maxOfUser: 2 }
      await store.putWaiting(waits('msg_wait0001', bounds))
      const other = waits('msg_wait0002', bounds)
      await store.putWaiting({ ...other, message: { ...other.message, chatId: 'chat_bbbbbbbb' } })
      await refusal('rate_limited', () => store.putWaiting(waits('msg_wait0003', { ...bounds, claim: claim() })))
      expect(await store.findClaim(claim())).toBeNull()
      await store.putWaiting(waits('msg_wait0003', bounds, 'user_2'))
      await refusal('rate_limited', () => store.putWaiting(waits('msg_wait0004', bounds, 'user_3')))
    })

    it('have two million characters together, and one alone as many as it has', async () => {
      const store = await busy()
      const long = (id: string, length: number) => {
        const { message, ...rest } = waits(id)
        return { ...rest, message: { ...message, said: 'x'.repeat(length) } }
      }
      await store.putWaiting(long('msg_wait0001', 2_100_000))
      await refusal('too_large', () => store.putWaiting(waits('msg_wait0002')))
      await store.changeWaiting({ id: 'msg_wait0001', chatId }, { said: 'short' })
      await store.putWaiting(long('msg_wait0002', 1_000_000))
      await store.putWaiting(long('msg_wait0003', 900_000))
      await refusal('too_large', () =>
        store.changeWaiting({ id: 'msg_wait0001', chatId }, { said: 'x'.repeat(100_001) }),
      )
      expect((await store.getWaiting('msg_wait0001'))?.said).toBe('short')
    })

    it('are put once for a key, also after they were taken', async () => {
      const store = await busy()
      const keyed = waits('msg_wait0001', { claim: claim({ response: { chatId, waitingId: 'msg_wait0001' } }) })
      expect(await store.putWaiting(keyed)).toEqual({ repeated: false })
      const again = { ...waits('msg_wait0002'), claim: keyed.claim! }
      const repeated = { repeated: true, response: { chatId, waitingId: 'msg_wait0001' } }
      expect(await store.putWaiting(again)).toEqual(repeated)
      await end(store)
      await take(store, 'msg_wait0001')
      await end(store, 'msg_wait0001a')
      expect(await store.putWaiting(again)).toEqual(repeated)
      expect(await store.startRun(newRun('msg_answer05', {}, { exclusive: true, claim: keyed.claim! }))).toEqual(
        repeated,
      )
      await refusal('idempotency_mismatch', () =>
        store.putWaiting({ ...again, claim: claim({ ...keyed.claim!, bodyHash: 'other' }) }),
      )
      expect(await idsOf(store)).toEqual([])
    })

    it('are listed by version; a line that is empty is gone when its chat says so', async () => {
      const store = await busy()
      await store.putWaiting(waits('msg_wait0001'))
      expect(await store.waitingChats(now)).toEqual([chatId])
      const version = await versionOf(store)
      expect(await store.waitingListed(chatId, 'other')).toBe(false)
      expect(await store.waitingListed(chatId, version)).toBe(true)
      expect(await store.waitingLine(chatId, now)).toMatchObject({ version, listed: version })
      expect(await store.waitingChats(now)).toEqual([])
      await store.removeWaiting({ id: 'msg_wait0001', chatId })
      expect(await store.waitingListed(chatId, version)).toBe(false)
      expect(await store.waitingChats(now)).toEqual([chatId])
      expect(await store.waitingListed(chatId, await versionOf(store))).toBe(true)
      expect([await store.waitingLine(chatId, now), await store.waitingChats(now)]).toEqual([null, []])
    })

    it('are not taken while something holds up their chat', async () => {
      const store = await busy()
      await store.putWaiting(waits('msg_wait0001'))
      await store.waitingListed(chatId, await versionOf(store))
      await store.holdWaiting(chatId, 'a', now + 1_000)
      await store.holdWaiting(chatId, 'b', now + 2_000)
      await end(store)
      expect([await store.waitingChats(now), await take(store, 'msg_wait0001')]).toEqual([[], false])
      await store.holdWaiting(chatId, 'b', null)
      expect(await take(store, 'msg_wait0001')).toBe(false)
      expect(await store.waitingChats(now + 1_000)).toEqual([chatId])
      expect(await take(store, 'msg_wait0001', now + 1_000)).toBe(true)
    })

    it('answer what was before a message that is deleted', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun(first, { parentId: 'msg_ask00001' }, { userMessage: question('msg_ask00001') }))
      await store.putWaiting(waits('msg_wait0001'))
      const version = await versionOf(store)
      await store.deleteMessages(first)
      expect(await store.waitingLine(chatId, now)).toMatchObject({ after: 'msg_ask00001', ready: true })
      expect((await versionOf(store)) === version).toBe(false)
      await store.deleteMessages('msg_ask00001')
      expect(await store.waitingLine(chatId, now)).toMatchObject({ after: null, ready: true })
      expect(await take(store, 'msg_wait0001')).toBe(true)
      expect((await store.getRow('msg_wait0001'))?.parentId).toBeNull()
    })

    it('keep their files, and go with their chat, every byte of them', async () => {
      const store = await busy()
      for (const id of ['file_1', 'file_2', 'file_3'])
        await store.putFile({ id, chatId, userId: 'user_1', name: id, mimeType: 'text/plain', size: 1, createdAt: 1 })
      await refusal('not_found', () => store.putWaiting(waits('msg_wait0001', { files: ['file_9'] })))
      expect(await store.waitingLine(chatId, now)).toBeNull()
      for (const n of [1, 2, 3]) await store.putWaiting(waits(`msg_wait000${n}`, { files: [`file_${n}`] }))
      expect(await store.dropUnattachedFiles(now)).toEqual([])
      expect(await store.removeWaiting({ id: 'msg_wait0001', chatId })).toEqual(['file_1'])
      await end(store)
      await store.takeWaiting(
        { ...runOf('msg_wait0002', first), files: ['file_2'] },
        { id: 'msg_wait0002', version: await versionOf(store), now },
      )
      expect((await store.deleteMessages('msg_wait0002')).files).toEqual(['file_2'])
      await store.holdWaiting(chatId, 'a', now + 1_000)
      expect((await store.deleteChat(chatId)).files).toEqual(['file_3'])
      expect([await store.getWaiting('msg_wait0003'), await store.waitingChats(now)]).toEqual([null, []])
    })
  })
}
