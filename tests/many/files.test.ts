/** Files while nodes come and the database goes: none is lost, none is left behind. */
import { readdirSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import { startLine } from '../../testing/line.ts'
import { newWorld, usePostgres } from './nodes.ts'

const database = usePostgres()

/** A file that comes in two parts, the second when it is asked for. */
async function upload(url: string, chatId: string, words: string, between: () => Promise<unknown> = async () => {}) {
  const boundary = 'b0undary'
  const part = (head: string, body: string) => `--${boundary}\r\nContent-Disposition: form-data; ${head}\r\n\r\n${body}`
  async function* body() {
    yield Buffer.from(
      `${part('name="chatId"', chatId)}\r\n${part('name="file"; filename="notes.txt"', words.slice(0, 3))}`,
    )
    await between()
    yield Buffer.from(`${words.slice(3)}\r\n--${boundary}--\r\n`)
  }
  const response = await fetch(`${url}/api/files`, {
    method: 'POST',
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: body() as unknown as BodyInit,
    duplex: 'half',
  } as RequestInit)
  return { status: response.status, body: (await response.json()) as { id: string; url: string } }
}

test('a file that is on its way while another node starts is there when it has come', async () => {
  const { node, settings } = await newWorld()
  const a = await node()
  const { id } = (await a.call('POST', '/api/chats', {})).body
  const doomed = () => database.postgres.run('SELECT id FROM doomed_files', settings.DATABASE_URL as string)
  const { status, body } = await upload(a.url, id, 'some notes', async () => {
    await expect.poll(async () => (await doomed()).length).toBe(1)
    await node()
  })
  expect(status).toBe(201)
  expect(await (await fetch(a.url + body.url)).text()).toBe('some notes')
  expect(await doomed()).toEqual([])
})

test(
  'a file whose commit is answered by a broken connection is there once, or not at all',
  { timeout: 30_000 },
  async () => {
    const { node, settings } = await newWorld()
    const url = new URL(settings.DATABASE_URL as string)
    const proxy = await startLine(Number(url.port))
    onTestFinished(() => proxy.close())
    const direct = url.href
    url.port = String(proxy.port)
    const kept: string[] = []
    for (const patience of [10_000, 300]) {
      const a = await node({ DATABASE_URL: url.href, RUNNEL_STORE_PATIENCE_MS: patience })
      const { id } = (await a.call('POST', '/api/chats', {})).body
      for (const moment of ['before', 'after'] as const) {
        // Then nothing comes through for a while.
        let broken = false
        proxy.onPiece = (data) => {
          if (broken || !data.includes('INSERT INTO files')) return
          broken = true
          proxy.breakAt = { words: 'COMMIT\0', moment }
        }
        const asked = upload(a.url, id, 'some notes')
        await expect.poll(() => broken && proxy.breakAt === null, { interval: 1, timeout: 5_000 }).toBe(true)
        proxy.mode = 'refuse'
        proxy.cut()
        await new Promise((resolve) => setTimeout(resolve, 900))
        proxy.mode = 'pass'
        const { status, body } = await asked
        const rows = await database.postgres.run<{ id: string }>('SELECT id FROM files', direct)
        if (status === 201) {
          kept.push(body.id)
          expect(await (await fetch(a.url + body.url)).text()).toBe('some notes')
        } else expect(status).toBe(503)
        // Whatever the answer was: a row has its bytes, and bytes without a row are marked to go.
        const doomed = await database.postgres.run<{ id: string }>('SELECT id FROM doomed_files', direct)
        const known = [...rows, ...doomed].map((row) => row.id)
        expect(new Set(known).size).toBe(known.length)
        expect(
          readdirSync(settings.RUNNEL_FILES_DIR as string)
            .filter((name) => name.startsWith('file_'))
            .sort(),
        ).toEqual(known.sort())
      }
    }
    expect(kept.length).toBeGreaterThanOrEqual(2)
  },
)
