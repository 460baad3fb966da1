import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { describe, expect, test } from 'vitest'
import type { Provider } from '../../server/provider/events.ts'
import type { Message } from '../../shared/schema.ts'
import { answer, Collector, httpError, type StartedRunnel } from '../../testing/index.ts'
import { closeAfterwards, start, startWithFake } from './server.ts'

async function newChat(server: StartedRunnel, body: object = {}): Promise<string> {
  return (await server.call('POST', '/api/chats', body)).body.id
}

async function follow(server: StartedRunnel): Promise<Collector> {
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())
  return viewer
}

describe('POST /api/chats/:chatId/messages', () => {
  test('answers 202 with the ids to follow and to stop', async () => {
    const { server } = await startWithFake()
    const chatId = await newChat(server)
    const { status, body } = await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'Hello' })
    expect(status).toBe(202)
    expect(body).toEqual({
      chatId,
      taskId: expect.stringMatching(/^task_[\w-]{20}$/),
      messageId: expect.stringMatching(/^msg_[\w-]{20}$/),
      userMessageId: expect.stringMatching(/^msg_[\w-]{20}$/),
    })
    await (await follow(server)).toEnd(body.messageId)
    const question = (await server.call('GET', `/api/messages/${body.userMessageId}`)).body
    expect(question).toEqual({
      id: body.userMessageId,
      chatId,
      parentId: null,
      role: 'user',
      by: { id: 'local', name: 'You' },
      status: 'completed',
      createdAt: expect.any(Number),
      schema: 1,
      output: [{ id: 'b0', type: 'text', status: 'completed', text: 'Hello', annotations: [] }],
    })
    expect((await server.call('GET', `/api/messages/${body.messageId}`)).body).toMatchObject({
      id: body.messageId,
      chatId,
      parentId: body.userMessageId,
      role: 'assistant',
      taskId: body.taskId,
      status: 'completed',
    })
  })

  test('answers before any preparing begins, though the provider holds up the whole process', async () => {
    const blockMs = 1_000
    const provider: Provider = async function* () {
      const until = performance.now() + blockMs
      while (performance.now() < until);
      yield { type: 'finish', reason: 'stop' }
    }
    const server = await start({ provider })
    const chatId = await newChat(server)
    // The caller is on another thread: its clock goes on.
    const caller = new Worker(
      `
      const { parentPort, workerData } = require('node:worker_threads')
      const at = performance.now()
      fetch(workerData.url, { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{"content":"Hello"}' })
        .then(response => response.json()).then(body => parentPort.postMessage({ body, tookMs: performance.now() - at }))
    `,
      { eval: true, workerData: { url: `${server.url}/api/chats/${chatId}/messages` } },
    )
    const [{ body, tookMs }] = await once(caller, 'message')
    await caller.terminate()
    expect(body.taskId).toBeDefined()
    expect(tookMs).toBeLessThan(blockMs / 2)
    await (await follow(server)).toEnd(body.messageId)
  })

  test.each([
    [{}, 'content'],
    [{ content: '' }, 'content'],
    [{ content: 5 }, 'content'],
    [{ content: 'x', model: '' }, 'model'],
    [{ content: 'x', parentId: 5 }, 'parentId'],
    [{ content: 'x', tools: {} }, 'tools'],
    [{ content: 'x', tools: ['a'] }, 'tools'],
    [{ content: 'x', params: [] }, 'params'],
    [{ content: 'x', stream: 'yes' }, 'stream'],
    [{ content: 'x', system: 1 }, 'system'],
    [{ content: 'x', temperature: 1 }, 'temperature'],
  ])('%j is a 400 that names the field', async (request, field) => {
    const { server, fake } = await startWithFake()
    const chatId = await newChat(server)
    const { status, body } = await server.call('POST', `/api/chats/${chatId}/messages`, request)
    expect(status).toBe(400)
    expect(body.error).toMatchObject({
      code: 'bad_request',
      message: expect.stringContaining(field),
      details: { fields: expect.any(Array) },
    })
    expect((await server.call('GET', `/api/chats/${chatId}/messages`)).body.items).toEqual([])
    expect(fake.requests).toHaveLength(0)
  })

  test('without a body it is a 400, too', async () => {
    const server = await start()
    const chatId = await newChat(server)
    expect((await server.call('POST', `/api/chats/${chatId}/messages`)).status).toBe(400)
  })

  test('the model is passed on as given, unless RUNNEL_MODELS lists what is allowed', async () => {
    const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'house-model' })
    const chatId = await newChat(server)
    await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'x', stream: false })
    await server.call('POST', `/api/chats/${chatId}/messages`, {
      content: 'x',
      model: 'vendor/any:free',
      stream: false,
    })
    expect(fake.requests.map(({ body }) => body.model)).toEqual(['house-model', 'vendor/any:free'])
    const limited = await start({ RUNNEL_MODELS: 'one, two', RUNNEL_MODEL: 'one' })
    const other = await newChat(limited)
    expect(
      (await limited.call('POST', `/api/chats/${other}/messages`, { content: 'x', model: 'three' })).body.error,
    ).toMatchObject({ code: 'bad_request', message: expect.stringMatching(/model.*one, two/) })
    expect((await limited.call('POST', `/api/chats/${other}/messages`, { content: 'x', model: 'two' })).status).toBe(
      202,
    )
  })

  test('a second one while a run is live is 409 busy, unless it names its parent', async () => {
    const { server, fake } = await startWithFake()
    const stream = fake.manual()
    const first = await server.ask('One')
    await stream.request
    const path = `/api/chats/${first.chatId}/messages`
    const refused = await server.call('POST', path, { content: 'Two' })
    expect(refused).toEqual({
      status: 409,
      body: { error: { code: 'busy', message: expect.stringContaining('parentId') } },
    })
    const branch = await server.call('POST', path, { content: 'Two', parentId: first.userMessageId })
    expect(branch.status).toBe(202)
    const root = await server.call('POST', path, { content: 'Three', parentId: null })
    expect(root.status).toBe(202)
    // Another chat is not concerned.
    await server.ask('Elsewhere')
    stream.end()
    const viewer = await follow(server)
    await viewer.toEnd(first.messageId)
    await viewer.toEnd(branch.body.messageId)
    await viewer.toEnd(root.body.messageId)
    expect((await server.call('POST', path, { content: 'Four', stream: false })).status).toBe(200)
    const parents = (await server.call('GET', path)).body.items
      .filter((item: Message) => item.role === 'user')
      .map((item: Message) => item.parentId)
    expect(parents.slice(0, 3)).toEqual([null, first.userMessageId, null])
  })

  test('only one of several at once gets the chat', async () => {
    const { server, fake } = await startWithFake({}, { fallback: { kind: 'silent' } })
    const chatId = await newChat(server)
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        server.call('POST', `/api/chats/${chatId}/messages`, { content: `x${index}` }),
      ),
    )
    expect(answers.map(({ status }) => status).sort()).toEqual([202, 409, 409, 409, 409, 409, 409, 409])
    await fake.received(1)
    expect((await server.call('GET', `/api/chats/${chatId}/messages`)).body.items).toHaveLength(2)
  })

  test('a parent that is unknown or of another chat is not_found', async () => {
    const { server } = await startWithFake()
    const other = await server.ask('Elsewhere')
    const chatId = await newChat(server)
    for (const parentId of ['msg_unknown0000', 'nonsense', other.messageId, chatId]) {
      const { status, body } = await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'x', parentId })
      expect({ status, code: body.error.code }).toEqual({ status: 404, code: 'not_found' })
    }
  })
})

