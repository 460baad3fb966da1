import type { Store } from '../../server/index.ts'
import { append, readLog, refusal, type OpenStore } from './fixtures.ts'
import { answer, bytes, chat, chatId, newRun } from './records.ts'
import type { TestTools } from './tools.ts'

/** How a run ends, and what of it is left to do. */
export function endRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('saving what has ended', () => {
    it('keeps status, canonical JSON and state; the updates go and the numbers stay', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      await append(store, 'msg_answer01', 1, 0, 'a', 'b')
      const message = answer('msg_answer01', { status: 'stopped', finishReason: 'stop' })
      expect(await store.endRun({ message, taskId: message.taskId!, epoch: 1, state: bytes('final') })).toBe('ended')
      const row = await store.getMessage('msg_answer01')
      expect([row?.status, row?.json]).toEqual(['stopped', message])
      expect(await readLog(store, 'msg_answer01')).toMatchObject({ epoch: 1, seq: 1, state: 'final', updates: [] })
      expect(await store.unfinished()).toEqual([])
      expect(await append(store, 'msg_answer01', 1, 1, 'continued')).toEqual([{ status: 'ok', seq: 2 }])
    })

    it('refuses an epoch that is not the newest, and an unknown message, and writes nothing', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      await append(store, 'msg_answer01', 1, 0, 'a')
      await store.drawEpoch('msg_answer01')
      for (const epoch of [1, 3]) {
        expect(
          await store.endRun({
            taskId: 'task_msg_answer01',
            message: answer('msg_answer01'),
            epoch,
            state: bytes('old'),
          }),
        ).toBe('not current')
      }
      expect(
        await store.endRun({
          taskId: 'task_msg_unknown1',
          message: answer('msg_unknown1'),
          epoch: 1,
          state: bytes('old'),
        }),
      ).toBe('gone')
      expect(
        await store.endRun({ taskId: `task_${chatId}`, message: answer(chatId), epoch: 0, state: bytes('old') }),
      ).toBe('gone')
      expect((await store.getMessage('msg_answer01'))?.status).toBe('queued')
      expect((await readLog(store, 'msg_answer01'))?.updates).toEqual(['a'])
      expect((await readLog(store, chatId))?.state).toBeNull()
    })
  })

  describe('the end of a run', () => {
    const end = { messageId: 'msg_answer01', taskId: 'task_msg_answer01' }
    const final = (text: string) => ({
      taskId: end.taskId,
      message: answer('msg_answer01', { model: text }),
      epoch: 1,
      state: bytes(text),
      tell: true,
      providerData: [{ blockId: text, data: text }],
    })
    const next = { messageId: end.messageId, taskId: 'task_next', userId: 'user_1', node: 'n', request: { model: 'm' } }

    async function running(): Promise<Store> {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      return store
    }

    it('is written once: a repetition changes nothing', async () => {
      const store = await running()
      expect(await store.endRun(final('first'))).toBe('ended')
      expect(await store.endRun(final('again'))).toBe('ended before')
      expect((await store.getMessage(end.messageId))?.json?.model).toBe('first')
      expect((await readLog(store, end.messageId))?.state).toBe('first')
      expect(await store.getProviderData(end.messageId)).toEqual([{ blockId: 'first', data: 'first' }])
      expect([await store.untoldEnds(), await store.unlistedEnds()]).toEqual([[end], [end]])
    })

    it('of a message that was continued since changes nothing of the run that came after, whatever its epoch', async () => {
      const store = await running()
      await store.endRun(final('first'))
      await store.endListed(end)
      await store.continueRun(next)
      const row = await store.getMessage(end.messageId)
      for (const epoch of [1, await store.drawEpoch(end.messageId)])
        expect(await store.endRun({ ...final('late'), epoch })).toBe('not current')
      expect(await store.getMessage(end.messageId)).toEqual(row)
      expect([await store.unlistedEnds(), await store.endListed(end)]).toEqual([[], false])
      expect(await store.getProviderData(end.messageId)).toEqual([{ blockId: 'first', data: 'first' }])
    })

    it('of a message that is gone leaves nothing', async () => {
      const store = await running()
      await store.deleteMessages(end.messageId)
      expect(await store.endRun(final('late'))).toBe('gone')
      expect([await store.untoldEnds(), await store.unlistedEnds(), await store.endListed(end)]).toEqual([
        [],
        [],
        false,
      ])
      expect(await store.getProviderData(end.messageId)).toEqual([])
    })

    it('that its chat does not list yet is not continued, and goes with its message', async () => {
      const store = await running()
      await store.endRun(final('first'))
      await refusal('busy', () => store.continueRun(next))
      expect(await store.endListed({ ...end, taskId: 'task_other' })).toBe(false)
      expect(await store.unlistedEnds()).toEqual([end])
      expect(await store.endListed(end)).toBe(true)
      expect(await store.unlistedEnds()).toEqual([])
      await store.continueRun(next)
      await store.endRun({ ...final('second'), taskId: next.taskId })
      await store.deleteMessages(end.messageId)
      expect(await store.unlistedEnds()).toEqual([])
    })
  })

  describe('epochs', () => {
    it('rise with every draw, a document each', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      expect([await store.drawEpoch(chatId), await store.drawEpoch(chatId)]).toEqual([1, 2])
      expect([await store.drawEpoch('msg_answer01'), await store.drawEpoch('msg_answer01')]).toEqual([2, 3])
    })

    it('are given again once after a release', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const epoch = await store.drawEpoch(chatId)
      await store.releaseEpoch(chatId, epoch)
      expect([await store.drawEpoch(chatId), await store.drawEpoch(chatId)]).toEqual([1, 2])
    })

    it('ignore the release of an epoch that is not the newest', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.releaseEpoch(chatId, 0)
      const first = await store.drawEpoch(chatId)
      await store.drawEpoch(chatId)
      await store.releaseEpoch(chatId, first)
      await store.releaseEpoch('chat_unknown1', 1)
      expect(await store.drawEpoch(chatId)).toBe(3)
    })

    it('exist for documents only', async () => {
      const store = open()
      await refusal('not_found', () => store.drawEpoch('msg_unknown1'))
    })
  })
}
