/** `flushMs`: fewer and larger updates for who asks for them, at each door; what is urgent does not wait. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { Collector, type StartedRunnel } from '../../testing/index.ts'
import type { ProviderEvent } from '../../server/provider/events.ts'
import type { Message } from '../../shared/schema.ts'
import { closeAfterwards, start } from '../http/server.ts'
import { scriptedProvider } from '../http/scripted-provider.ts'

const words = Array.from({ length: 30 }, (_, i) => `word${i} `)

/** How often what a viewer sees of an answer grows that comes within some 600 ms. */
async function growth(server: StartedRunnel, script: ReturnType<typeof scriptedProvider>, body: object) {
  const { messageId } = await server.ask('Go', { ...body })
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())
  const [copy] = await viewer.follow(messageId)
  script.startText()
  const lengths = new Set<number>()
  for (const word of words) {
    script.text(word)
    await sleep(20)
    lengths.add(copy!.text.length)
  }
  script.finish()
  await viewer.until(() => copy!.ended, 'the end')
  expect(copy!.text).toBe(words.join(''))
  lengths.add(copy!.text.length)
  return { updates: lengths.size - 1, first: Math.min(...[...lengths].filter((length) => length > 0)), messageId }
}

test('text is written as seldom as its request asks for, and no more seldom for others', async () => {
  const script = scriptedProvider()
  const server = await start({ provider: script.provider })
  const often = await growth(server, script, {})
  const seldom = await growth(server, script, { flushMs: 1_000 })
  expect(often.updates).toBeGreaterThan(6)
  // The first words at once, those of the tick, and the end.
  expect(seldom.updates).toBeLessThan(4)
  expect(seldom.first).toBeLessThan(words.join('').length / 2)
  // Regenerate keeps it, as all that is asked for.
  const path = `/api/messages/${seldom.messageId}`
  expect((await server.call('POST', `${path}/regenerate`, { flushMs: 39 })).status).toBe(400)
  expect(await server.call('GET', path)).toMatchObject({ body: { status: 'completed' } satisfies Partial<Message> })
})

test('it is from the own of the server to a second, also at the OpenAI door', async () => {
  async function* oneWord(): AsyncGenerator<ProviderEvent> {
    yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
    yield { type: 'delta', key: 't', field: 'text', text: 'Yes.' }
    yield { type: 'finish', reason: 'stop' }
  }
  const server = await start({ RUNNEL_FLUSH_MS: 100, provider: oneWord })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  for (const flushMs of [99, 1_001, 0, -1, 150.5, '200', null]) {
    const { status, body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Hi', flushMs })
    expect([flushMs, status, body.error?.code]).toEqual([flushMs, 400, 'bad_request'])
  }
  const low = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Hi', flushMs: 99 })
  expect(low.body.error.message).toBe('flushMs: must be from 100 (RUNNEL_FLUSH_MS) to 1000.')
  for (const flushMs of [100, 1_000]) {
    const body = { content: 'Hi', flushMs, parentId: null, stream: false }
    expect((await server.call('POST', `/api/chats/${id}/messages`, body)).status).toBe(200)
  }
  const door = (flushMs: string) =>
    server.call(
      'POST',
      '/v1/chat/completions',
      { messages: [{ role: 'user', content: 'Hi' }] },
      { 'x-runnel-flush-ms': flushMs },
    )
  expect((await door('250')).status).toBe(200)
  for (const odd of ['99', '1001', 'x', '1e9', '']) expect((await door(odd)).status, odd).toBe(400)
})