describe('stream: false', () => {
  test('answers with the finished message', async () => {
    const { server, fake } = await startWithFake()
    fake.enqueue(answer({ text: 'All of it.', usage: { inputTokens: 3, outputTokens: 4 } }))
    const chatId = await newChat(server)
    const { status, body } = await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'x', stream: false })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      role: 'assistant',
      status: 'completed',
      finishReason: 'stop',
      usage: { inputTokens: 3, outputTokens: 4, totalTokens: 7 },
      output: [{ type: 'text', text: 'All of it.', status: 'completed' }],
    })
    expect((await server.call('GET', `/api/messages/${body.id}`)).body).toEqual(body)
  })

  test('answers with the status of the error that the run failed with, and the message beside it', async () => {
    const { server, fake } = await startWithFake()
    fake.enqueue(httpError(401, 'Incorrect API key.'))
    const chatId = await newChat(server)
    const { status, body } = await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'x', stream: false })
    expect(status).toBe(502)
    expect(body.error).toMatchObject({
      code: 'provider_auth',
      message: expect.stringContaining('Incorrect API key.'),
      details: { message: { role: 'assistant', status: 'failed', error: { code: 'provider_auth', retryable: false } } },
    })
    expect((await server.call('GET', `/api/messages/${body.error.details.message.id}`)).body).toEqual(
      body.error.details.message,
    )
  })

  test('answers with the stopped message when somebody stops it', async () => {
    const { server, fake } = await startWithFake()
    const stream = fake.manual()
    const chatId = await newChat(server)
    const waiting = server.call('POST', `/api/chats/${chatId}/messages`, { content: 'x', stream: false })
    await stream.request
    const [task] = (await server.call('GET', '/api/tasks')).body.items
    await server.call('POST', `/api/tasks/${task.taskId}/stop`)
    expect(await waiting).toMatchObject({ status: 200, body: { status: 'stopped' } })
  })

  test('goes on when its caller hangs up', async () => {
    const { server, fake } = await startWithFake()
    const stream = fake.manual()
    const chatId = await newChat(server)
    const controller = new AbortController()
    const waiting = fetch(`${server.url}/api/chats/${chatId}/messages`, {
      method: 'POST',
      body: JSON.stringify({ content: 'x', stream: false }),
      headers: { 'content-type': 'application/json' },
      signal: controller.signal,
    })
    const request = await stream.request
    controller.abort()
    await expect(waiting).rejects.toThrow()
    const [task] = (await server.call('GET', '/api/tasks')).body.items
    stream.send('Still here.')
    stream.end()
    const seen = await (await follow(server)).toEnd(task.messageId)
    expect(seen.message.status).toBe('completed')
    expect(seen.text).toBe('Still here.')
    expect(request.hungUpAt).toBeUndefined()
  })

  test('a repeated key waits for the same message, in flight and afterwards', async () => {
    const { server, fake } = await startWithFake()
    const stream = fake.manual()
    const chatId = await newChat(server)
    const post = () =>
      server.call('POST', `/api/chats/${chatId}/messages`, { content: 'x', stream: false }, { 'idempotency-key': 'a' })
    const waiting = [post(), post()]
    await stream.request
    waiting.push(post())
    stream.send('Once.')
    stream.end()
    const answers = await Promise.all(waiting)
    answers.push(await post())
    for (const given of answers) expect(given).toEqual(answers[0])
    expect(answers[0]).toMatchObject({ status: 200, body: { status: 'completed' } })
    expect(fake.requests).toHaveLength(1)
  })
})

