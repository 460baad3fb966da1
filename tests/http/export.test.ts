/** `GET /api/chats/:id/export`: a chat as a file. */
import { expect, test } from 'vitest'
import { connect } from '../../client/index.ts'
import type { ProviderEvent } from '../../server/provider/events.ts'
import type { Message } from '../../shared/schema.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { startWithPeople } from './people.ts'
import { scriptedProvider } from './scripted-provider.ts'
import { closeAfterwards, start } from './server.ts'

const script = '<script>alert(1)</script><img src=x onerror=alert(2)>\n\n**bold**'

async function* hostile(): AsyncGenerator<ProviderEvent> {
  yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
  yield { type: 'delta', key: 't', field: 'text', text: script }
  yield { type: 'finish', reason: 'stop' }
}

for (const kind of ['memory:', 'sqlite:'])
  test(`${kind} a chat as JSON, Markdown and HTML: all of it, or one branch`, async () => {
    const url = kind === 'memory:' ? kind : `sqlite:${temporaryFolder()}/runnel.db`
    const server = await start({ DATABASE_URL: url, provider: hostile, RUNNEL_MODEL: 'm' })
    const title = 'Tides/\u202e"\r\nX: 1 <b>'
    const { id, title: kept } = (await server.call('POST', '/api/chats', { title, system: 'Be brief.' })).body
    const ask = async (content: string, parentId: string | null) =>
      (await server.call('POST', `/api/chats/${id}/messages`, { content, parentId, stream: false })).body as Message
    const first = await ask('One?', null)
    const second = await ask('Two?', first.id)
    const side = await ask('Other?', first.id)
    const path = `${server.url}/api/chats/${id}/export`
    const get = async (query: string) => {
      const response = await fetch(`${path}?${query}`)
      return { status: response.status, headers: response.headers, text: await response.text() }
    }

    const json = await get('format=json')
    const all = JSON.parse(json.text)
    expect(all.chat).toMatchObject({ id, title: kept, system: 'Be brief.' })
    expect(all.messages).toEqual((await server.call('GET', `/api/chats/${id}/messages`)).body.items)
    expect(json.headers.get('content-disposition')).toBe(
      `attachment; filename="Tides__X: 1 <b>.json"; filename*=UTF-8''Tides_%22X%3A%201%20%3Cb%3E.json`,
    )
    const branch = JSON.parse((await get(`format=json&leaf=${side.id}`)).text).messages as Message[]
    expect(branch.map((message) => message.id)).toEqual([first.parentId, first.id, side.parentId, side.id])

    const markdown = await get('')
    expect(markdown.headers.get('content-type')).toBe('text/markdown; charset=utf-8')
    expect(markdown.text.match(/^## .*$/gm)!.map((line) => line.replace(/\d{4}-.*UTC/, 'T'))).toEqual([
      '## 1. Question · T',
      '## 2. Answer · m · T',
      '## 3. Question · T',
      '## 4. Answer · m · T',
      '## 5. Question behind 2 · T',
      '## 6. Answer · m · T',
    ])
    expect(markdown.text).toMatch(/^# Tides\/.* X: 1 \\<b\\>\n/)
    expect(markdown.text.split(script)).toHaveLength(4)

    const html = await get(`format=html&leaf=${second.id}`)
    expect(html.headers.get('content-security-policy')).toContain('sandbox')
    expect(html.text).not.toMatch(/<script|onerror|<b>/)
    expect(html.text.match(/<strong>bold<\/strong>/g)).toHaveLength(2)
    expect(html.text.match(/<article/g)).toHaveLength(4)
    expect(html.text).toMatch(/^<!doctype html>[^]*<h1>Tides[^]*<h2>4\. Answer[^]*<\/html>\n$/)

    for (const [query, status] of [
      ['format=pdf', 400],
      ['leaf=msg_unknown00000', 404],
      [`leaf=${id}`, 404],
    ] as const)
      expect((await get(query)).status, query).toBe(status)
    expect((await fetch(path, { method: 'HEAD' })).headers.get('content-disposition')).toContain('.md')
    const { id: empty } = (await server.call('POST', '/api/chats', {})).body
    expect((await server.call('GET', `/api/chats/${empty}/export?format=json`)).body).toMatchObject({ messages: [] })
  })

test('an answer that is being written is in it as it is; many messages come in pages, each once', async () => {
  const live = scriptedProvider()
  const server = await start({ provider: live.provider })
  const { chatId } = await server.ask('Live?')
  live.startText()
  live.text('So far')
  const client = connect({ url: server.url })
  closeAfterwards(() => client.close())
  const exported = async () => JSON.parse(await (await client.api.exportChat(chatId, { format: 'json' })).text())
  await expect.poll(async () => (await exported()).messages[1].output[0]?.text).toBe('So far')
  expect((await exported()).messages[1].status).toBe('streaming')
  expect(await (await client.api.exportChat(chatId)).text()).toMatch(/· streaming\n\nSo far/)

  const many = await start({ provider: hostile, RUNNEL_MAX_BODY_BYTES: 2_000_000 })
  const { id } = (await many.call('POST', '/api/chats', {})).body
  let parentId: string | null = null
  const ids: string[] = []
  for (let i = 0; i < 60; i++) {
    const content = i % 20 === 0 ? 'x'.repeat(800_000) : `Question ${i}`
    const { body }: { body: Message } = await many.call('POST', `/api/chats/${id}/messages`, {
      content,
      parentId,
      stream: false,
    })
    ids.push(body.parentId!, body.id)
    parentId = body.id
  }
  for (const query of ['', `&leaf=${parentId}`]) {
    const text = await (await fetch(`${many.url}/api/chats/${id}/export?format=json${query}`)).text()
    expect(JSON.parse(text).messages.map((message: Message) => message.id)).toEqual(ids)
  }
})

test('a guest gets no system prompt; who is removed on the way gets no whole file', async () => {
  const { server, person } = await startWithPeople({ provider: hostile })
  const [ann, bob] = [await person('ann'), await person('bob')]
  const { id } = (await ann.call('POST', '/api/chats', { title: 'T', system: 'Secret.' })).body
  await ann.call('POST', `/api/chats/${id}/messages`, { content: 'Hi', stream: false })
  const { token } = (await ann.call('POST', `/api/chats/${id}/invites`, {})).body
  const headers = { authorization: `Bearer ${token}` }
  const { body } = await server.call('GET', `/api/chats/${id}/export?format=json`, undefined, headers)
  expect(body.chat).not.toHaveProperty('system')
  expect(body.messages).toHaveLength(2)

  // A caller who reads nothing until bob has been removed.
  await ann.call('POST', `/api/chats/${id}/members`, { userId: 'bob', role: 'viewer' })
  for (let i = 0; i < 24; i++)
    await ann.call('POST', `/api/chats/${id}/messages`, {
      content: 'x'.repeat(900_000),
      parentId: null,
      stream: false,
    })
  const response = await fetch(`${server.url}/api/chats/${id}/export?format=json`, {
    headers: { authorization: `Bearer ${bob.token}` },
  })
  expect(response.status).toBe(200)
  await ann.call('DELETE', `/api/chats/${id}/members/bob`)
  await expect(response.text()).rejects.toThrow()
})
