/** What one node has done, every other node says at once. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { startLine } from '../../testing/line.ts'
import { newWorld, usePostgres, view } from './nodes.ts'
import { textOf, word, wordsOf } from './seen.ts'

usePostgres()

test(
  'once stop has answered, a node that is behind says that the answer has ended, with all of its text',
  { timeout: 30_000 },
  async () => {
    const { fake, redis, node } = await newWorld()
    const proxy = await startLine(redis.port)
    onTestFinished(() => proxy.close())
    const [a, b, late] = await Promise.all([node(), node(), node({ REDIS_URL: `redis://127.0.0.1:${proxy.port}` })])
    for (const stopping of [a, b]) {
      const stream = fake.manual()
      const { messageId } = await a.ask('q')
      const viewers = [a, late].map((of) => view(of))
      const [near, far] = (await Promise.all(viewers.map((viewer) => viewer.follow(messageId)))).map(([copy]) => copy!)
      stream.send(word('q', 0))
      await Promise.all(
        viewers.map((viewer, i) => viewer.until(() => [near, far][i]!.text === wordsOf('q', 1), 'the first word')),
      )
      proxy.delayMs = 40
      for (let i = 1; i < 10; i++) stream.send(word('q', i))
      await viewers[0]!.until(() => near!.text === wordsOf('q', 10), 'the other words')
      expect((await stopping.call('POST', `/api/messages/${messageId}/stop`)).body).toMatchObject({ status: 'stopped' })
      const askedAt = performance.now()
      const { body } = await late.call('GET', `/api/messages/${messageId}`)
      expect([body.status, textOf(body)]).toEqual(['stopped', wordsOf('q', 10)])
      expect(performance.now() - askedAt).toBeLessThan(500)
      proxy.delayMs = 0
      stream.end()
      await Promise.all(viewers.map((viewer) => viewer.close()))
    }
  },
)

test(
  'calls on a chat that is being deleted on another node are done, or find nothing',
  { timeout: 60_000 },
  async () => {
    const { fake, node } = await newWorld({ fake: { fallback: answer({ text: 'Done.' }) } })
    const [a, b] = await Promise.all([node(), node()])
    const statuses = new Map<string, number>()
    for (let round = 0; round < 6; round++) {
      const { chatId, messageId, taskId } = await b.ask('First')
      await expect
        .poll(async () => (await b.call('GET', `/api/messages/${messageId}`)).body as Message, { timeout: 5_000 })
        .toMatchObject({ status: 'completed' })
      const stream = fake.manual()
      const running = await b.ask('Running', { chatId })
      await stream.request
      stream.send('Words ')
      const calls: [string, string, object?][] = [
        ['POST', `/api/chats/${chatId}/messages`, { content: 'Late', parentId: messageId }],
        ['POST', `/api/messages/${messageId}/continue`, {}],
        ['POST', `/api/messages/${messageId}/regenerate`, {}],
        ['POST', `/api/messages/${running.messageId}/stop`, {}],
        ['POST', `/api/messages/${running.messageId}/tool-calls/c1`, { decision: 'approve' }],
        ['POST', `/api/tasks/${taskId}/stop`, {}],
        ['PATCH', `/api/chats/${chatId}`, { title: 'Late' }],
        ['GET', `/api/messages/${running.messageId}`],
        ['GET', `/api/chats/${chatId}/messages`],
        ['DELETE', `/api/messages/${messageId}`],
      ]
      const asked = calls.map(async ([method, path, body], i) => {
        await sleep(((i + round) % calls.length) * 3)
        const { status, body: answered } = await b.call(method, path, body)
        const what = `${method} ${path.replace(/(chat|msg|task)_[\w-]+/, '$1')} ${status}`
        statuses.set(what, (statuses.get(what) ?? 0) + 1)
        expect([what, answered?.error?.message, status < 500]).toEqual([what, answered?.error?.message, true])
      })
      const deleted = sleep(round).then(() => a.call('DELETE', `/api/chats/${chatId}`))
      await Promise.all([...asked, deleted.then(({ status }) => expect(status).toBe(204))])
      expect((await b.call('GET', `/api/chats/${chatId}`)).status).toBe(404)
      stream.end()
    }
    console.log(
      [...statuses]
        .map(([what, count]) => `${what}: ${count}`)
        .sort()
        .join('\n'),
    )
  },
)
