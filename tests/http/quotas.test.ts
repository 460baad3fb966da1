/** L23, L24: how much one user and one chat may have. */
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { expect, onTestFinished, test } from 'vitest'
import { temporaryFolder } from '../store/fixtures.ts'
import { startWithPeople, type Person } from './people.ts'
import { start } from './server.ts'

async function send(who: Person, chatId: string, bytes: number) {
  const form = new FormData()
  form.set('chatId', chatId)
  form.set('file', new File(['x'.repeat(bytes)], 'a.txt'))
  const response = await fetch(`${who.server.url}/api/files`, {
    method: 'POST',
    body: form,
    headers: { authorization: `Bearer ${who.token}` },
  })
  return { status: response.status, body: (await response.json()) as any }
}

async function startUploads(settings: Record<string, unknown>) {
  const folder = temporaryFolder()
  const { server, person } = await startWithPeople({
    DATABASE_URL: `sqlite:${folder}/runnel.db`,
    RUNNEL_FILES_DIR: `${folder}/files`,
    ...settings,
  })
  const ada = await person('ada')
  const chatId = (await ada.call('POST', '/api/chats', {})).body.id as string
  return { server, person, ada, chatId, kept: () => readdirSync(`${folder}/files`).length }
}

test.each([
  ['RUNNEL_MAX_FILE_BYTES_PER_USER', 70_000, 413, 'too_large'],
  ['RUNNEL_MAX_FILE_BYTES_PER_CHAT', 70_000, 413, 'too_large'],
  ['RUNNEL_MAX_FILES_PER_USER', 7, 429, 'rate_limited'],
  ['RUNNEL_MAX_FILES_PER_CHAT', 7, 429, 'rate_limited'],
])(
  'L23 %s: of twenty uploads at once exactly as many pass as fit, and nothing is left of the others',
  async (setting, limit, status, code) => {
    const { ada, chatId, kept } = await startUploads({ [setting]: limit })
    const answers = await Promise.all(Array.from({ length: 20 }, () => send(ada, chatId, 10_000)))
    expect(answers.filter((answer) => answer.status === 201)).toHaveLength(7)
    for (const { status: other, body } of answers.filter((answer) => answer.status !== 201)) {
      expect([other, body.error.code]).toEqual([status, code])
      expect(body.error.message).toMatch(new RegExp(`; delete .*\\(${setting}\\)\\.$`))
    }
    await expect.poll(kept).toBe(7)
    await ada.call('DELETE', `/api/chats/${chatId}`)
    const next = (await ada.call('POST', '/api/chats', {})).body.id as string
    expect((await send(ada, next, 10_000)).status).toBe(201)
  },
)

test('L23 an upload that is under way counts, and no more when it is cut off; guests of an invite are one user', async () => {
  const { server, ada, chatId, person, kept } = await startUploads({
    RUNNEL_MAX_FILE_BYTES_PER_USER: 100_000,
  })
  const { hostname, port } = new URL(server.url)
  const slow = connect(Number(port), hostname)
  onTestFinished(() => void slow.destroy())
  const body = `--b\r\ncontent-disposition: form-data; name="chatId"\r\n\r\n${chatId}\r\n--b\r\ncontent-disposition: form-data; name="file"; filename="a"\r\n\r\n`
  slow.write(
    `POST /api/files HTTP/1.1\r\nHost: ${hostname}:${port}\r\nAuthorization: Bearer ${ada.token}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 82000\r\n\r\n${body}xxx`,
  )
  // Under way: what was sent of it is written.
  await expect.poll(kept, { timeout: 5_000 }).toBe(1)
  expect((await send(ada, chatId, 30_000)).status).toBe(413)
  expect((await send(ada, chatId, 10_000)).status).toBe(201)
  slow.destroy()
  await expect.poll(async () => (await send(ada, chatId, 30_000)).status, { timeout: 5_000 }).toBe(201)

  const { token } = (await ada.call('POST', `/api/chats/${chatId}/invites`, { role: 'editor' })).body
  const guest = (await person('ignored')) as { -readonly [Key in keyof Person]: Person[Key] }
  guest.token = token
  const statuses = await Promise.all(
    Array.from({ length: 4 }, async () => (await send(guest as Person, chatId, 40_000)).status),
  )
  expect(statuses.toSorted()).toEqual([201, 201, 413, 413])
})

test('L24 chats of one user: of twenty at once exactly as many are made; those of /v1 count apart', async () => {
  const server = await start({
    DATABASE_URL: `sqlite:${temporaryFolder()}/runnel.db`,
    RUNNEL_MAX_CHATS_PER_USER: 7,
    RUNNEL_MAX_UNLISTED_CHATS_PER_USER: 3,
  })
  const answers = await Promise.all(Array.from({ length: 20 }, () => server.call('POST', '/api/chats', {})))
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(7)
  const refused = answers.find(({ status }) => status !== 201)!
  expect([refused.status, refused.body.error.code]).toEqual([429, 'rate_limited'])
  expect(refused.body.error.message).toMatch(/; delete some first \(RUNNEL_MAX_CHATS_PER_USER\)\.$/)
  const ask = () => server.call('POST', '/v1/chat/completions', { messages: [{ role: 'user', content: 'x' }] })
  const asked = await Promise.all([ask(), ask(), ask(), ask()])
  expect(asked.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 429])
  expect(asked.find(({ status }) => status === 429)!.body.error).toMatchObject({
    type: 'rate_limit_error',
    message: expect.stringContaining('RUNNEL_MAX_UNLISTED_CHATS_PER_USER'),
  })
  const { items } = (await server.call('GET', '/api/chats')).body
  await server.call('DELETE', `/api/chats/${items[0].id}`)
  expect((await server.call('POST', '/api/chats', {})).status).toBe(201)
})
