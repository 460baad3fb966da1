import type { Store } from '../../server/index.ts'
import { readLog, refusal, type OpenStore } from './fixtures.ts'
import { answer, bytes, chat, chatId, claim, newRun, question } from './records.ts'
import type { TestTools } from './tools.ts'

/** Starting runs, going on with them, and what several processes do to them. */
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

  describe('starting a run behind a message', () => {
    it('is refused where that is gone, or of another chat: nothing is written', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      await store.createChat(chat('chat_bbbbbbbb'), 'l')
      await store.startRun(newRun('msg_other001', { chatId: 'chat_bbbbbbbb' }))
      await store.startRun(newRun('msg_answer01'))
      await store.startRun(newRun('msg_answer02', { parentId: 'msg_answer01' }))
      await store.deleteMessages('msg_answer01')
      for (const parentId of ['msg_answer01', 'msg_answer02', 'msg_unknown1', 'msg_other001']) {
        const asked = question('msg_ask00001', { parentId })
        await refusal('not_found', () =>
          store.startRun(newRun('msg_answer03', { parentId: asked.id }, { userMessage: asked, claim: claim() })),
        )
        await refusal('not_found', () => store.startRun(newRun('msg_answer03', { parentId }, { claim: claim() })))
      }
      expect((await store.listMessages(chatId, { limit: 9 })).items).toEqual([])
      expect(await store.log.read('msg_answer03')).toBeNull()
      expect(await store.startRun(newRun('msg_answer03', {}, { claim: claim() }))).toEqual({ repeated: false })
    })

    it('while that is deleted leaves it with it, or is refused', async () => {
      const store = open()
      await store.createChat(chat(), 'l')
      for (let i = 0; i < 5; i++) {
        await store.startRun(newRun('msg_answer01'))
        const start = (k: number) =>
          store.startRun(newRun(`msg_number${i}${k}`, { parentId: 'msg_answer01' })).then(
            () => true,
            () => false,
          )
        await Promise.all([start(0), start(1), store.deleteMessages('msg_answer01'), start(2), start(3)])
        expect((await store.listMessages(chatId, { limit: 9 })).items).toEqual([])
      }
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
      const heard = ['b1', 'b2'].map((key) => ({ taskId, key }))
      expect(await store.ordersOf([taskId], heard)).toEqual([{ taskId, key: 'stop', body: null }])
      expect(await store.ordersOf([taskId], [{ taskId, key: 'stop' }, ...heard])).toEqual([])
      expect((await store.ordersOf([taskId], [{ taskId: 'task_other', key: 'b1' }])).map(({ key }) => key)).toEqual([
        'b1',
        'stop',
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
}
