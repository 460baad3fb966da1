/** Backups as docs/OPERATIONS.md tells to make them, of a server that runs, played back into another place. */
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, onTestFinished, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { answer, Collector, startFakeOpenAI, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { startPostgres } from '../helpers/postgres.ts'

interface Database {
  url: string
  /** Puts all that it holds now into a database of its own; the address of that. */
  copy(folder: string): Promise<string>
}

async function postgresDatabase(): Promise<Database> {
  const postgres = await startPostgres()
  onTestFinished(() => postgres.close())
  const url = await postgres.database()
  return {
    url,
    copy: async (folder) => {
      const [dump, sql] = [join(folder, 'runnel.dump'), join(folder, 'runnel.sql')]
      postgres.program('pg_dump', '-Fc', '-f', dump, url)
      postgres.program('pg_dump', '-f', sql, url)
      const [restored, asText] = [await postgres.database(), await postgres.database()]
      postgres.program('pg_restore', '--exit-on-error', '-d', restored, dump)
      postgres.program('psql', '-q', '-v', 'ON_ERROR_STOP=1', '-d', asText, '-f', sql)
      const rows = (url: string) => postgres.run('SELECT * FROM messages ORDER BY number', url)
      expect(await rows(asText)).toEqual(await rows(restored))
      return restored
    },
  }
}

async function sqliteDatabase(folder: string): Promise<Database> {
  const path = join(folder, 'runnel.db')
  return {
    url: `sqlite:${path}`,
    copy: async () => {
      const backup = join(folder, 'backup.db')
      // What `sqlite3 runnel.db "VACUUM INTO 'backup.db'"` does.
      const database = new DatabaseSync(path)
      database.exec(`VACUUM INTO '${backup}'`)
      database.close()
      return `sqlite:${backup}`
    },
  }
}

async function upload(server: StartedRunnel, chatId: string): Promise<{ id: string }> {
  const form = new FormData()
  form.append('chatId', chatId)
  form.append('file', new Blob(['some notes']), 'notes.txt')
  return (await (await fetch(`${server.url}/api/files`, { method: 'POST', body: form })).json()) as { id: string }
}

test.each([
  ['SQLite', sqliteDatabase],
  ['Postgres', postgresDatabase],
])(
  '%s: every message is as it was; who had seen more loads again',
  { timeout: 40_000 },
  async (_name, openDatabase: (folder: string) => Promise<Database>) => {
    const folder = mkdtempSync(join(tmpdir(), 'runnel-backup-'))
    const fake = await startFakeOpenAI()
    onTestFinished(async () => {
      await fake.close()
      rmSync(folder, { recursive: true, force: true })
    })
    const database = await openDatabase(folder)
    const start = async (url: string, files: string): Promise<StartedRunnel> => {
      const server = await startRunnel({
        DATABASE_URL: url,
        RUNNEL_FILES_DIR: join(folder, files),
        OPENAI_BASE_URL: fake.url,
        OPENAI_API_KEY: 'key',
        RUNNEL_MODEL: 'm',
        LOG_LEVEL: 'silent',
      })
      onTestFinished(() => server.close())
      return server
    }
    const view = (server: StartedRunnel): Collector => {
      const viewer = new Collector(server.url)
      onTestFinished(() => viewer.close())
      return viewer
    }
    const read = async (server: StartedRunnel, id: string) =>
      (await server.call('GET', `/api/messages/${id}`)).body as Message

    const first = await start(database.url, 'files')
    const viewer = view(first)
    fake.enqueue(answer({ text: 'A whale.' }))
    const done = await first.ask('Which fish?')
    await viewer.toEnd(done.messageId)
    const stream = fake.manual()
    const broken = await first.ask('And then?')
    await stream.request
    stream.send('Before')
    const [copy] = await viewer.follow(broken.messageId)
    await viewer.until(() => copy!.text === 'Before', 'the first word')
    const file = await upload(first, done.chatId)
    const { body: list } = await first.call('GET', `/api/chats/${done.chatId}/messages`)

    const restored = await database.copy(folder)
    cpSync(join(folder, 'files'), join(folder, 'restored'), { recursive: true })
    // What comes after the backup is lost with it.
    stream.send(' and after')
    await viewer.until(() => copy!.text === 'Before and after', 'the second word')
    const chatCopy = (await viewer.follow(broken.chatId))[0]!
    await viewer.until(() => chatCopy.subscribed !== null, 'the chat')
    await first.close()

    const second = await start(restored, 'restored')
    expect((await second.call('GET', `/api/chats/${done.chatId}/messages`)).body).toEqual(list)
    expect((await second.call('GET', '/api/chats?query=whale')).body.items.map(({ id }: { id: string }) => id)).toEqual(
      [done.chatId],
    )
    const bytes = await fetch(`${second.url}/api/files/${file.id}`)
    expect([bytes.status, await bytes.text()]).toEqual([200, 'some notes'])
    expect(await read(second, done.messageId)).toMatchObject({ status: 'completed' })
    const message = await read(second, broken.messageId)
    expect(message).toMatchObject({ status: 'interrupted', output: [{ type: 'text', text: 'Before' }] })
    const back = view(second)
    const copies = [done.messageId, broken.messageId, broken.chatId].map((id) => viewer.documents.get(id)!)
    for (const old of copies) {
      old.checkpoints.length = 0
      back.adopt(old)
    }
    await back.follow(...copies.map(({ id }) => id))
    for (const old of copies)
      await back.until(() => old.checkpoints.at(-1)?.matches === true, `the copy of ${old.id}`, 8_000)
    const resets = back.control.flatMap((said) => (said.type === 'subscribed' ? said.docs : []))
    expect(resets.filter(({ reset }) => reset).map(({ doc }) => doc)).toContain(broken.messageId)
    expect(copies[1]!.json).toEqual(message)

    fake.enqueue(answer({ text: ' it ended.' }))
    expect((await second.call('POST', `/api/messages/${broken.messageId}/continue`)).status).toBe(202)
    await back.until(() => copies[1]!.message.status === 'completed', 'the end', 8_000)
    expect(copies[1]!.text).toBe('Before it ended.')
    await back.until(() => copies[1]!.ended && copies[1]!.checkpoints.at(-1)!.matches, 'the last checkpoint', 8_000)
  },
)
