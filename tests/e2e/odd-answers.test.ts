/**
 * Odd answers through the whole road. Above all a closing think tag that nothing
 * opened: what was shown as text is reasoning from then on, for whoever looks
 * on, comes back or comes late; and at the OpenAI door stays what it was sent as.
 */
import * as Y from 'yjs'
import OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebsocketProvider } from 'y-websocket'
import { connect, isTerminal } from '../../client/index.ts'
import { readMessage, type FileBlock, type Message } from '../../shared/schema.ts'
import {
  rateLimited,
  SseReader,
  startFakeOpenAI,
  startRunnel,
  type FakeOpenAI,
  type StartedRunnel,
} from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { delta, done, ends, png } from '../helpers/frames.ts'

let fake: FakeOpenAI
let server: StartedRunnel
beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url, RUNNEL_FLUSH_MS: 5 })
})
afterAll(async () => {
  await server.close()
  await fake.close()
})

const thoughts = 'Let me count the tides of a day. '.repeat(40)

test('every viewer has it in place, and nobody gets a character twice', async () => {
  const stream = fake.manual()
  const { messageId, chatId } = await server.ask('How many?')
  const client = connect({ url: server.url })
  const doc = new Y.Doc()
  const stock = new WebsocketProvider(`${server.url.replace('http', 'ws')}/yjs`, messageId, doc, { disableBc: true })
  const reader = new SseReader(server.url, messageId)
  const left = new SseReader(server.url, messageId)
  try {
    await stream.request
    stream.send(thoughts)
    await reader.until(() => textOf(reader.message) === thoughts)
    await left.until(() => textOf(left.message) === thoughts)
    left.close()
    const bytes = reader.bytes
    const live = client.message(messageId)
    await live.until(({ message }) => textOf(message) === thoughts, { signal: AbortSignal.timeout(5_000) })
    stream.send('</think>')
    stream.send('\n\nTwo.')
    await reader.until(() => reader.message?.output.length === 2)
    expect(reader.bytes - bytes).toBeLessThan(1_500)
    const back = new SseReader(server.url, messageId, { lastEventId: left.lastId!, message: left.message })
    await back.until(() => back.message?.output.length === 2)
    stream.end()
    const { message } = await live.until(
      (snapshot) => snapshot.message !== null && isTerminal(snapshot.message.status),
      {
        signal: AbortSignal.timeout(5_000),
      },
    )
    await Promise.all([reader.toEnd(), back.toEnd()])
    const { body } = await server.call('GET', `/api/messages/${messageId}`)
    expect((body as Message).output).toMatchObject([
      { type: 'reasoning', origin: 'tag', status: 'completed', text: thoughts, endedAt: expect.any(Number) },
      { type: 'text', status: 'completed', text: 'Two.' },
    ])
    for (const seen of [message, reader.message, back.message]) expect(seen).toEqual(body)
    await until(() => isTerminal(readMessage(doc).status))
    expect(readMessage(doc)).toEqual(body)
    expect(reader.events.filter(({ event }) => event.type === 'snapshot')).toHaveLength(1)
    expect(reader.events.map(({ event }) => event).filter(({ type }) => type === 'set')[0]).toMatchObject({
      fields: { type: 'reasoning', origin: 'tag' },
    })
    // The next turn speaks of the answer, not of the thoughts.
    await (await server.ask('And then?', { chatId }), fake.received(2))
    expect(JSON.stringify(fake.requests[1]!.body)).toContain('Two.')
    expect(JSON.stringify(fake.requests[1]!.body)).not.toContain('Let me count')
  } finally {
    stock.destroy()
    doc.destroy()
    await client.close()
  }
})

