/** How an answer goes over the line: byte for byte, slowly, packed, broken. */
import { request as ask } from 'node:http'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { answer, recorded, type Script } from '../../testing/openai/index.ts'
import { ownStreamsRoot, readCorpus, recordedStreamsRoot } from '../helpers/corpus.ts'
import { hello, post, start } from './asking.ts'

const streamed = { ...hello, stream: true }
const frames = answer({ text: 'a b c d' })

/** What comes of a request, read by read, and how the connection ends. */
function reads(url: string, headers: Record<string, string> = {}) {
  const began = performance.now()
  return new Promise<{
    headersMs: number
    ms: number
    bytes: Buffer
    error: string | null
    encoding: string | undefined
  }>((resolve) => {
    const bytes: Buffer[] = []
    let headersMs = 0
    let encoding: string | undefined
    const over = (error: string | null) =>
      resolve({ headersMs, ms: performance.now() - began, bytes: Buffer.concat(bytes), error, encoding })
    const sent = ask(
      `${url}/chat/completions`,
      { method: 'POST', agent: false, headers: { 'content-type': 'application/json', ...headers } },
      (response) => {
        headersMs = performance.now() - began
        encoding = response.headers['content-encoding']
        response.on('data', (part: Buffer) => bytes.push(part))
        response.on('end', () => over(null))
        response.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message))
      },
    )
    sent.on('error', (error: NodeJS.ErrnoException) => over(error.code ?? error.message))
    sent.end(JSON.stringify(streamed))
  })
}

test('recorded streams come byte for byte, however they are cut', async () => {
  const fake = await start()
  const streams = readCorpus(recordedStreamsRoot() ?? ownStreamsRoot())
  expect(streams.length).toBeGreaterThan(0)
  for (const [index, { sse, name }] of streams.entries()) {
    fake.enqueue(
      recorded(sse, index % 2 === 0 ? 'whole' : { seed: index, maxBytes: 20_000 }, { gzip: index % 5 === 0 }),
    )
    const got = Buffer.from(await (await post(`${fake.url}/chat/completions`, streamed)).arrayBuffer())
    expect([name, got.equals(sse)]).toEqual([name, true])
  }
  fake.done()
})

test('headers come late where they shall, and a body at its pace', async () => {
  const fake = await start()
  fake.enqueue(
    answer({ text: 'a', headersAfterMs: 100 }),
    recorded('x'.repeat(300), 'whole', { bytesPerSecond: 2_000 }),
  )
  const late = await reads(fake.url)
  expect(late.headersMs).toBeGreaterThanOrEqual(95)
  const slow = await reads(fake.url)
  expect(slow.bytes.length).toBe(300)
  expect(slow.ms).toBeGreaterThanOrEqual(140)
})

test('gzip, where the client takes it: each write can be read as it comes', async () => {
  const fake = await start()
  const hand = fake.manual()
  fake.enqueue({ ...(frames as Extract<Script, { kind: 'answer' }>), gzip: true })
  hand.end()
  await reads(fake.url)
  const packed = await reads(fake.url, { 'accept-encoding': 'gzip' })
  expect([packed.encoding, packed.bytes.subarray(0, 2).toString('hex')]).toEqual(['gzip', '1f8b'])
  fake.enqueue(
    answer({ text: 'a b', gzip: true, after: { chunks: 1, fault: 'stall' } }),
    answer({ text: 'a', gzip: true }),
  )
  const body = (await post(`${fake.url}/chat/completions`, streamed)).body!.getReader()
  let text = ''
  while (!text.includes('"content":"a "')) text += new TextDecoder().decode((await body.read()).value)
  await body.cancel()
  expect((await reads(fake.url)).encoding).toBeUndefined()
})

describe('a connection that breaks', () => {
  test.each<[string, Script, string]>([
    ['by FIN, before an answer', { kind: 'drop' }, 'ECONNRESET'],
    ['by RST, before an answer', { kind: 'reset' }, 'ECONNRESET'],
    ['by RST, within one', answer({ text: 'a b', after: { chunks: 1, fault: 'reset' } }), 'ECONNRESET'],
    ['by FIN, within one', answer({ text: 'a b', after: { chunks: 1, fault: 'cut' } }), 'ECONNRESET'],
    ['after so many bytes', answer({ text: 'a b', cutAfterBytes: 20 }), 'ECONNRESET'],
  ])('%s', async (_name, script, error) => {
    const fake = await start()
    fake.enqueue(script)
    expect((await reads(fake.url)).error).toBe(error)
    fake.done()
    expect(fake.requests[0]!.hungUpAt).toBeUndefined()
  })

  test('RST and FIN are told apart on the socket', async () => {
    const fake = await start()
    const end = async (script: Script) => {
      fake.enqueue(script)
      const body = JSON.stringify(streamed)
      const socket = connect(Number(new URL(fake.url).port), '127.0.0.1')
      socket.write(
        `POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
      return new Promise<string>((resolve) => {
        socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code!))
        socket.on('end', () => resolve('end'))
        socket.resume()
      })
    }
    expect([await end({ kind: 'reset' }), await end({ kind: 'drop' })]).toEqual(['ECONNRESET', 'end'])
  })
})
