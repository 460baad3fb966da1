/** Who hangs up at the door stops the run, unless it said that it would; who reads slowly holds up nobody. */
import { connect } from 'node:net'
import { EventEmitter } from 'node:events'
import { expect, test } from 'vitest'
import { Door } from '../../server/http/door/door.ts'
import { answer, Collector } from '../../testing/index.ts'
import { doorClient, startDoor, user, whole } from './door-client.ts'
import { closeAfterwards } from './server.ts'

test('leaving the iteration of the SDK is a hang-up', async () => {
  const { client, fake } = await startDoor()
  const script = fake.manual()
  const asked = client.chat.completions.create({ model: 'm', messages: user('Hi'), stream: true })
  const request = await script.request
  script.send('Some ')
  for await (const chunk of await asked) if (chunk.choices[0]?.delta.content) break
  await request.hungUp
})

test('a hang-up before the run has begun stops it, too', async () => {
  const { client, server, fake } = await startDoor({ RUNNEL_MAX_TASKS_PER_USER: 1 })
  const script = fake.manual()
  await server.ask('First')
  await script.request
  const abort = new AbortController()
  const asked = client.chat.completions
    .create({ model: 'm', messages: user('Hi') }, { signal: abort.signal })
    .catch(() => {})
  await expect.poll(async () => (await server.call('GET', '/api/tasks')).body.items.length).toBe(2)
  abort.abort()
  await asked
  await expect.poll(async () => (await server.call('GET', '/api/tasks')).body.items.length).toBe(1)
  script.end()
  expect(fake.requests).toHaveLength(1)
})

test('X-Runnel-Detach: true lets the run go on, and another reader of the same answer keeps it', async () => {
  const { client, server, fake } = await startDoor()
  const headers = { 'X-Runnel-Detach': 'true' }
  const script = fake.manual()
  const asked = client.chat.completions
    .create({ model: 'm', messages: user('Hi'), stream: true }, { headers })
    .withResponse()
  await script.request
  script.send('Detached, ')
  const { data, response } = await asked
  for await (const chunk of data) if (chunk.choices[0]?.delta.content) break
  script.send('it goes on.')
  script.end()
  const messageId = response.headers.get('x-runnel-message-id')!
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body)
    .toMatchObject({ status: 'completed', output: [{ text: 'Detached, it goes on.' }] })

  const shared = fake.manual()
  const abort = new AbortController()
  const once = { 'Idempotency-Key': 'shared' }
  const left = client.chat.completions
    .create({ model: 'm', messages: user('Hi'), stream: true }, { headers: once, signal: abort.signal })
    .then(
      () => {},
      () => {},
    )
  await shared.request
  const stays = whole(client, { headers: once })
  shared.send('Two read ')
  await left
  await expect.poll(() => server.runnel.stats().rooms).toBeGreaterThan(0)
  await new Promise((resolve) => setImmediate(resolve))
  abort.abort()
  await expect.poll(() => fake.requests.length).toBe(2)
  shared.send('this.')
  shared.end()
  expect((await stays).text).toBe('Two read this.')
})

/** Hang-ups of callers of one run, in this order, and whether it was stopped. */
async function hangUps(callers: [name: string, isDetached: boolean][], leaving: string[]): Promise<boolean> {
  const started = { taskId: 'task', messageId: 'message', chatId: 'chat', userMessageId: 'question' }
  const stopped = Promise.withResolvers<void>()
  const door = new Door({
    tasks: { ofMessage: () => ({ taskId: 'task' }), stop: async () => stopped.resolve() },
    store: { getRow: async () => ({ taskId: 'task' }) },
    onError: stopped.reject,
  } as any)
  const responses = new Map(callers.map(([name]) => [name, Object.assign(new EventEmitter(), { destroyed: false })]))
  for (const [name, isDetached] of callers)
    door.stopsWith(responses.get(name) as any, { user: { id: 'ada' } } as any, started, isDetached)
  for (const name of leaving) {
    responses.get(name)!.emit('close')
    door.sweep()
  }
  await new Promise((resolve) => setImmediate(resolve))
  return await Promise.race([stopped.promise.then(() => true), Promise.resolve().then(() => false)])
}

