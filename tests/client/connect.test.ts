import { afterEach, expect, test, vi } from 'vitest'
import { connect } from '../../client/index.ts'

afterEach(() => vi.unstubAllGlobals())

test.each([
  ['http://127.0.0.1:8787', 'http://127.0.0.1:8787'],
  ['https://host.example/chat', 'https://host.example/chat'],
  ['https://host.example/chat//', 'https://host.example/chat'],
  ['/chat/', 'https://page.example/chat'],
  ['/', 'https://page.example'],
  ['', 'https://page.example'],
  [undefined, 'https://page.example'],
])('the server at %s', async (url, base) => {
  vi.stubGlobal('location', { origin: 'https://page.example' })
  const asked: string[] = []
  class Socket extends EventTarget {
    readonly readyState = 3
    constructor(address: string) {
      super()
      asked.push(address)
    }
    close() {}
  }
  const client = connect({
    url,
    WebSocket: Socket as never,
    fetch: async (address) => {
      asked.push(String(address))
      return Response.json({ items: [] })
    },
  })
  await client.api.listTasks()
  await vi.waitFor(() => expect(asked).toHaveLength(2))
  await client.close()
  expect(asked.sort()).toEqual([`${base}/api/tasks`, `${base.replace('http', 'ws')}/ws`].sort())
})
