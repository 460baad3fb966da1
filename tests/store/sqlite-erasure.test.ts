import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openSqliteStore } from '../../server/store/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { append, readLog, temporaryFolder } from './fixtures.ts'
import { answer, bytes, chat, newRun } from './records.ts'

const doc = 'msg_answer01'
const neighbour = 'msg_answer02'

/** How often a word stands in the bytes of the database, its WAL and whatever lies beside them. */
function count(folder: string, word: string): number {
  return readdirSync(folder).reduce((sum, name) => sum + readFileSync(join(folder, name), 'latin1').split(word).length - 1, 0)
}

/** Two documents whose updates lie among each other, the first with a secret in its log and in a compacted state. */
async function openWithSecrets(): Promise<{ folder: string; store: Store; entries: number }> {
  const folder = temporaryFolder()
  const store = openSqliteStore(join(folder, 'runnel.db'))
  onTestFinished(() => store.close())
  await store.createChat(chat(), 'l')
  for (const id of [doc, neighbour]) await store.startRun(newRun(id))
  const entries = 400
  for (let seq = 0; seq < entries; seq++) {
    await append(store, doc, 1, seq, `secret ${seq} ${'x'.repeat(seq % 90)}`)
    await append(store, neighbour, 1, seq, `public ${seq} ${'y'.repeat(seq % 70)}`)
    if (seq === 150) await store.log.compact(doc, 1, seq, bytes('secret state'.repeat(700)))
  }
  return { folder, store, entries }
}

describe('removed text', () => {
  it('is nowhere in the files soon after compaction, while the server runs', async () => {
    const { folder, store, entries } = await openWithSecrets()
    expect(count(folder, 'secret')).toBeGreaterThan(entries / 2)
    await store.log.compact(doc, 1, entries, bytes('clean'))
    await expect.poll(() => count(folder, 'secret'), { timeout: 5_000 }).toBe(0)
    expect(await readLog(store, doc)).toMatchObject({ state: 'clean', updates: [] })
    expect((await readLog(store, neighbour))?.updates).toHaveLength(entries)
  })

  it('is nowhere in the files after the final save and a clean stop', async () => {
    const { folder, store } = await openWithSecrets()
    await store.saveFinal({ message: answer(doc), epoch: 1, state: bytes('clean') })
    await store.close()
    expect(count(folder, 'secret')).toBe(0)
  })

  it('waits in the WAL for a reader from outside, who holds up nobody, and goes then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { folder, store, entries } = await openWithSecrets()
    const reader = new DatabaseSync(join(folder, 'runnel.db'), { readOnly: true })
    onTestFinished(() => reader.close())
    reader.exec('BEGIN')
    const countRows = reader.prepare('SELECT count(*) AS rows FROM updates')
    const before = countRows.get()
    await store.saveFinal({ message: answer(doc), epoch: 1, state: bytes('clean') })
    expect(await append(store, neighbour, 1, entries, 'more')).toEqual([{ status: 'ok', seq: entries + 1 }])
    vi.advanceTimersByTime(5_000)
    expect(countRows.get()).toEqual(before)
    expect(count(folder, 'secret')).toBeGreaterThan(0)
    reader.exec('COMMIT')
    vi.advanceTimersByTime(5_000)
    expect(count(folder, 'secret')).toBe(0)
  })
})
