/**
 * The store fails while answers are written: what was shown is kept, nothing
 * more is shown, the run ends, and all goes on when the store is back.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { promisify } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import { connect } from '../../client/index.ts'
import type { Message } from '../../shared/schema.ts'
import { Collector, startFakeOpenAI, startRunnel } from '../../testing/index.ts'

const run = promisify(execFile)

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-trouble-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  for (const deadline = Date.now() + 12_000; !(await condition());) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true within 12 s`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

interface Trouble {
  name: string
  begin: (path: string) => () => void
}

const troubles: Trouble[] = [
  {
    name: 'the database is locked by another program',
    begin: (path) => {
      const other = new DatabaseSync(path)
      other.exec('BEGIN IMMEDIATE')
      return () => other.close()
    },
  },
  {
    name: 'the database file is moved away',
    begin: (path) => {
      renameSync(path, `${path}.away`)
      return () => renameSync(`${path}.away`, path)
    },
  },
]

test.each(troubles)('$name: nothing shown is lost, the run ends, all goes on afterwards', async ({ begin }) => {
  const path = join(newFolder(), 'runnel.db')
  const fake = await startFakeOpenAI()
  const server = await startRunnel({
    DATABASE_URL: `sqlite:${path}`,
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    LOG_LEVEL: 'silent',
  })
  const collector = new Collector(server.url)
  const client = connect({ url: server.url })
  onTestFinished(async () => {
    await client.close()
    await collector.close()
    await server.close()
    await fake.close()
  })
  const stream = fake.manual()
  const { chatId, messageId } = await server.ask('Why are there tides?')
  const live = client.message(messageId)
  onTestFinished(live.subscribe(() => {}))
  const [seen] = await collector.follow(messageId)
  stream.send('The moon ')
  await collector.until(() => seen!.text === 'The moon ', 'the first words')

  const end = begin(path)
  stream.send('pulls the water.')
  const request = await fake.received(1)
  await request.hungUp
  await collector.until(() => seen!.refused?.code === 'store_unavailable', 'the refusal')
  expect(seen!.text).toBe('The moon ')
  expect((await server.call('GET', '/readyz')).status).toBe(503)
  expect((await server.call('GET', '/healthz')).status).toBe(200)
  const refused = await server.call('POST', `/api/chats/${chatId}/messages`, { content: 'And now?', parentId: null })
  expect(refused).toMatchObject({ status: 503, body: { error: { code: 'store_unavailable' } } })

  end()
  const ended = await live.until(({ message }) => message?.status === 'failed', { signal: AbortSignal.timeout(12_000) })
  expect(ended.message).toMatchObject({ status: 'failed', error: { code: 'store_unavailable', retryable: true } })
  const { body } = (await server.call('GET', `/api/messages/${messageId}`)) as { body: Message }
  expect(body).toEqual(ended.message)
  expect(body.output[0]).toMatchObject({ text: 'The moon ', status: 'incomplete' })
  await until(async () => (await server.call('GET', '/readyz')).status === 200, 'readiness')
  const after = fake.manual()
  const next = await server.ask('And now?', { chatId })
  after.send('Again.')
  after.end()
  expect((await collector.toEnd(next.messageId)).text).toBe('Again.')
})

test('the disk takes no more: nothing shown is lost, and the answer ends when there is room again', async () => {
  const folder = newFolder()
  const fake = await startFakeOpenAI()
  const child = spawn(process.execPath, [new URL('../../server/main.ts', import.meta.url).pathname], {
    env: {
      ...process.env,
      PORT: '0',
      DATABASE_URL: `sqlite:${join(folder, 'runnel.db')}`,
      OPENAI_API_KEY: 'key',
      OPENAI_BASE_URL: fake.url,
      LOG_LEVEL: 'silent',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const url = await addressOf(child)
  const collector = new Collector(url)
  onTestFinished(async () => {
    await collector.close()
    child.kill('SIGKILL')
    await once(child, 'exit')
    await fake.close()
  })
  const post = async (path: string, body: object) =>
    (await (
      await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).json()) as any
  const stream = fake.manual()
  const chat = await post('/api/chats', {})
  const { messageId } = await post(`/api/chats/${chat.id}/messages`, { content: 'Go on.' })
  const [seen] = await collector.follow(messageId)
  stream.send('Shown ')
  await collector.until(() => seen!.text === 'Shown ', 'the first words')
  // The system refuses every write of this process to a file, as a full disk does.
  await run('prlimit', ['--pid', String(child.pid), '--fsize=1:unlimited'])
  stream.send('and not shown.')
  await collector.until(() => seen!.refused !== null, 'the refusal')
  expect(seen!.text).toBe('Shown ')
  expect((await fetch(`${url}/readyz`)).status).toBe(503)
  await run('prlimit', ['--pid', String(child.pid), '--fsize=unlimited:unlimited'])
  const read = async () => (await (await fetch(`${url}/api/messages/${messageId}`)).json()) as Message
  await until(async () => (await read()).status === 'failed', 'the end')
  expect((await read()).output[0]).toMatchObject({ text: 'Shown ', status: 'incomplete' })
})

async function addressOf(child: ChildProcess): Promise<string> {
  let output = ''
  for await (const data of child.stdout!) {
    output += String(data)
    const url = /http:\/\/\S+/.exec(output)?.[0]
    if (url) return url
  }
  throw new Error('the server did not start')
}
