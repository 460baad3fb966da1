import type { Store } from '../../server/store/store.ts'
import { append, readLog, refusal, type OpenStore } from './fixtures.ts'
import { answer, bytes, chat, chatId, claim, newRun, question, startedAt } from './records.ts'
import type { TestTools } from './tools.ts'

const dayMs = 24 * 60 * 60 * 1000

/** Starting and ending runs, claims and epochs. */
export function runRules(open: OpenStore, { describe, it, expect }: TestTools): void {
  describe('starting a run', () => {
    it('writes question, answer and an empty document of epoch 1', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01', {}, { userMessage: question('msg_ask00001'), lineage: 'line' }))
      expect((await store.getMessage('msg_ask00001'))?.status).toBe('completed')
      expect((await store.getMessage('msg_answer01'))?.json).toBeNull()
      expect(await readLog(store, 'msg_answer01')).toEqual({
        lineage: 'line',
        epoch: 1,
        seq: 0,
        state: null,
        updates: [],
      })
      expect(await store.log.read('msg_ask00001')).toBeNull()
      expect(await store.getMessage('msg_unknown1')).toBeNull()
    })

    it('writes nothing where the answer or the chat is refused', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      const twice = newRun('msg_answer01', {}, { userMessage: question('msg_ask00001'), claim: claim() })
      await refusal('internal', () => store.startRun(twice))
      await refusal('not_found', () =>
        store.startRun(
          newRun(
            'msg_answer02',
            { chatId: 'chat_unknown1' },
            {
              userMessage: question('msg_ask00001'),
              claim: claim(),
            },
          ),
        ),
      )
      expect(await store.getMessage('msg_ask00001')).toBeNull()
      expect(await store.getMessage('msg_answer02')).toBeNull()
      expect(await store.startRun(newRun('msg_answer03', {}, { claim: claim() }))).toEqual({ repeated: false })
    })
  })

  describe('continuing a run', () => {
    async function ended(): Promise<Store> {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      await store.endRun({
        taskId: 'task_msg_answer01',
        message: answer('msg_answer01'),
        epoch: 1,
        state: bytes('state'),
      })
      await store.endListed({ messageId: 'msg_answer01', taskId: 'task_msg_answer01' })
      return store
    }
    const next = {
      messageId: 'msg_answer01',
      taskId: 'task_new',
      userId: 'user_2',
      node: 'n2',
      request: { model: 'm', continues: true },
    }

    it('makes an ended message a queued one, of a new task; the old task still leads to it', async () => {
      const store = await ended()
      expect(await store.continueRun(next)).toEqual({ repeated: false })
      expect(await store.getMessage('msg_answer01')).toMatchObject({
        taskId: 'task_new',
        userId: 'user_2',
        node: 'n2',
        status: 'queued',
        json: null,
        request: { model: 'm', continues: true },
      })
      const row = await store.getRow('msg_answer01')
      expect(await store.findTask('task_new')).toEqual(row)
      expect(await store.findTask('task_msg_answer01')).toEqual(row)
      expect(await store.unfinished()).toEqual([row])
      expect((await readLog(store, 'msg_answer01'))?.state).toBe('state')
    })

    it('begins with the end that it goes on from, if that is saved', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      await store.drawEpoch('msg_answer01')
      const message = answer('msg_answer01')
      const taskId = 'task_msg_answer01'
      expect(await store.endRun({ message, taskId, epoch: 1, state: bytes('old'), next })).toBe('not current')
      expect(await store.getMessage('msg_answer01')).toMatchObject({ taskId: 'task_msg_answer01', status: 'queued' })
      expect(await store.endRun({ message, taskId, epoch: 2, state: bytes('state'), next })).toBe('ended')
      expect(await store.getMessage('msg_answer01')).toMatchObject({
        ...{ taskId: 'task_new', node: 'n2' },
        status: 'queued',
        json: null,
      })
      const row = await store.getRow('msg_answer01')
      expect(await store.findTask('task_msg_answer01')).toEqual(row)
      expect(await store.unfinished()).toEqual([row])
      expect((await readLog(store, 'msg_answer01'))?.state).toBe('state')
      // Its chat lists the run that goes on, not the end before it; and once only.
      expect(await store.unlistedEnds()).toEqual([])
      expect(await store.endRun({ message, taskId, epoch: 2, state: bytes('state'), next })).toBe('not current')
    })

    it('is refused while it runs, for an unknown message, and done once for a key', async () => {
      const store = await ended()
      const keyed = { ...next, claim: claim() }
      expect(await store.continueRun(keyed)).toEqual({ repeated: false })
      expect(await store.continueRun(keyed)).toMatchObject({ repeated: true })
      await refusal('busy', () => store.continueRun({ ...next, taskId: 'task_other' }))
      await refusal('not_found', () => store.continueRun({ ...next, messageId: 'msg_unknown1' }))
      await store.deleteMessages('msg_answer01')
      expect(await store.findTask('task_msg_answer01')).toBeNull()
    })
  })

  describe('runs of several processes', () => {
    it('refuses an exclusive run in a chat in which another is unfinished', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01', {}, { exclusive: true }))
      await refusal('busy', () => store.startRun(newRun('msg_answer02', {}, { exclusive: true, claim: claim() })))
      expect(await store.startRun(newRun('msg_answer03'))).toEqual({ repeated: false })
      for (const id of ['msg_answer01', 'msg_answer03'])
        await store.endRun({ taskId: `task_${id}`, message: answer(id), epoch: 1, state: bytes('state') })
      expect(await store.startRun(newRun('msg_answer04', {}, { exclusive: true, claim: claim() }))).toEqual({
        repeated: false,
      })
    })

    it('gives a run to one of those who take it over, while it is unfinished', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01', { node: 'dead' }))
      const taken = await Promise.all(['a', 'b', 'c'].map((node) => store.takeOver('msg_answer01', 'dead', node)))
      expect(taken.filter(Boolean)).toHaveLength(1)
      expect((await store.getMessage('msg_answer01'))?.node).toBe(['a', 'b', 'c'][taken.indexOf(true)])
      await store.endRun({
        taskId: 'task_msg_answer01',
        message: answer('msg_answer01'),
        epoch: 1,
        state: bytes('state'),
      })
      expect(await store.takeOver('msg_answer01', (await store.getMessage('msg_answer01'))!.node!, 'd')).toBe(false)
    })

    it('lists what a user has running', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01', { userId: 'user_1' }))
      await store.startRun(newRun('msg_answer02', { userId: 'user_2' }))
      expect((await store.unfinishedOf('user_2')).map(({ id }) => id)).toEqual(['msg_answer02'])
    })

    it('keeps the first order of a key until its run has ended', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.startRun(newRun('msg_answer01'))
      const taskId = 'task_msg_answer01'
      expect(await store.putOrder({ taskId, key: 'b1', body: { decision: 'approve' } })).toBe(true)
      expect(await store.putOrder({ taskId, key: 'b1', body: { decision: 'deny' } })).toBe(false)
      expect(await store.putOrder({ taskId, key: 'stop', body: null })).toBe(true)
      expect(await store.putOrder({ taskId: 'task_other', key: 'stop', body: null })).toBe(false)
      expect(await store.ordersOf([taskId, 'task_unknown'])).toEqual([
        { taskId, key: 'b1', body: { decision: 'approve' } },
        { taskId, key: 'stop', body: null },
      ])
      await store.endRun({
        taskId: 'task_msg_answer01',
        message: answer('msg_answer01'),
        epoch: 1,
        state: bytes('state'),
      })
      expect(await store.ordersOf([taskId])).toEqual([])
      expect(await store.putOrder({ taskId, key: 'stop', body: null })).toBe(false)
      expect(await store.ordersOf([taskId])).toEqual([])
    })

    it('deletes what was said to a run with its message, also where it comes late', async () => {
      const store = open()
      for (const remove of [() => store.deleteMessages('msg_answer01'), () => store.deleteChat(chatId)]) {
        if (!(await store.getChat(chatId))) await store.createChat(chat(), 'l')
        await store.startRun(newRun('msg_answer01'))
        const order = { taskId: 'task_msg_answer01', key: 'b1', body: { output: 'words' } }
        await Promise.all([store.putOrder(order), remove(), store.putOrder({ ...order, key: 'stop', body: null })])
        expect(await store.putOrder({ ...order, key: 'b2' })).toBe(false)
        expect(await store.ordersOf([order.taskId])).toEqual([])
      }
    })

    it('keeps the ends that somebody is to be told of', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (const id of ['msg_answer01', 'msg_answer02', 'msg_answer03']) {
        await store.startRun(newRun(id))
        await store.endRun({
          taskId: `task_${id}`,
          message: answer(id),
          epoch: 1,
          state: bytes('state'),
          tell: id !== 'msg_answer02',
        })
      }
      const ends = ['msg_answer01', 'msg_answer03'].map((messageId) => ({ messageId, taskId: `task_${messageId}` }))
      expect(await store.untoldEnds()).toEqual(ends)
      await store.endTold(ends[0]!)
      expect(await store.untoldEnds()).toEqual([ends[1]])
      await store.deleteMessages('msg_answer03')
      expect(await store.untoldEnds()).toEqual([])
    })
  })

  describe('claims', () => {
    it('answers a repeated request with the first response and writes nothing', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const response = { messageId: 'msg_answer01' }
      await store.startRun(newRun('msg_answer01', {}, { claim: claim({ response }) }))
      const repeated = newRun(
        'msg_answer02',
        {},
        { claim: claim({ response: { messageId: 'msg_answer02' } }), userMessage: question('msg_ask00001') },
      )
      expect(await store.startRun(repeated)).toEqual({ repeated: true, response })
      expect(await store.getMessage('msg_answer02')).toBeNull()
      expect(await store.getMessage('msg_ask00001')).toBeNull()
      expect(await store.log.read('msg_answer02')).toBeNull()
    })

    it('gives all of several concurrent requests the same ids', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      const ids = ['msg_answer01', 'msg_answer02', 'msg_answer03']
      const answers = await Promise.all(
        ids.map((id) => store.startRun(newRun(id, {}, { claim: claim({ response: id }) }))),
      )
      expect(answers.filter((answered) => !answered.repeated)).toHaveLength(1)
      // Which of them a database hears first nobody knows.
      const first = ids[answers.findIndex((answered) => !answered.repeated)]
      expect(answers.filter((answered) => answered.repeated).map((answered) => answered.response)).toEqual([
        first,
        first,
      ])
      expect((await store.unfinished()).map((row) => row.id)).toEqual([first])
    })

    it('refuses the same key with another body and writes nothing', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim())
      await refusal('idempotency_mismatch', () =>
        store.startRun(newRun('msg_answer01', {}, { claim: claim({ bodyHash: 'other' }) })),
      )
      await refusal('idempotency_mismatch', () =>
        store.createChat(chat('chat_bbbbbbbb'), 'l', claim({ bodyHash: 'other' })),
      )
      expect(await store.getMessage('msg_answer01')).toBeNull()
      expect(await store.getChat('chat_bbbbbbbb')).toBeNull()
    })

    it('finds a claim before anything is written, with the same refusals', async () => {
      const store = open()
      expect(await store.findClaim(claim())).toBeNull()
      await store.createChat(chat(), 'l', claim({ response: 'first' }))
      expect(await store.findClaim(claim())).toEqual({ response: 'first' })
      await refusal('idempotency_mismatch', () => store.findClaim(claim({ bodyHash: 'other' })))
      expect(await store.findClaim(claim({ createdAt: startedAt + dayMs, bodyHash: 'other' }))).toBeNull()
    })

    it('keeps users, routes and keys apart', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim())
      const others = [claim({ userId: 'user_2' }), claim({ route: 'POST chats' }), claim({ key: 'key-2' })]
      for (const [index, other] of others.entries()) {
        expect(await store.createChat(chat(`chat_number0${index}`), 'l', other)).toEqual({ repeated: false })
      }
    })

    it('makes a chat once for one key', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim({ response: [1, 'first'] }))
      expect(await store.createChat(chat('chat_bbbbbbbb'), 'l', claim())).toEqual({
        repeated: true,
        response: [1, 'first'],
      })
      expect(await store.getChat('chat_bbbbbbbb')).toBeNull()
    })

    it('forgets a claim after 24 h, and drops old ones on request', async () => {
      const store = open()
      await store.createChat(chat(), 'l', claim())
      const almost = claim({ createdAt: startedAt + dayMs - 1 })
      expect((await store.startRun(newRun('msg_answer01', {}, { claim: almost }))).repeated).toBe(true)
      const later = claim({ createdAt: startedAt + dayMs, bodyHash: 'other', response: 'second' })
      expect(await store.startRun(newRun('msg_answer01', {}, { claim: later }))).toEqual({ repeated: false })
      await store.dropClaims(startedAt + dayMs)
      expect(await store.startRun(newRun('msg_answer02', {}, { claim: later }))).toEqual({
        repeated: true,
        response: 'second',
      })
      await store.dropClaims(startedAt + dayMs + 1)
      expect(await store.startRun(newRun('msg_answer02', {}, { claim: later }))).toEqual({ repeated: false })
    })
  })

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
