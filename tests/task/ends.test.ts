/** `onMessageEnd`: told at least once, in order, again after a failure and after a restart; nobody waits for it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { Ends, retryDelay, type EndContext, type OnMessageEnd } from '../../server/task/ends.ts'
import type { Store, UntoldEnd } from '../../server/store/store.ts'
import { startRunnel } from '../../testing/index.ts'
import { start } from '../http/server.ts'
import { until } from '../socket/sockets.ts'

/** Ends on a store that holds only what they look at, with a clock that the test moves. */
function make(tell: OnMessageEnd, { maxMs = 60_000 } = {}) {
  let time = 0
  const untold: UntoldEnd[] = []
  const rows = new Map<string, { json: Message | null; taskId: string; userId: string }>()
  const errors: string[] = []
  const store = {
    getMessage: async (id: string) => rows.get(id) ?? null,
    untoldEnds: async () => [...untold],
    endTold: async ({ messageId, taskId }: UntoldEnd) =>
      void untold.splice(
        untold.findIndex((end) => end.messageId === messageId && end.taskId === taskId),
        1,
      ),
  } as unknown as Store
  const ends = new Ends({
    store,
    tell,
    maxMs,
    now: () => time,
    random: () => 1,
    onError: (_error, { messageId }) => errors.push(messageId),
  })
  const end = (messageId: string, taskId = `task of ${messageId}`) => {
    rows.set(messageId, { json: { id: messageId, taskId } as Message, taskId, userId: 'ada' })
    untold.push({ messageId, taskId })
    return { messageId, taskId }
  }
  return {
    ends,
    end,
    untold,
    rows,
    errors,
    pass: (ms: number) => {
      time += ms
      ends.sweep()
    },
  }
}

/** All that is under way here are promises: they are through before the next turn of the event loop. */
const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('ends', () => {
  test('are told again after a failure, later each time, up to five minutes', async () => {
    const told: string[] = []
    let failing = true
    const { ends, end, untold, errors, pass } = make((message) => {
      told.push(message.id)
      if (failing) throw new Error('database is away')
    })
    ends.add(end('a'))
    await settle()
    pass(999)
    await settle()
    expect(told).toEqual(['a'])
    pass(1)
    await settle()
    pass(1_999)
    await settle()
    expect([told.length, errors, untold.length]).toEqual([2, ['a', 'a'], 1])
    failing = false
    pass(1)
    await settle()
    expect([told.length, untold.length]).toEqual([3, 0])
    expect([1, 2, 5, 9, 10, 1_000].map((failures) => retryDelay(failures, 1))).toEqual([
      1_000, 2_000, 16_000, 256_000, 300_000, 300_000,
    ])
    expect(retryDelay(1_000, 0)).toBe(150_000)
  })

  test('of one message keep their order; a message whose hook fails or hangs holds up no other', async () => {
    const told: string[] = []
    const hang = Promise.withResolvers<void>()
    const { ends, end, untold, rows, pass } = make(async ({ id, taskId }) => {
      told.push(taskId!)
      if (id === 'slow' && taskId === 'first') await hang.promise
      if (id === 'bad') throw new Error('no')
    })
    ends.add(end('slow', 'first'))
    ends.add(end('bad'))
    for (let i = 0; i < 20; i++) ends.add(end(`m${i}`))
    // Continued while the first end is being told.
    ends.add(end('slow', 'second'))
    await settle()
    expect(told.filter((task) => task.startsWith('task of m'))).toHaveLength(20)
    expect(told).not.toContain('second')
    hang.resolve()
    await settle()
    expect(told.at(-1)).toBe('second')
    expect(untold.map(({ messageId }) => messageId)).toEqual(['bad'])
    rows.delete('bad')
    pass(1_000)
    await settle()
    expect(told.filter((task) => task === 'task of bad')).toHaveLength(1)
  })

  test('eight are told at once', async () => {
    let now = 0
    let most = 0
    const { ends, end, untold } = make(async () => {
      most = Math.max(most, ++now)
      await settle()
      now -= 1
    })
    for (let i = 0; i < 30; i++) ends.add(end(`m${i}`))
    await until(() => untold.length === 0, 'the last end')
    expect(most).toBe(8)
  })

  test('an end that was continued before anybody heard of it is told with the newer one', async () => {
    const told: (string | undefined)[] = []
    const { ends, end, untold, rows } = make(({ taskId }) => void told.push(taskId))
    end('a', 'first')
    end('a', 'second')
    end('b', 'first of b')
    // It runs again.
    rows.set('b', { json: null, taskId: 'second of b', userId: 'ada' })
    await ends.recover()
    await settle()
    expect([told, untold]).toEqual([['second'], []])
  })

  test('a call over its time counts as failed, and hears of it', async () => {
    const aborted: boolean[] = []
    const { ends, end, errors } = make(
      (_message: Message, { signal }: EndContext) =>
        new Promise(() => {
          signal.addEventListener('abort', () => aborted.push(true))
        }),
      { maxMs: 5 },
    )
    ends.add(end('a'))
    await until(() => errors.length === 1, 'the failure')
    expect(aborted).toEqual([true])
  })

  test('close waits for what runs, for the drain time only, and begins nothing more', async () => {
    const told: string[] = []
    const { ends, end, untold } = make(async ({ id }, { signal }) => {
      told.push(id)
      await (id === 'hangs' ? new Promise((resolve) => signal.addEventListener('abort', resolve)) : settle())
    })
    ends.add(end('short'))
    ends.add(end('hangs'))
    const began = performance.now()
    await ends.close(50)
    expect(performance.now() - began).toBeLessThan(1_000)
    ends.add(end('late'))
    await settle()
    expect([told, untold.map(({ messageId }) => messageId)]).toEqual([
      ['short', 'hangs'],
      ['hangs', 'late'],
    ])
  })
})

