/** A search costs what the caller's own chats cost, however many chats of others match. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Message } from '../shared/schema.ts'
import { memoryStore } from '../server/store/memory/memory.ts'
import { openPostgresStore } from '../server/store/postgres/postgres.ts'
import { openSqliteStore } from '../server/store/sqlite/sqlite.ts'
import type { Store } from '../server/store/store.ts'
import { startPostgres } from '../tests/helpers/postgres.ts'
import { chat, chatId, newRun, question } from '../tests/store/records.ts'
import type { Figure } from './harness.ts'

const text = 'Tides, and tidal waves of tides. '.repeat(3)

export async function foreignChats(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-search-'))
  const postgres = await startPostgres()
  try {
    const url = await postgres.database()
    return [
      await figure('memory', memoryStore(), addForeign),
      await figure('SQLite', openSqliteStore(join(folder, 'runnel.db')), addForeign),
      await figure('Postgres', openPostgresStore(url), async () => void (await postgres.run(foreignRows, url))),
    ]
  } finally {
    await postgres.close()
    rmSync(folder, { recursive: true })
  }
}

async function figure(name: string, store: Store, addMany: (store: Store) => Promise<void>): Promise<Figure> {
  await store.createChat(chat(chatId, { title: 'Tides' }), 'l')
  await store.startRun(newRun('msg_answer01', {}, { userMessage: question('msg_ask00001') }))
  const cost = async () => {
    const times: number[] = []
    for (let i = 0; i < 40; i++) {
      const startedAt = performance.now()
      const { items } = await store.searchChats('user_1', 'tide', { limit: 9 })
      times.push(performance.now() - startedAt)
      if (items.length !== 1) throw new Error(`${items.length} chats were found instead of one`)
    }
    return Math.min(...times)
  }
  await cost()
  const alone = await cost()
  await addMany(store)
  await cost()
  const among = await cost()
  await store.close()
  const note = `${alone.toFixed(3)} ms alone, ${among.toFixed(3)} ms among many`
  return { name: `a search among chats of others that match, ${name}`, value: among / alone, unit: '×', bound: 2, note }
}

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

const foreignRows = `INSERT INTO chats (id, owner_id, title, created_at, search) SELECT 'foreign' || i, 'user_2', 'x', 1, 'tide:1,2'::tsvector FROM generate_series(1, 2000) AS i;
  INSERT INTO members SELECT id, 'user_2', 'x', 'owner', 1 FROM chats WHERE owner_id = 'user_2';
  INSERT INTO messages (id, chat_id, role, created_at, user_id, status, search)
    SELECT 'm' || i, 'foreign' || i % 2000, 'user', 1, 'user_2', 'completed', 'tides:1,2'::tsvector FROM generate_series(1, 60000) AS i;
  ANALYZE`
