/** A page of somebody's chats costs the same, however many they have. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPostgresStore } from '../server/store/postgres/postgres.ts'
import { openSqliteStore } from '../server/store/sqlite/sqlite.ts'
import type { Store } from '../server/store/store.ts'
import { startPostgres } from '../tests/helpers/postgres.ts'
import { chat, newRun, startedAt } from '../tests/store/records.ts'
import type { Figure } from './harness.ts'

const few = 200
const many = 10_000

export async function chatList(): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-list-'))
  const postgres = await startPostgres()
  try {
    const url = await postgres.database()
    return [
      await figure('SQLite', openSqliteStore(join(folder, 'runnel.db')), async () => {}),
      // As autovacuum would have done by then.
      await figure('Postgres', openPostgresStore(url), async () => void (await postgres.run('ANALYZE', url))),
    ]
  } finally {
    await postgres.close()
    rmSync(folder, { recursive: true })
  }
}

async function figure(name: string, store: Store, settle: () => Promise<void>): Promise<Figure> {
  await addChats(store, 0, few)
  await settle()
  const among = await cost(store)
  await addChats(store, few, many)
  await settle()
  const amongMany = await cost(store)
  await store.close()
  const note = `${among.toFixed(2)} ms of ${few}, ${amongMany.toFixed(2)} ms of ${many}`
  return { name: `the second page of a list of chats, ${name}`, value: amongMany / among, unit: '×', bound: 3, note }
}

async function cost(store: Store): Promise<number> {
  const times: number[] = []
  const { nextCursor } = await store.listChats('user_1', { limit: 50 })
  for (let i = 0; i < 40; i++) {
    const began = performance.now()
    await store.listChats('user_1', { limit: 50, cursor: nextCursor! })
    times.push(performance.now() - began)
  }
  return Math.min(...times)
}

/** In each tenth an answer is being written. */
async function addChats(store: Store, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i += 50)
    await Promise.all(
      Array.from({ length: 50 }, async (_, k) => {
        const id = `chat_number${i + k}`
        await store.createChat(chat(id, { createdAt: startedAt + i + k }), 'l')
        if (k % 10 === 0)
          await store.startRun(newRun(`msg_number${i + k}`, { chatId: id, createdAt: startedAt + i + k }))
      }),
    )
}
