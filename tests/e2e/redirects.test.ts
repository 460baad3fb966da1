/** What a prompt is sent to answers it, or nobody does: redirects of providers and MCP servers are not followed. */
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { mcpServer } from '../../server/index.ts'
import { answer } from '../../testing/index.ts'
import { closeAfterwards, start, startWithFake } from '../http/server.ts'

async function listen(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  closeAfterwards(async () => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Where nothing may arrive. */
async function elsewhere() {
  const arrived: string[] = []
  const url = await listen((request, response) => {
    arrived.push(`${request.method} ${request.url}`)
    response.end('{}')
  })
  return { url, arrived }
}

test.each(['chat', 'responses'] as const)('a provider that redirects (%s) is an error that says so', async (api) => {
  const target = await elsewhere()
  let status = 0
  let requests = 0
  const url = await listen((request, response) => {
    requests += 1
    request.resume()
    response
      .writeHead(status, { location: requests % 2 ? `${target.url}/v1` : '/v2/chat', 'x-should-retry': 'true' })
      .end('moved')
  })
  const server = await start({ OPENAI_BASE_URL: `${url}/v1`, OPENAI_API_KEY: 'key', RUNNEL_OPENAI_API: api })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  for (status of [300, 301, 302, 303, 304, 307, 308]) {
    const before = requests
    const answered = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Secret?', stream: false })
    expect(answered).toMatchObject({
      status: 502,
      body: { error: { code: 'provider_bad_response', message: expect.stringContaining(`redirect`) } },
    })
    expect(answered.body.error.message).toContain(`HTTP ${status}`)
    expect(answered.body.error.message).not.toContain('127.0.0.1')
    expect(requests).toBe(before + 1)
  }
  expect(target.arrived).toEqual([])
})

test('an MCP server that redirects is an error that says so, at its first request and at later ones', async () => {
  const target = await elsewhere()
  const moved: string[] = []
  const seen: string[] = []
  const url = await listen((request, response) => {
    let text = ''
    request.on('data', (piece) => (text += piece))
    request.on('end', () => {
      const { id, method } = text === '' ? { id: undefined, method: request.method } : JSON.parse(text)
      seen.push(method)
      if (moved.includes(method) || moved.includes('all'))
        return response.writeHead(307, { location: `${target.url}/mcp` }).end()
      if (request.method !== 'POST') return response.writeHead(405).end()
      if (id === undefined) return response.writeHead(202).end()
      const result =
        method === 'initialize'
          ? { protocolVersion: '2025-06-18', capabilities: { tools: {} }, serverInfo: { name: 'a', version: '1' } }
          : method === 'tools/list'
            ? { tools: [{ name: 'look', inputSchema: { type: 'object' } }] }
            : {}
      response.writeHead(200, { 'content-type': 'application/json' })
      response.end(JSON.stringify({ jsonrpc: '2.0', id, result }))
    })
  })
  const { server, fake } = await startWithFake({ tools: [mcpServer({ name: 'far', url: `${url}/mcp` })] })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const ask = () => server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })
  moved.push('all')
  expect((await ask()).body.error).toMatchObject({
    code: 'tools_unavailable',
    message: expect.stringMatching(/far.*redirect \(HTTP 307\)/),
  })
  // The stream of the server's own messages, and the end of a session, as well.
  moved.splice(0, 1, 'GET', 'DELETE', 'tools/call')
  fake.enqueue(answer({ toolCalls: [{ id: 'c1', name: 'far_look', arguments: ['{}'] }] }), answer({ text: 'So.' }))
  const { body } = await ask()
  expect(body.output.find(({ type }: { type: string }) => type === 'tool_call').error).toMatch(/redirect \(HTTP 307\)/)
  expect(seen).toContain('GET')
  expect(target.arrived).toEqual([])
})