describe('Idempotency-Key', () => {
  test('gives a duplicate the same ids, concurrently, in flight and afterwards, and starts one run', async () => {
    const { server, fake } = await startWithFake()
    const stream = fake.manual()
    const chatId = await newChat(server)
    const post = (content = 'x', key = 'a') =>
      server.call('POST', `/api/chats/${chatId}/messages`, { content }, { 'idempotency-key': key })
    const answers = await Promise.all([post(), post(), post(), post()])
    await stream.request
    answers.push(await post())
    stream.end()
    await (await follow(server)).toEnd(answers[0]!.body.messageId)
    answers.push(await post())
    for (const given of answers) expect(given).toEqual(answers[0])
    expect(answers[0]!.status).toBe(202)
    expect(fake.requests).toHaveLength(1)
    expect((await server.call('GET', `/api/chats/${chatId}/messages`)).body.items).toHaveLength(2)
  })

  test('with another body is 422, with another key or in another chat a new run', async () => {
    const { server } = await startWithFake()
    const chatId = await newChat(server)
    const post = (content: string, key: string, chat = chatId) =>
      server.call('POST', `/api/chats/${chat}/messages`, { content, parentId: null }, { 'idempotency-key': key })
    const first = await post('x', 'a')
    expect(await post('y', 'a')).toMatchObject({ status: 422, body: { error: { code: 'idempotency_mismatch' } } })
    expect((await post('x', 'b')).body.messageId).not.toBe(first.body.messageId)
    expect((await post('x', 'a', await newChat(server))).body.messageId).not.toBe(first.body.messageId)
    expect((await post('x', 'a')).body).toEqual(first.body)
  })

  test('is remembered over a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'runnel-claims-'))
    closeAfterwards(async () => rmSync(folder, { recursive: true, force: true }))
    const DATABASE_URL = `sqlite:${join(folder, 'runnel.db')}`
    const before = await startWithFake({ DATABASE_URL })
    const chatId = await newChat(before.server)
    const post = (server: StartedRunnel, content: string) =>
      server.call('POST', `/api/chats/${chatId}/messages`, { content }, { 'idempotency-key': 'a' })
    const first = await post(before.server, 'x')
    await (await follow(before.server)).toEnd(first.body.messageId)
    await before.server.close()
    const after = await startWithFake({ DATABASE_URL })
    expect(await post(after.server, 'x')).toEqual(first)
    expect((await post(after.server, 'y')).status).toBe(422)
    expect(after.fake.requests).toHaveLength(0)
  })
})

