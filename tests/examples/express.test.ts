import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { startExample, type Example } from './example.ts'

async function signIn({ url }: Example, name: string): Promise<{ cookie: string }> {
  const response = await fetch(`${url}/login`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({ name }),
  })
  expect(response.status).toBe(302)
  return { cookie: response.headers.get('set-cookie')!.split(';')[0]! }
}

test('express: the login, the page and the database of the host', { timeout: 60_000 }, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-shop-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const example = await startExample(['examples/express/main.ts'], { SHOP_DATABASE: join(folder, 'shop.db') })
  expect((await example.call('GET', '/')).text).toContain('Sign in')
  expect((await example.call('POST', '/assistant/api/chats', {})).status).toBe(401)

  const ada = await signIn(example, 'Ada')
  expect((await example.call('GET', '/', undefined, ada)).text).toContain('/assistant/api/')
  const message = await example.ask('use a tool', ['completed'], '/assistant', ada)
  const { text } = await example.call('GET', `/assistant/api/messages/${message.id}/events?mode=state`, undefined, ada)
  expect(text).toMatch(/event: snapshot[^]*event: end[^]*"fields":\{[^}]*"status":"completed"/)

  const bob = await signIn(example, 'Bob')
  expect((await example.call('GET', `/assistant/api/messages/${message.id}`, undefined, bob)).status).toBe(404)
  const welcome = async (headers: Record<string, string>) => {
    const socket = new WebSocket(`${example.url.replace('http', 'ws')}/assistant/ws`, { headers })
    onTestFinished(() => socket.terminate())
    await once(socket, 'open')
    socket.send(JSON.stringify({ type: 'hello', v: 1 }))
    return JSON.parse(String((await once(socket, 'message'))[0]))
  }
  expect(await welcome(bob)).toMatchObject({ type: 'welcome', user: { id: 'bob', name: 'Bob' } })

  expect((await example.call('GET', '/answers', undefined, ada)).body).toMatchObject([
    { task_id: message.taskId, status: 'completed' },
  ])
  expect((await example.call('GET', '/answers', undefined, bob)).body).toEqual([])
  expect(await example.end()).toBe(0)
})
