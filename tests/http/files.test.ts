/** Files: sent, kept, served, given to the model. */
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { filesFolder, loadConfig } from '../../server/config/read-config.ts'
import { answer, type StartedRunnel } from '../../testing/index.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { start, startWithFake } from './server.ts'

const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
)

async function newChat(server: StartedRunnel): Promise<string> {
  return (await server.call('POST', '/api/chats', {})).body.id
}

async function send(
  server: StartedRunnel,
  chatId: string,
  name: string,
  bytes: string | Uint8Array,
  type = 'application/octet-stream',
  headers: Record<string, string> = {},
) {
  const form = new FormData()
  form.set('chatId', chatId)
  form.set('file', new File([bytes as BlobPart], name, { type }))
  const response = await fetch(`${server.url}/api/files`, { method: 'POST', body: form, headers })
  return { status: response.status, body: (await response.json()) as any }
}

test.each([
  ['a.png', png, 'text/html', 'image/png', 'inline'],
  ['a.txt', 'Plain ö 🙂', 'text/plain', 'text/plain', 'inline'],
  ['a.md', '# Title', 'application/octet-stream', 'text/markdown', 'attachment'],
  ['a.csv', 'a,b\n1,2', '', 'text/csv', 'attachment'],
  ['a.json', '{"a":1}', '', 'application/json', 'attachment'],
  ['a.html', '<script>alert(1)</script>', 'text/html', 'text/plain', 'inline'],
  ['a.svg', '<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 'image/svg+xml', 'text/plain', 'inline'],
  ['a.xml', '<?xml version="1.0"?><a/>', 'application/xml', 'text/plain', 'inline'],
  ['a.png', 'no image at all', 'image/png', 'text/plain', 'inline'],
  ['a.txt', Buffer.from([0xff, 0xfe, 1, 2, 3]), 'text/plain', 'application/octet-stream', 'attachment'],
  ['a.txt', 'with \0 in it', 'text/plain', 'application/octet-stream', 'attachment'],
  ['a.pdf', '%PDF-1.7\n1 0 obj', 'application/pdf', 'application/pdf', 'attachment'],
  [
    'a.exe',
    Buffer.from('MZ\x90\0\x03\0\0\0\x04\0\0\0', 'latin1'),
    'image/png',
    'application/x-msdownload',
    'attachment',
  ],
  ['empty.txt', '', 'text/plain', 'text/plain', 'inline'],
] as const)('%s is what its bytes are', async (name, bytes, declared, mimeType, kind) => {
  const server = await start()
  const { status, body } = await send(server, await newChat(server), name, bytes, declared)
  expect(status).toBe(201)
  expect(body).toEqual({
    id: expect.stringMatching(/^file_[\w-]{20}$/),
    name,
    mimeType,
    size: Buffer.byteLength(bytes),
    url: `/api/files/${body.id}`,
  })
  const response = await fetch(server.url + body.url)
  expect(response.status).toBe(200)
  expect(response.headers.get('content-type')).toBe(
    /^text|json/.test(mimeType) ? `${mimeType}; charset=utf-8` : mimeType,
  )
  expect(response.headers.get('content-disposition')).toBe(`${kind}; filename="${name}"; filename*=UTF-8''${name}`)
  expect(response.headers.get('x-content-type-options')).toBe('nosniff')
  expect(response.headers.get('content-security-policy')).toMatch(/^default-src 'none'.*; sandbox$/)
  expect(Buffer.from(await response.arrayBuffer())).toEqual(Buffer.from(bytes as string))
})

test('no name leaves its folder or its header', async () => {
  const folder = temporaryFolder()
  const server = await start({ DATABASE_URL: `sqlite:${folder}/db/runnel.db`, RUNNEL_FILES_DIR: `${folder}/files` })
  const chatId = await newChat(server)
  for (const [name, kept] of [
    ['../../evil.txt', 'evil.txt'],
    ['/etc/passwd', 'passwd'],
    ['..', 'file'],
    ['C:\\x\\y.txt', 'y.txt'],
    ['a\u202Etxt.exe', 'atxt.exe'],
    ['ünï "q" \'s\' (1) 100%;x=y.txt', 'ünï "q" \'s\' (1) 100%;x=y.txt'],
    ['x'.repeat(300), 'x'.repeat(200)],
  ] as const) {
    const boundary = 'b0undary'
    const encoded = name.replaceAll('\\', '\\\\').replaceAll('"', '\\"')
    const response = await fetch(`${server.url}/api/files`, {
      method: 'POST',
      headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
      body: `--${boundary}\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n${chatId}\r\n--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${encoded}"\r\nContent-Type: text/plain\r\n\r\nbytes\r\n--${boundary}--\r\n`,
    })
    const body = (await response.json()) as any
    expect(response.status, name).toBe(201)
    expect(body.name).toBe(kept)
    const served = await fetch(server.url + body.url)
    expect(served.status).toBe(200)
    expect(served.headers.get('content-disposition')).toMatch(
      /^inline; filename="[\x20-\x21\x23-\x5b\x5d-\x7e]*"; filename\*=UTF-8''[\w!#$&+.^`|~%-]+$/,
    )
  }
  expect(readdirSync(folder).toSorted()).toEqual(['db', 'files'])
  for (const name of readdirSync(`${folder}/files`)) expect(name).toMatch(/^file_[\w-]{20}$/)
  for (const id of ['..%2f..%2fdb%2frunnel.db', '%2e%2e', 'file_..%2f..%2fdb', 'file_%00aaaaaaaa'])
    expect((await fetch(`${server.url}/api/files/${id}`)).status).toBe(404)
})

test('what is no upload is refused and leaves nothing', async () => {
  const folder = temporaryFolder()
  const server = await start({
    DATABASE_URL: `sqlite:${folder}/runnel.db`,
    RUNNEL_FILES_DIR: `${folder}/files`,
    RUNNEL_MAX_FILE_BYTES: 1_000,
  })
  const chatId = await newChat(server)
  expect((await send(server, chatId, 'a', 'x'.repeat(1_000))).status).toBe(201)
  expect(await send(server, chatId, 'a', 'x'.repeat(1_001))).toMatchObject({
    status: 413,
    body: { error: { code: 'too_large' } },
  })
  expect((await send(server, chatId, 'a', 'x'.repeat(5_000_000))).status).toBe(413)
  expect((await send(server, 'chat_unknown0000', 'a', 'x')).status).toBe(404)
  const late = new FormData()
  late.set('file', new File(['x'], 'a'))
  late.set('chatId', chatId)
  const two = new FormData()
  two.set('chatId', chatId)
  two.append('file', new File(['x'], 'a'))
  two.append('file', new File(['x'], 'b'))
  const none = new FormData()
  none.set('chatId', chatId)
  for (const body of [late, two, none, new FormData(), '{}', ''])
    expect((await fetch(`${server.url}/api/files`, { method: 'POST', body })).status).toBe(400)
  for (const type of [
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=x',
    'multipart/mixed; boundary=x',
  ]) {
    expect(
      (
        await fetch(`${server.url}/api/files`, {
          method: 'POST',
          headers: { 'content-type': type },
          body: '--x\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n',
        })
      ).status,
      type,
    ).toBe(400)
  }
  expect(readdirSync(`${folder}/files`)).toHaveLength(1)
})

test('files that no message has are limited for each user, those under way included; one that is sent makes room', async () => {
  const { server } = await startWithFake(
    {
      RUNNEL_MAX_UNATTACHED_FILES: 2,
      RUNNEL_MAX_FILE_BYTES: 10,
      authenticate: async (token) => ({ id: token ?? 'nobody', name: 'x' }),
    },
    { fallback: answer({ text: 'Seen.' }) },
  )
  const as = (user: string) => ({ authorization: `Bearer ${user}` })
  const chats = [
    (await server.call('POST', '/api/chats', {}, as('ann'))).body.id,
    (await server.call('POST', '/api/chats', {}, as('ann'))).body.id,
  ]
  await server.call('POST', `/api/chats/${chats[0]}/members`, { userId: 'bob', role: 'editor' }, as('ann'))
  const upload = (user: string, chat = 0, bytes = 'x') =>
    send(server, chats[chat], 'a.txt', bytes, 'text/plain', as(user))
  const many = await Promise.all(Array.from({ length: 8 }, (_, i) => upload('ann', i % 2)))
  const taken = many.filter(({ status }) => status === 201)
  expect(taken.length).toBeGreaterThan(0)
  expect(taken.length).toBeLessThanOrEqual(2)
  expect(many.every(({ status }) => status === 201 || status === 429)).toBe(true)
  if (taken.length < 2) expect((await upload('ann')).status).toBe(201)
  for (let i = 0; i < 2; i++) {
    expect(await upload('ann')).toEqual({
      status: 429,
      body: { error: { code: 'rate_limited', message: expect.stringContaining('RUNNEL_MAX_UNATTACHED_FILES') } },
    })
  }
  // Others have places of their own, and what fails keeps none.
  for (let i = 0; i < 3; i++) expect((await upload('bob', 0, 'x'.repeat(11))).status).toBe(413)
  const { body: bobs } = await upload('bob')
  expect((await upload('bob')).status).toBe(201)
  expect((await upload('bob')).status).toBe(429)
  expect(
    (await server.call('POST', `/api/chats/${chats[0]}/messages`, { content: 'x', files: [bobs.id] }, as('bob')))
      .status,
  ).toBe(202)
  expect((await upload('bob')).status).toBe(201)
  expect((await upload('bob')).status).toBe(429)
})

test('a file that no message has goes after a day, its bytes too', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const folder = temporaryFolder()
  const { server } = await startWithFake(
    { DATABASE_URL: `sqlite:${folder}/runnel.db` },
    { fallback: answer({ text: 'Seen.' }) },
  )
  const chatId = await newChat(server)
  const { body: kept } = await send(server, chatId, 'kept.txt', 'x')
  const { body: old } = await send(server, chatId, 'old.txt', 'x')
  await server.ask('Look', { chatId, files: [kept.id] })
  vi.setSystemTime(Date.now() + 22.5 * 3_600_000)
  const { body: young } = await send(server, chatId, 'young.txt', 'x')
  await vi.advanceTimersByTimeAsync(3_600_000)
  expect(readdirSync(`${folder}/files`)).toHaveLength(3)
  await vi.advanceTimersByTimeAsync(3_600_000)
  await expect.poll(() => readdirSync(`${folder}/files`).toSorted()).toEqual([kept.id, young.id].toSorted())
  expect((await fetch(server.url + old.url)).status).toBe(404)
  for (const { url } of [kept, young]) expect((await fetch(server.url + url)).status).toBe(200)
}, 30_000)

test.each([
  ['runnel.db', 'files'],
  ['other.db', 'other.db-files'],
  ['other', 'other-files'],
])('beside the database %s files are kept in %s', async (database, expected) => {
  const folder = temporaryFolder()
  const server = await start({ DATABASE_URL: `sqlite:${folder}/${database}` })
  const { body } = await send(server, await newChat(server), 'a.txt', 'x')
  expect(readdirSync(`${folder}/${expected}`)).toEqual([body.id])
})

test('the folder of files: the default database has the default one, and a setting wins', () => {
  expect(filesFolder(loadConfig({}))).toBe(join('data', 'files'))
  expect(filesFolder(loadConfig({ DATABASE_URL: 'sqlite:/x/y/runnel.db' }))).toBe('/x/y/files')
  expect(filesFolder(loadConfig({ DATABASE_URL: 'sqlite:/x/y/runnel.db', RUNNEL_FILES_DIR: './here' }))).toBe('./here')
  expect(filesFolder(loadConfig({ DATABASE_URL: 'postgres://ann:secret@db.example:5432/chats?sslmode=require' }))).toBe(
    join('data', 'chats-files'),
  )
  expect(filesFolder(loadConfig({ DATABASE_URL: 'memory:', RUNNEL_FILES_DIR: './here' }))).toBeUndefined()
})

test('an upload that is cut off leaves nothing', async () => {
  const folder = temporaryFolder()
  const server = await start({ DATABASE_URL: `sqlite:${folder}/runnel.db`, RUNNEL_FILES_DIR: `${folder}/files` })
  const chatId = await newChat(server)
  const { host, hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  socket.write(
    `POST /api/files HTTP/1.1\r\nHost: ${host}\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 100000\r\n\r\n--b\r\nContent-Disposition: form-data; name="chatId"\r\n\r\n${chatId}\r\n--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf`,
  )
  await expect.poll(() => readdirSync(folder).includes('files') && readdirSync(`${folder}/files`).length).toBe(1)
  socket.destroy()
  await expect.poll(() => readdirSync(`${folder}/files`).length).toBe(0)
})

test('only members of the chat see a file, only editors send one', async () => {
  const server = await start({ authenticate: async (token) => ({ id: token ?? 'nobody', name: 'x' }) })
  const as = (user: string) => ({ authorization: `Bearer ${user}` })
  const { body: chat } = await server.call('POST', '/api/chats', {}, as('ann'))
  await server.call('POST', `/api/chats/${chat.id}/members`, { userId: 'vic', role: 'viewer' }, as('ann'))
  const { body: file } = await send(server, chat.id, 'a.txt', 'words', 'text/plain', as('ann'))
  for (const [user, status] of [
    ['ann', 200],
    ['vic', 200],
    ['bob', 404],
  ] as const)
    expect((await fetch(server.url + file.url, { headers: as(user) })).status, user).toBe(status)
  expect((await send(server, chat.id, 'a.txt', 'words', 'text/plain', as('vic'))).status).toBe(403)
  expect((await send(server, chat.id, 'a.txt', 'words', 'text/plain', as('bob'))).status).toBe(404)
  const other = (await server.call('POST', '/api/chats', {}, as('bob'))).body.id
  expect(
    (await server.call('POST', `/api/chats/${other}/messages`, { content: 'x', files: [file.id] }, as('bob'))).status,
  ).toBe(404)
})

test.each(['chat', 'responses'])('attached files are in the message, the chat and the prompt (%s)', async (api) => {
  const { server, fake } = await startWithFake({ RUNNEL_OPENAI_API: api }, { fallback: answer({ text: 'Seen.' }) })
  const chatId = await newChat(server)
  const { body: note } = await send(server, chatId, 'note.md', '# The *note*')
  const { body: image } = await send(server, chatId, 'dot.png', png)
  const { body: blob } = await send(server, chatId, 'data.bin', Buffer.from([0, 1, 2]))
  const { body: long } = await send(server, chatId, 'long.txt', `${'ö'.repeat(150_000)}END`)
  const ids = await server.ask('What is this?', { chatId, files: [note.id, image.id, blob.id, long.id] })
  const question = (await server.call('GET', `/api/messages/${ids.userMessageId}`)).body
  expect(question.output.slice(1, 3)).toEqual([
    {
      id: 'b1',
      type: 'file',
      status: 'completed',
      name: 'note.md',
      mimeType: 'text/markdown',
      url: note.url,
      size: 12,
    },
    {
      id: 'b2',
      type: 'file',
      status: 'completed',
      name: 'dot.png',
      mimeType: 'image/png',
      url: image.url,
      size: png.length,
    },
  ])
  const request = await fake.received(1)
  const [content] = [...(request.body.messages ?? []), ...(request.body.input ?? [])].map(
    (item) => item['content'] as any[],
  )
  const words = content!.map((part) => part.text ?? part.image_url?.url ?? part.image_url)
  expect(words).toEqual([
    'What is this?',
    'Attached file "note.md" (text/markdown, 12 bytes):\n\n# The *note*',
    `Attached file "dot.png" (image/png, ${png.length} bytes).`,
    `data:image/png;base64,${png.toString('base64')}`,
    'Attached file "data.bin" (application/octet-stream, 3 bytes).',
    expect.stringMatching(/^Attached file "long\.txt" \(text\/plain, 300003 bytes\), its first 199988 bytes:\n\nö+$/),
  ])
  expect(
    (await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'x', files: ['file_unknown'] })).status,
  ).toBe(404)
})
