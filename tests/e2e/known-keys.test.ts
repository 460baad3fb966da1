/** Keys that the server knows stand in no error, wherever it is shown, stored or logged. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { defineFilter, defineTool, mcpServer } from '../../server/index.ts'
import { createLogger } from '../../server/operation/log.ts'
import { answer, httpError, recorded } from '../../testing/index.ts'
import { closeAfterwards, start, startWithFake } from '../http/server.ts'

const key = 'very+secret/key-0123456789=='
const forms = {
  plain: key,
  'percent-encoded': encodeURIComponent(key),
  base64: Buffer.from(key).toString('base64'),
  'in Basic credentials': Buffer.from(`api:${key}`).toString('base64'),
  'cut by the length of the message': `${'x'.repeat(480)}${key}${'x'.repeat(100)}`,
}

/** Longest run of the key's characters, in any of its forms, that stands in the text. */
function expectHidden(text: string): void {
  for (const form of [key, encodeURIComponent(key), Buffer.from(key).toString('base64')])
    for (let at = 0; at + 8 <= form.length; at++) expect(text).not.toContain(form.slice(at, at + 8))
}

function logged() {
  const lines: string[] = []
  return { lines, logger: createLogger('trace', { write: (line) => void lines.push(line) }) }
}

test.each(Object.entries(forms))('the key of the provider, %s', async (_, quoted) => {
  const { lines, logger } = logged()
  const { server, fake } = await startWithFake({ OPENAI_API_KEY: key, logger })
  const error = { message: `What is ${quoted}`, code: `code ${quoted}`, type: quoted, param: quoted }
  const event = `data: ${JSON.stringify({ error })}\n\n`
  const odd = `data: ${JSON.stringify({ object: quoted })}\n\n`
  for (const script of [
    httpError(401, `What is ${quoted}`),
    { kind: 'reply' as const, status: 400, body: `What is ${quoted}` },
    { kind: 'reply' as const, status: 400, body: JSON.stringify({ detail: [{ quoted }] }) },
    recorded(odd + event),
  ]) {
    fake.enqueue(script)
    const { chatId, messageId } = await server.ask('Hi')
    await expect.poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status).toBe('failed')
    const shown = JSON.stringify((await server.call('GET', `/api/chats/${chatId}/messages`)).body)
    expect(shown).toMatch(/\*\*\*|…/)
    expectHidden(shown)
    fake.enqueue(script)
    expectHidden(
      JSON.stringify(
        await server.call('POST', '/v1/chat/completions', { messages: [{ role: 'user', content: 'Hi' }] }),
      ),
    )
  }
  expectHidden(lines.join(''))
})

test('in what a tool and a filter say of their failures, and in the lines of the log', async () => {
  const { lines, logger } = logged()
  const parameters = z.object({})
  const { server, fake } = await startWithFake({
    OPENAI_API_KEY: key,
    logger,
    tools: [
      defineTool({
        name: 'look',
        description: '',
        parameters,
        execute: (_, context) => {
          context.addError({ message: `GET /?key=${encodeURIComponent(key)} failed` })
          throw new Error(`${'x'.repeat(9_990)}${key}`)
        },
      }),
    ],
    filters: [
      defineFilter({
        name: 'ask',
        outlet: () => {
          throw new Error(`no ${key}`, { cause: new Error(`no ${key}`) })
        },
      }),
    ],
  })
  fake.enqueue(answer({ toolCalls: [{ id: 'c1', name: 'look', arguments: ['{}'] }] }), answer({ text: 'So.' }))
  const { messageId } = await server.ask('Hi')
  await expect.poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status).toBe('failed')
  const { body } = await server.call('GET', `/api/messages/${messageId}`)
  expect(body.error).toMatchObject({ code: 'filter_failed', message: 'The filter ask failed: no ***' })
  expect(body.output.find(({ type }: { type: string }) => type === 'error').message).toBe('GET /?key=*** failed')
  expectHidden(JSON.stringify(body))
  // What the model is told.
  expectHidden(JSON.stringify(fake.requests[1]!.body))
  expect(lines.join('')).toContain('a run met an error')
  expectHidden(lines.join(''))
})

test('in errors of MCP tools: their own keys, and the others that the server knows', async () => {
  const own = 'own-key-of-the-tool-server'
  const http = createServer((request, response) => {
    let text = ''
    request.on('data', (piece) => (text += piece))
    request.on('end', () => {
      if (request.method !== 'POST') return response.writeHead(405).end()
      const { id, method } = JSON.parse(text)
      const quoted = `${request.headers.authorization} ${Buffer.from(own).toString('base64')} ${key}`
      const results: Record<string, object> = {
        initialize: {
          protocolVersion: '2025-06-18',
          capabilities: { tools: {} },
          serverInfo: { name: 'a', version: '1' },
        },
        'tools/list': { tools: ['refuse', 'fail'].map((name) => ({ name, inputSchema: { type: 'object' } })) },
        'tools/call': { isError: true, content: [{ type: 'text', text: `I refuse ${quoted}` }] },
      }
      if (id === undefined) return response.writeHead(202).end()
      const fails = text.includes('"fail"')
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(
        JSON.stringify({
          jsonrpc: '2.0',
          id,
          ...(fails
            ? { error: { code: -32000, message: `${'x'.repeat(470)} ${quoted}` } }
            : { result: results[method] ?? {} }),
        }),
      )
    })
  })
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve))
  closeAfterwards(async () => void http.close())
  const url = `http://127.0.0.1:${(http.address() as AddressInfo).port}/mcp`
  const { server, fake } = await startWithFake({
    OPENAI_API_KEY: key,
    tools: [mcpServer({ name: 'far', url, headers: { authorization: `Bearer ${own}` } })],
  })
  const toolCalls = ['refuse', 'fail'].map((name) => ({ id: name, name: `far_${name}`, arguments: ['{}'] }))
  fake.enqueue(answer({ toolCalls }), answer({ text: 'So.' }))
  const { messageId } = await server.ask('Hi')
  await expect.poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status).toBe('completed')
  const { output } = (await server.call('GET', `/api/messages/${messageId}`)).body
  const errors = output.flatMap((block: { error?: string }) => block.error ?? [])
  expect(errors).toEqual([
    expect.stringMatching(/^I refuse (?:\S*\*\*\*\S* ?){3,4}$/),
    expect.stringContaining('answered with an error'),
  ])
  const text = JSON.stringify(output)
  expectHidden(text)
  expect(text).not.toContain('own-key')
  expect(text).not.toContain(Buffer.from(own).toString('base64').slice(0, 8))
})

test('the credentials in a base URL', async () => {
  const server = await start({ OPENAI_BASE_URL: 'http://somebody:pass-word-1@127.0.0.1:9/v1?token=abcdef-123' })
  const { messageId } = await server.ask('Hi')
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${messageId}`)).body.status, { timeout: 10_000 })
    .toBe('failed')
  const shown = JSON.stringify((await server.call('GET', `/api/messages/${messageId}`)).body)
  for (const secret of ['somebody', 'pass-word-1', 'abcdef-123']) expect(shown).not.toContain(secret)
})