describe('onMessageEnd', () => {
  test('gets the finished message and who asked, and the caller does not wait for it', async () => {
    const heard = Promise.withResolvers<[Message, EndContext]>()
    const server = await start({
      LOG_LEVEL: 'silent',
      onMessageEnd: (message, context) => {
        heard.resolve([message, context])
        return new Promise(() => {})
      },
    })
    const { id } = (await server.call('POST', '/api/chats', {})).body
    const { body } = await server.call('POST', `/api/chats/${id}/messages`, {
      content: 'an error please',
      stream: false,
    })
    const [message, { userId }] = await heard.promise
    expect(message).toEqual(body.error.details.message)
    expect([message.status, userId]).toEqual(['failed', 'local'])
  })

  test('is told after a restart what it did not take, and nothing of a message that is deleted', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'runnel-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const settings = { DATABASE_URL: `sqlite:${join(folder, 'runnel.db')}`, RUNNEL_FILES_DIR: join(folder, 'files') }
    const refused: string[] = []
    const first = await startRunnel({
      ...settings,
      onMessageEnd: ({ id }) => {
        refused.push(id)
        throw new Error('not now')
      },
      LOG_LEVEL: 'silent',
    })
    const kept = await first.ask('an error please')
    const gone = await first.ask('an error please')
    await until(() => refused.length >= 2, 'both ends')
    expect((await first.call('DELETE', `/api/messages/${gone.messageId}`)).status).toBe(204)
    // Interrupted by the end of the process.
    const cut = await first.ask('a long one')
    await first.close()
    const told: [string, string][] = []
    const second = await startRunnel({ ...settings, onMessageEnd: ({ id, status }) => void told.push([id, status]) })
    await until(() => told.length === 2, 'the ends')
    await second.close()
    expect(told).toEqual([
      [kept.messageId, 'failed'],
      [cut.messageId, 'interrupted'],
    ])
    const third = await startRunnel({ ...settings, onMessageEnd: ({ id }) => void told.push([id, 'again']) })
    await third.close()
    expect(told).toHaveLength(2)
  })
})