describe('reading', () => {
  test('a message can be read mid-stream, and is what viewers see', async () => {
    const { server, fake } = await startWithFake()
    const stream = fake.manual()
    const ids = await server.ask('Hello')
    const viewer = await follow(server)
    const [seen] = await viewer.follow(ids.messageId)
    await stream.request
    stream.send('Half')
    await viewer.until(() => seen!.text === 'Half', 'the text')
    const { body } = await server.call('GET', `/api/messages/${ids.messageId}`)
    expect(body).toEqual(seen!.json)
    expect(body).toMatchObject({
      status: 'streaming',
      output: [{ type: 'text', status: 'in_progress', text: 'Half', annotations: [] }],
    })
    expect((await server.call('GET', `/api/chats/${ids.chatId}/messages`)).body.items.at(-1)).toEqual(body)
    stream.end()
    await viewer.toEnd(ids.messageId)
  })

  test('history comes in pages, oldest first, question before answer', async () => {
    const { server } = await startWithFake()
    const chatId = await newChat(server)
    const expected: string[] = []
    for (let index = 0; index < 4; index++) {
      const { body } = await server.call('POST', `/api/chats/${chatId}/messages`, {
        content: `Question ${index}`,
        stream: false,
      })
      expected.push(body.parentId, body.id)
    }
    const path = `/api/chats/${chatId}/messages`
    expect((await server.call('GET', path)).body.items.map((item: Message) => item.id)).toEqual(expected)
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const page: { items: Message[]; nextCursor: string | null } = (
        await server.call('GET', `${path}?limit=3${cursor && `&cursor=${cursor}`}`)
      ).body
      seen.push(...page.items.map(({ id }) => id))
      cursor = page.nextCursor
    }
    expect(seen).toEqual(expected)
    expect((await server.call('GET', `${path}?limit=x`)).status).toBe(400)
    expect((await server.call('GET', `${path}?cursor=x`)).status).toBe(400)
  })

  test('what is not there is not_found', async () => {
    const { server } = await startWithFake()
    const ids = await server.ask('Hello')
    for (const id of ['msg_unknown0000', 'nonsense', ids.chatId, ids.taskId]) {
      for (const [method, path] of [
        ['GET', `/api/messages/${id}`],
        ['POST', `/api/messages/${id}/stop`],
      ] as const) {
        expect((await server.call(method, path)).status, `${method} ${path}`).toBe(404)
      }
    }
    for (const id of ['task_unknown0000', 'nonsense', ids.messageId])
      expect((await server.call('POST', `/api/tasks/${id}/stop`)).status).toBe(404)
  })

  test('a question cannot be stopped; a stop with a wrong body is a 400', async () => {
    const { server } = await startWithFake()
    const ids = await server.ask('Hello')
    expect((await server.call('POST', `/api/messages/${ids.userMessageId}/stop`)).status).toBe(400)
    const wrong = await server.call('POST', `/api/messages/${ids.messageId}/stop`, { taskId: 5 })
    expect(wrong).toMatchObject({ status: 400, body: { error: { message: expect.stringContaining('taskId') } } })
    expect((await server.call('POST', `/api/messages/${ids.messageId}/stop`, { task: 'x' })).status).toBe(400)
  })

  test('lone surrogates and control characters come back as JSON can carry them', async () => {
    const { server, fake } = await startWithFake()
    const chatId = await newChat(server)
    const { body } = await server.call('POST', `/api/chats/${chatId}/messages`, {
      content: 'a\ud83d b\u0000c 😀',
      stream: false,
    })
    expect((await server.call('GET', `/api/messages/${body.parentId}`)).body.output[0].text).toBe('a\ufffd b\u0000c 😀')
    expect(fake.requests[0]!.body.messages?.at(-1)?.content).toBe('a\ufffd b\u0000c 😀')
  })
})
