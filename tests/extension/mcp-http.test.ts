/** The `fetch` below the SDK's transport: what it keeps of streams that ended has a bound. */
import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, test } from 'vitest'
import { McpFetch } from '../../server/extension/mcp-http.ts'

test('of streams that can be gone on with the oldest is forgotten', async () => {
  let events = 0
  const server = createServer((_, response) => {
    response.setHeader('content-type', 'text/event-stream')
    response.end(`id: ${++events}\ndata:\n\n`)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
  try {
    const connection = new McpFetch(1_000, 2)
    for (const id of [1, 2, 3]) {
      const body = JSON.stringify({ jsonrpc: '2.0', id, method: 'tools/call' })
      await (await connection.fetch(url, { method: 'POST', body })).text()
    }
    server.removeAllListeners('request').on('request', (_, response) => response.writeHead(404).end())
    const resumed = async (event: string) =>
      await connection.fetch(url, { method: 'GET', headers: { 'last-event-id': event } })
    expect((await resumed('1')).status).toBe(404)
    // Of those that are known the call fails at once.
    for (const event of ['2', '3']) expect(await (await resumed(event)).text()).toContain(`"id":${event}`)
  } finally {
    server.close()
    server.closeAllConnections()
  }
})