test('a run that a detached caller asked for is stopped by no hang-up, beside it and behind it', async () => {
  const both: [string, boolean][] = [
    ['stays', true],
    ['joins', false],
  ]
  expect(await hangUps([['alone', false]], ['alone'])).toBe(true)
  expect(await hangUps([['alone', true]], ['alone'])).toBe(false)
  expect(await hangUps(both, ['joins'])).toBe(false)
  expect(await hangUps(both, ['stays', 'joins'])).toBe(false)
  expect(await hangUps(both.toReversed(), ['joins', 'stays'])).toBe(false)
  expect(
    await hangUps(
      [
        ['a', false],
        ['b', false],
      ],
      ['a'],
    ),
  ).toBe(false)
  expect(
    await hangUps(
      [
        ['a', false],
        ['b', false],
      ],
      ['a', 'b'],
    ),
  ).toBe(true)
})

test('a slow reader costs its mark, delays nobody, and gets all of it when it reads again', async () => {
  const highWater = 20_000
  const { server, fake } = await startDoor({ RUNNEL_VIEWER_HIGH_WATER_BYTES: highWater })
  const script = fake.manual()
  const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
  const body = JSON.stringify({ messages: user('Hi'), stream: true })
  let raw = ''
  socket.setEncoding('latin1').on('data', (part: string) => {
    raw += part
  })
  socket.write(
    `POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  )
  await script.request
  script.send('Begin. ')
  await expect.poll(() => raw).toContain('Begin.')
  socket.pause()
  const messageId = /x-runnel-message-id: (\S+)/i.exec(raw)![1]!
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())
  const [copy] = await viewer.follow(messageId)
  const part = 'A slow wave runs ahead of the moon 🌊. '.repeat(2_500)
  // More than the buffers of both sockets take.
  const parts = 80
  await viewer.until(() => copy!.text === 'Begin. ')
  const { bytes } = copy!
  for (let i = 1; i <= parts; i++) {
    script.send(part)
    await viewer.until(() => copy!.bytes - bytes >= i * Buffer.byteLength(part))
    expect(server.runnel.stats().outboxBytes).toBeLessThan(highWater + 2 * part.length + 64_000)
  }
  socket.resume()
  script.end()
  await new Promise((resolve) => socket.once('close', resolve))
  const chunks = Buffer.from(raw.replaceAll(/\r\n[0-9a-f]+\r\n/g, ''), 'latin1')
    .toString()
    .match(/^data: \{.*$/gm)!
    .map((line) => JSON.parse(line.slice(6)))
  expect(raw.includes('data: [DONE]')).toBe(true)
  const text = chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')
  expect(text.length).toBe(7 + parts * part.length)
  expect(text === `Begin. ${part.repeat(parts)}`).toBe(true)
  // It was skipped: far fewer chunks than were written.
  expect(chunks.length).toBeLessThan(parts)
}, 30_000)

test('what a filter rewrites behind the reader stays sent; a whole answer has it rewritten', async () => {
  const filter = {
    name: 'redact',
    stream: (context: any) => (event: any) => {
      if (event.type === 'block_end') context.replace(context.blockOf(event.key), 'text', 4, 6, '[gone]!!')
      return event
    },
  }
  const { client, fake } = await startDoor({ filters: [filter] })
  const script = fake.manual()
  script.send('The secret is out.')
  const asked = client.chat.completions.create({ model: 'm', messages: user('Hi'), stream: true })
  let text = ''
  for await (const chunk of await asked) {
    text += chunk.choices[0]?.delta.content ?? ''
    if (chunk.choices[0]?.delta.content === 'The secret is out.') script.end()
  }
  expect(text).toBe('The secret is out.')
  fake.enqueue(answer({ text: 'The secret is out.' }))
  expect((await client.chat.completions.create({ model: 'm', messages: user('Hi') })).choices[0]!.message.content).toBe(
    'The [gone]!! is out.',
  )
})

test('when the server goes down, streams break off', async () => {
  const { client, server, fake } = await startDoor()
  const script = fake.manual()
  const asked = whole(client)
  await script.request
  script.send('Some ')
  const ended = asked.then(
    () => null,
    (error: unknown) => error,
  )
  await expect.poll(() => server.runnel.stats().runs.streaming).toBe(1)
  await server.close()
  expect(await ended).not.toBeNull()
  await expect(whole(doorClient(server.url))).rejects.toThrow()
})
