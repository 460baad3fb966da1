/** Bodies at the door: large, read as they come, counted; and what is said at addresses that are none. */
import { gzipSync } from 'node:zlib'
import { connect } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { JsonFault, JsonStream } from '../../server/http/door/json-stream.ts'
import { answer } from '../../testing/index.ts'
import { startDoor, user } from './door-client.ts'

function read(pieces: readonly string[], depth = 64): unknown {
  const stream = new JsonStream(depth, 1_000)
  for (const piece of pieces) stream.push(piece)
  return stream.end()
}

describe('JSON in pieces', () => {
  const cut = (text: string, sizes: readonly number[]) => {
    const pieces: string[] = []
    for (let at = 0, i = 0; at < text.length; i++) {
      const size = sizes[i % sizes.length]!
      pieces.push(text.slice(at, at + size))
      at += size
    }
    return pieces
  }
  const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 9 })

  test('is what JSON.parse makes of it', () => {
    const json = fc.json({ stringUnit: 'binary', maxDepth: 6 })
    fc.assert(
      fc.property(json, fc.constantFrom(undefined, 1, '\t'), sizes, (text, space, at) => {
        const spaced = JSON.stringify(JSON.parse(text), null, space)
        for (const one of [text, spaced]) expect(read(cut(one, at))).toEqual(JSON.parse(one))
      }),
      { numRuns: 200 },
    )
    const odd = ' {"__proto__":{"a":1},"a":"\\ud83d\\uDE00\\/\\u0000","a":[ ],"":-1.5e-3,"constructor":null} '
    expect(JSON.stringify(read(cut(odd, [1])))).toBe(JSON.stringify(JSON.parse(odd)))
    expect(({} as { a?: number }).a).toBeUndefined()
  })

  test('or no JSON where that says so', () => {
    const broken = fc.tuple(
      fc.json({ maxDepth: 4 }),
      fc.nat(),
      fc.constantFrom('', ',', ':', '"', '}', ']', '1', ' ', '\\', 'n'),
    )
    fc.assert(
      fc.property(broken, sizes, ([text, at, put], size) => {
        const place = at % (text.length + 1)
        const changed = text.slice(0, place) + put + text.slice(place + (at % 2))
        // A number that has become too large is refused.
        fc.pre(!/e\+?\d{3}/i.test(changed))
        let expected: unknown
        try {
          expected = JSON.parse(changed)
        } catch {
          expect(() => read(cut(changed, size))).toThrow(JsonFault)
          return
        }
        expect(read(cut(changed, size))).toEqual(expected)
      }),
      { numRuns: 500 },
    )
    for (const text of [
      '',
      ' ',
      '[1e400]',
      '-',
      '01',
      '.5',
      'NaN',
      '"\n"',
      '"\\x"',
      '[1,]',
      '{"a":1,}',
      '1 2',
      '\u00a01',
    ])
      expect(() => read([text]), text).toThrow(JsonFault)
    expect(() => read(['['.repeat(65) + ']'.repeat(65)])).toThrow(/64 levels/)
    expect(read(['['.repeat(64) + ']'.repeat(64)])).toHaveLength(1)
  })
})

test('a long string full of escapes is put together as it comes, not in one step at its end', () => {
  const longestMs = (line: string) => {
    const stream = new JsonStream(64, 10)
    let worst = 0
    const step = (work: () => void) => {
      const before = process.threadCpuUsage()
      work()
      const { user: own, system } = process.threadCpuUsage(before)
      worst = Math.max(worst, (own + system) / 1_000)
    }
    step(() => stream.push('{"a":"'))
    const piece = line.repeat(8_192)
    for (let came = 0; came < 8_000_000; came += piece.length) step(() => stream.push(piece))
    step(() => stream.push('"}'))
    expect((stream.end() as { a: string }).a.length).toBeGreaterThan(1_000_000)
    return worst
  }
  const plain = longestMs('xxxxxxxx')
  expect(longestMs('xxxxxx\\n')).toBeLessThan(4 * plain + 20)
})

test('a body holds so many values and messages at the most, however small they are', async () => {
  const { server, fake } = await startDoor()
  const messages = JSON.stringify(user('Hi'))
  const refused = async (body: string) => {
    const response = await completions(server.url, body)
    return [response.status, ((await response.json()) as any).error.message]
  }
  const values = (count: number) => `{"messages":${messages},"stop":[${'{},'.repeat(count)}0]}`
  expect(await refused(values(100_000))).toEqual([400, expect.stringContaining('100000 values')])
  expect(await refused(`{"messages":${messages},"a":{${'"":0,'.repeat(100_000)}"":0}}`)).toEqual([
    400,
    expect.stringContaining('100000 values'),
  ])
  const one = messages.slice(1, -1)
  expect(await refused(`{"messages":[${`${one},`.repeat(20_000)}${one}]}`)).toEqual([
    400,
    expect.stringContaining('messages'),
  ])
  expect(fake.requests).toEqual([])
  expect((await completions(server.url, `{"messages":${messages},"x":[${'0,'.repeat(90_000)}0]}`)).status).toBe(200)
})

const completions = (url: string, body: BodyInit, headers: Record<string, string> = {}) =>
  fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
  })

