import { cpSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { append, readLog, temporaryFolder } from './fixtures.ts'
import { answer, bytes, chat, newRun } from './records.ts'

const doc = 'msg_answer01'
const neighbour = 'msg_answer02'
const entries = 400

/** How often a word stands in the bytes of the database, its WAL and whatever lies beside them. */
function count(folder: string, word: string): number {
  return readdirSync(folder).reduce(
    (sum, name) => sum + readFileSync(join(folder, name), 'latin1').split(word).length - 1,
    0,
  )
}

/** Two documents whose updates lie among each other, the first with a secret in its log and in a compacted state. */
async function openWithSecrets(): Promise<{ folder: string; store: Store }> {
  const folder = temporaryFolder()
  const store = openSqliteStore(join(folder, 'runnel.db'))
  onTestFinished(() => store.close())
  await store.createChat(chat(), 'l')
  for (const id of [doc, neighbour]) await store.startRun(newRun(id))
  for (let seq = 0; seq < entries; seq++) {
    await append(store, doc, 1, seq, `secret ${seq} ${'x'.repeat(seq % 90)}`)
    await append(store, neighbour, 1, seq, `public ${seq} ${'y'.repeat(seq % 70)}`)
    if (seq === 150) await store.log.compact(doc, 1, seq, bytes('secret state'.repeat(700)))
  }
  return { folder, store }
}

/** The entry after `openWithSecrets` that takes the secret away. */
function rewrite(store: Store) {
  return store.log.append([{ doc, epoch: 1, previousSeq: entries, updates: [bytes('redaction')], rewrites: true }])
}

/** What a kill of the process leaves behind, in a folder of its own. */
function copyAsKilled(folder: string): string {
  const copy = temporaryFolder()
  cpSync(folder, copy, { recursive: true })
  return copy
}

describe('text that was shown and removed', () => {
  it('is nowhere in the files soon after compaction, while the server runs, also from before an earlier one', async () => {
    const { folder, store } = await openWithSecrets()
    await rewrite(store)
    expect(count(folder, 'secret')).toBeGreaterThan(entries / 2)
    await store.log.compact(doc, 1, entries + 1, bytes('clean'))
    await expect.poll(() => count(folder, 'secret'), { timeout: 5_000 }).toBe(0)
    expect(await readLog(store, doc)).toMatchObject({ state: 'clean', updates: [] })
    expect((await readLog(store, neighbour))?.updates).toHaveLength(entries)
  })

  it('stays marked while a compaction ends before the entry that removed it', async () => {
    const { folder, store } = await openWithSecrets()
    await rewrite(store)
    await store.log.compact(doc, 1, entries, bytes('secret state'))
    expect((await readLog(store, doc))?.updates).toEqual(['redaction'])
    await store.log.compact(doc, 1, entries + 1, bytes('clean'))
    await expect.poll(() => count(folder, 'secret'), { timeout: 5_000 }).toBe(0)
  })

  it('is nowhere in the files soon after the final save of a continued run that removed it', async () => {
    const { folder, store } = await openWithSecrets()
    await store.endRun({ taskId: `task_${doc}`, message: answer(doc), epoch: 1, state: bytes('secret') })
    await store.endListed({ messageId: doc, taskId: `task_${doc}` })
    await store.continueRun({ messageId: doc, taskId: 'task_2', userId: 'user_1', node: 'local', request: null })
    expect(await store.drawEpoch(doc)).toBe(2)
    await store.log.append([{ doc, epoch: 2, previousSeq: entries, updates: [bytes('redaction')], rewrites: true }])
    await store.endRun({ taskId: 'task_2', message: answer(doc), epoch: 2, state: bytes('clean') })
    await expect.poll(() => count(folder, 'secret'), { timeout: 5_000 }).toBe(0)
  })

  it('is nowhere in the files after recovery from a kill', async () => {
    const { folder, store } = await openWithSecrets()
    await rewrite(store)
    const killed = copyAsKilled(folder)
    const recovered = openSqliteStore(join(killed, 'runnel.db'))
    onTestFinished(() => recovered.close())
    expect((await readLog(recovered, doc))?.updates.at(-1)).toBe('redaction')
    const epoch = await recovered.drawEpoch(doc)
    await recovered.endRun({ taskId: `task_${doc}`, message: answer(doc), epoch, state: bytes('clean') })
    await expect.poll(() => count(killed, 'secret'), { timeout: 5_000 }).toBe(0)
  })

  it('that a kill left between compaction and scrubbing is gone when the file is open', async () => {
    const { folder, store } = await openWithSecrets()
    await rewrite(store)
    await store.log.compact(doc, 1, entries + 1, bytes('clean'))
    const killed = copyAsKilled(folder)
    expect(count(killed, 'secret')).toBeGreaterThan(0)
    const recovered = openSqliteStore(join(killed, 'runnel.db'))
    onTestFinished(() => recovered.close())
    expect(count(killed, 'secret')).toBe(0)
  })

  it('waits in the WAL for a reader from outside, who holds up nobody, and goes then', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { folder, store } = await openWithSecrets()
    await rewrite(store)
    const reader = new DatabaseSync(join(folder, 'runnel.db'), { readOnly: true })
    onTestFinished(() => reader.close())
    reader.exec('BEGIN')
    const countRows = reader.prepare('SELECT count(*) AS rows FROM updates')
    const before = countRows.get()
    await store.endRun({ taskId: `task_${doc}`, message: answer(doc), epoch: 1, state: bytes('clean') })
    expect(await append(store, neighbour, 1, entries, 'more')).toEqual([{ status: 'ok', seq: entries + 1 }])
    vi.advanceTimersByTime(5_000)
    expect(countRows.get()).toEqual(before)
    expect(count(folder, 'secret')).toBeGreaterThan(0)
    reader.exec('COMMIT')
    vi.advanceTimersByTime(5_000)
    expect(count(folder, 'secret')).toBe(0)
  })
})

describe('text that a state holds', () => {
  it('goes from the log later: compaction deletes no rows and forces no checkpoint', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { folder, store } = await openWithSecrets()
    const walBytes = () => statSync(join(folder, 'runnel.db-wal')).size
    const before = walBytes()
    await store.log.compact(doc, 1, entries, bytes('state'))
    vi.advanceTimersByTime(5_000)
    expect(walBytes()).toBeGreaterThanOrEqual(before)
    expect(count(folder, 'secret')).toBeGreaterThan(entries / 2)
  })

  it('is nowhere in the files after a clean stop', async () => {
    const { folder, store } = await openWithSecrets()
    await store.endRun({ taskId: `task_${doc}`, message: answer(doc), epoch: 1, state: bytes('clean') })
    await store.close()
    expect(count(folder, 'secret')).toBe(0)
    expect(count(folder, 'public')).toBeGreaterThanOrEqual(entries)
  })

  it('of a killed process is nowhere in the files when they are open', async () => {
    const { folder, store } = await openWithSecrets()
    await store.endRun({ taskId: `task_${doc}`, message: answer(doc), epoch: 1, state: bytes('clean') })
    const killed = copyAsKilled(folder)
    const recovered = openSqliteStore(join(killed, 'runnel.db'))
    onTestFinished(() => recovered.close())
    expect(count(killed, 'secret')).toBe(0)
    expect((await readLog(recovered, neighbour))?.updates).toHaveLength(entries)
  })
})