test('at the door what has gone out as text stays text, and what has not is reasoning', async () => {
  const openai = new OpenAI({ apiKey: 'any', baseURL: `${server.url}/v1`, maxRetries: 0 })
  const messages = [{ role: 'user' as const, content: 'How many?' }]
  const play = () => {
    const stream = fake.manual()
    return async () => {
      await stream.request
      stream.send(thoughts)
      await new Promise((resolve) => setTimeout(resolve, 50))
      stream.send('</think>')
      stream.send('Two.')
      stream.end()
    }
  }
  const streamed = play()
  const [chunks] = await Promise.all([
    openai.chat.completions.create({ model: 'm', messages, stream: true }),
    streamed(),
  ])
  let content = ''
  for await (const { choices } of chunks) {
    content += choices[0]?.delta.content ?? ''
    expect(choices[0]?.delta).not.toHaveProperty('reasoning_content')
  }
  expect(content).toBe(`${thoughts}Two.`)
  const unstreamed = play()
  const [whole] = await Promise.all([openai.chat.completions.create({ model: 'm', messages }), unstreamed()])
  expect(whole.choices[0]!.message).toMatchObject({ content: 'Two.', reasoning_content: thoughts })
})

test('a wait that the provider asks for is shown while it lasts', async () => {
  fake.enqueue(rateLimited(1_000))
  const { messageId } = await server.ask('Well?')
  const reader = new SseReader(server.url, messageId)
  const words = 'The model provider asks to wait a second before the next try (HTTP 429).'
  await reader.until(() => reader.message?.output[0]?.type === 'progress')
  expect(reader.message!.output).toMatchObject([{ type: 'progress', status: 'in_progress', text: words, done: false }])
  await reader.toEnd()
  expect(reader.message!.output).toMatchObject([
    { type: 'progress', status: 'completed', done: true },
    { type: 'text', status: 'completed' },
  ])
})

test('a picture of a Chat Completions answer is a file of the chat', async () => {
  const stream = fake.manual()
  const { messageId } = await server.ask('Draw.')
  await stream.request
  stream.send('Here: ')
  stream.raw(delta({ images: [{ image_url: { url: `data:image/png;base64,${png}` } }] }))
  stream.raw(ends() + done)
  const reader = await new SseReader(server.url, messageId).toEnd()
  expect(reader.message).toMatchObject({ status: 'completed' })
  const file = reader.message!.output.find(({ type }) => type === 'file') as FileBlock
  expect(file).toMatchObject({ name: 'image.png', mimeType: 'image/png', size: Buffer.from(png, 'base64').length })
  const response = await fetch(new URL(file.url, server.url))
  expect(Buffer.from(await response.arrayBuffer()).toString('base64')).toBe(png)
})

test('an empty answer and a word that nobody knows are said in the message', async () => {
  const raw = async (...frames: string[]) => {
    const stream = fake.manual()
    const { messageId } = await server.ask('Well?')
    await stream.request
    for (const frame of frames) stream.raw(`data: ${frame}\n\n`)
    const reader = new SseReader(server.url, messageId)
    await reader.toEnd()
    return reader
  }
  const empty = await raw('{"choices":[{"delta":{},"finish_reason":"stop"}]}', '[DONE]')
  expect(empty.message).toMatchObject({
    status: 'completed',
    finishReason: 'stop',
    note: 'The model’s answer is empty.',
  })
  expect(empty.events.at(-1)!.event).toMatchObject({ type: 'end', fields: { note: 'The model’s answer is empty.' } })
  const odd = await raw('{"choices":[{"delta":{"content":"A."},"finish_reason":"moonrise"}]}', '[DONE]')
  expect(odd.message).toMatchObject({
    status: 'completed',
    finishReason: 'unknown',
    note: expect.stringContaining('moonrise'),
  })
  const nothing = await raw('[DONE]')
  expect(nothing.message).toMatchObject({ status: 'failed', error: { code: 'provider_bad_response', retryable: true } })
})

function textOf(message: Message | null): string | undefined {
  const block = message?.output[0]
  return block && 'text' in block ? block.text : undefined
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 5_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 5 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
