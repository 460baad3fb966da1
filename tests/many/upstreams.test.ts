/** Several upstreams and several nodes: a run that is taken over is answered by the same provider, by its name. */
import { expect, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { answer, httpError, startFakeOpenAI } from '../../testing/index.ts'
import { ChildNode } from './children.ts'
import { newWorld, usePostgres } from './nodes.ts'
import { textOf } from './seen.ts'

usePostgres()

test(
  'a node is killed in the middle of an answer that another than the first model gives',
  { timeout: 40_000 },
  async () => {
    const [first, second] = await Promise.all([
      startFakeOpenAI(),
      startFakeOpenAI({ fallback: answer({ text: 'and the sun.' }) }),
    ])
    const providers = {
      one: { baseUrl: first.url, apiKey: 'k1', maxRetries: 0, models: ['m'], fallback: ['two/m'] },
      two: { baseUrl: second.url, apiKey: 'k2', maxRetries: 0, models: ['m'] },
    }
    const world = await newWorld({
      settings: {
        RUNNEL_LEASE_MS: 1_000,
        RUNNEL_ON_LOST_RUN: 'continue',
        providers,
        RUNNEL_MODEL: 'one/m',
        OPENAI_BASE_URL: '',
        OPENAI_API_KEY: '',
      },
    })
    const [a, b] = await Promise.all([new ChildNode().start(world.settings), world.node()])
    try {
      first.enqueue(httpError(503, 'No.'))
      const stream = second.manual()
      const { messageId } = await a.ask('Why are there tides?')
      await stream.request
      stream.send('The moon ')
      const read = async () => (await b.call('GET', `/api/messages/${messageId}`)).body as Message
      await expect.poll(async () => textOf(await read()), { timeout: 8_000 }).toBe('The moon ')
      await a.kill()
      await expect.poll(async () => (await read()).status, { timeout: 15_000 }).toBe('completed')
      const message = await read()
      expect(message.model).toBe('two/m')
      expect(textOf(message)).toBe('The moon and the sun.')
      expect(first.requests).toHaveLength(1)
      expect(second.requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer k2', 'Bearer k2'])
    } finally {
      await Promise.all([first.close(), second.close()])
    }
  },
)