test('an image of 30 MB goes upstream, and compressed bodies are read', async () => {
  const { client, server, fake } = await startDoor({}, { fallback: answer({ text: 'A cat.' }) })
  const url = `data:image/png;base64,${'iVBORw0KGgo='.repeat(2_500_000)}`
  const content = [{ type: 'image_url' as const, image_url: { url } }]
  const { choices } = await client.chat.completions.create({ model: 'm', messages: [{ role: 'user', content }] })
  expect(choices[0]!.message.content).toBe('A cat.')
  expect((fake.requests[0]!.body.messages as any)[0].content[0].image_url.url.length).toBe(url.length)
  const zipped = gzipSync(JSON.stringify({ messages: user('Zipped ☂') }))
  expect((await completions(server.url, zipped, { 'content-encoding': 'gzip' })).status).toBe(200)
  expect(fake.requests[1]!.body.messages).toEqual(user('Zipped ☂'))
  expect((await completions(server.url, zipped)).status).toBe(400)
  for (const encoding of ['zstd', 'constructor', '__proto__', 'toString', 'hasOwnProperty'])
    expect((await completions(server.url, zipped, { 'content-encoding': encoding })).status, encoding).toBe(400)
  expect((await completions(server.url, zipped, { 'content-encoding': 'gzip' })).status).toBe(200)
})

test.each(['application/x-www-form-urlencoded', 'text/plain', 'application/vnd.api+json', ''])(
  'a body that says it is %j is told what it must be',
  async (type) => {
    const { server, fake } = await startDoor()
    const body = Buffer.from(JSON.stringify({ messages: user('Hi') }))
    const response = await completions(server.url, body, { 'content-type': type })
    expect(response.status).toBe(400)
    expect(((await response.json()) as any).error.message).toContain('Content-Type: application/json')
    expect(fake.requests).toEqual([])
  },
)

test('a body is too large by what it says, by what comes, and by what is in it', async () => {
  const { server, fake } = await startDoor({ RUNNEL_MAX_DOOR_BODY_BYTES: 20_000 })
  const body = JSON.stringify({ messages: user('x'.repeat(30_000)) })
  const stream = new ReadableStream({
    start(controller) {
      for (let at = 0; at < body.length; at += 1_000) controller.enqueue(Buffer.from(body.slice(at, at + 1_000)))
      controller.close()
    },
  })
  const chunked = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: stream,
    duplex: 'half',
  } as RequestInit)
  for (const response of [
    await completions(server.url, body),
    chunked,
    await completions(server.url, gzipSync(body), { 'content-encoding': 'gzip' }),
  ]) {
    expect(response.status).toBe(413)
    expect(((await response.json()) as any).error).toMatchObject({
      code: 'too_large',
      message: expect.stringContaining('RUNNEL_MAX_DOOR_BODY_BYTES'),
    })
  }
  expect(fake.requests).toEqual([])
})

test('what one user holds at once has a bound, until it is answered or broken off', async () => {
  const { server, fake } = await startDoor({ RUNNEL_MAX_DOOR_BODY_BYTES: 10_000 })
  const body = JSON.stringify({ messages: user('x'.repeat(9_500)) })
  const scripts = Array.from({ length: 4 }, () => fake.manual())
  const asked = scripts.map(() => completions(server.url, body))
  await fake.received(4)
  const refused = await completions(server.url, body)
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, '1'])
  expect(((await refused.json()) as any).error.code).toBe('rate_limited')
  for (const script of scripts) {
    script.send('Yes.')
    script.end()
  }
  expect((await Promise.all(asked)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
  // One that breaks off in the middle gives back what it held.
  for (let i = 0; i < 6; i++) {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    const head = `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`
    await new Promise<void>((sent) => socket.write(head + body.slice(0, 9_000), () => sent()))
    socket.destroy()
  }
  await expect.poll(async () => (await completions(server.url, body)).status).toBe(200)
})

test('other addresses of the OpenAI API say what to use, in its shape', async () => {
  const { client, server } = await startDoor({ RUNNEL_MODELS: 'small,meta-llama/llama-3/8b' })
  const failure = async (method: string, path: string) => {
    const { status, body } = await server.call(method, path, method === 'POST' ? {} : undefined)
    return [status, body.error.type, body.error.message]
  }
  const type = 'invalid_request_error'
  expect(await failure('POST', '/v1/responses')).toEqual([404, type, expect.stringContaining('/v1/chat/completions')])
  expect(await failure('GET', '/v1/responses/resp_1')).toEqual([404, type, expect.stringContaining('Chat Completions')])
  expect(await failure('POST', '/v1/embeddings')).toEqual([404, type, expect.stringContaining('GET /v1/models')])
  expect(await failure('POST', '/v1/v1/chat/completions')).toEqual([404, type, expect.stringContaining('twice')])
  for (const path of ['/chat/completions', '/responses', '/embeddings'])
    expect(await failure('POST', path)).toEqual([404, type, expect.stringContaining('ends in /v1')])
  expect(await failure('GET', '/models/small')).toEqual([404, type, expect.stringContaining('ends in /v1')])

  for (const path of ['meta-llama/llama-3/8b', 'meta-llama%2Fllama-3%2F8b'])
    expect((await server.call('GET', `/v1/models/${path}`)).body.id).toBe('meta-llama/llama-3/8b')
  expect((await client.models.retrieve('meta-llama/llama-3/8b')).id).toBe('meta-llama/llama-3/8b')
  expect((await client.models.retrieve('small')).id).toBe('small')
  expect(await failure('GET', '/v1/models/meta-llama/other')).toEqual([
    404,
    type,
    expect.stringContaining('meta-llama/other'),
  ])
  expect((await server.call('DELETE', '/v1/models/a/b')).status).toBe(405)
})
