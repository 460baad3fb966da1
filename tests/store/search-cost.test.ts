/** A search costs what the caller's own chats cost, however many chats of others match. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { openPostgresStore } from '../../server/store/postgres/postgres.ts'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { temporaryFolder } from './fixtures.ts'
import { chat, chatId, newRun, question } from './records.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 30_000)
afterAll(() => postgres.close())

const text = 'Tides, and tidal waves of tides. '.repeat(3)

/** Four questions in each of 500 chats that another user has. */
async function addForeign(store: Store): Promise<void> {
  const output = [{ ...question('x').output[0]!, text }] as Message['output']
  for (let i = 0; i < 500; i++) {
    const id = `chat_foreign${i}`
    await store.createChat(chat(id, { ownerId: 'user_2', title: text }), 'l')
    for (let k = 0; k < 4; k++) {
      const userMessage = question(`msg_asked${k}x${i}`, { chatId: id, output })
      await store.startRun(newRun(`msg_number${k}x${i}`, { chatId: id }, { userMessage }))
    }
  }
}

test.each<[string, () => Promise<{ store: Store; addMany: () => Promise<void> }>]>([
  [
    'memory',
    async () => {
      const store = memoryStore()
      return { store, addMany: () => addForeign(store) }
    },
  ],
  [
    'SQLite',
    async () => {
      const store = openSqliteStore(`${temporaryFolder()}/runnel.db`)
      return { store, addMany: () => addForeign(store) }
    },
  ],
  [
    'Postgres',
    async () => {
      const url = await postgres.database()
      const addMany = () =>
        postgres.run(
          `INSERT INTO chats (id, owner_id, title, created_at, search) SELECT 'foreign' || i, 'user_2', 'x', 1, 'tide:1,2'::tsvector FROM generate_series(1, 2000) AS i;
           INSERT INTO members SELECT id, 'user_2', 'x', 'owner', 1 FROM chats WHERE owner_id = 'user_2';
           INSERT INTO messages (id, chat_id, role, created_at, user_id, status, search)
             SELECT 'm' || i, 'foreign' || i % 2000, 'user', 1, 'user_2', 'completed', 'tides:1,2'::tsvector FROM generate_series(1, 60000) AS i;
           ANALYZE`,
          url,
        )
      return { store: openPostgresStore(url), addMany: async () => void (await addMany()) }
    },
  ],
])('%s', async (_name, open) => {
  const { store, addMany } = await open()
  onTestFinished(() => store.close())
  await store.createChat(chat(chatId, { title: 'Tides' }), 'l')
  await store.startRun(newRun('msg_answer01', {}, { userMessage: question('msg_ask00001') }))
  const cost = async () => {
    const times: number[] = []
    for (let i = 0; i < 40; i++) {
      const startedAt = performance.now()
      expect((await store.searchChats('user_1', 'tide', { limit: 9 })).items).toHaveLength(1)
      times.push(performance.now() - startedAt)
    }
    return Math.min(...times)
  }
  await cost()
  const alone = await cost()
  await addMany()
  await cost()
  const among = await cost()
  console.log(`${alone.toFixed(3)} ms alone, ${among.toFixed(3)} ms among many`)
  expect(among).toBeLessThan(1.5 * alone + 0.1)
})
