/** The search index of each store takes texts that were made to be slow, and holds up nobody. */
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { openPostgresStore } from '../../server/store/postgres/postgres.ts'
import { openSqliteStore } from '../../server/store/sqlite/sqlite.ts'
import type { Store } from '../../server/store/store.ts'
import { longestHold } from '../helpers/longest-hold.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { temporaryFolder } from './fixtures.ts'
import { answer, bytes, chat, chatId, newRun, question } from './records.ts'

const maxHoldMs = 50

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 30_000)
afterAll(() => postgres.close())

const stores: [string, () => Promise<Store>][] = [
  ['memory', async () => memoryStore()],
  ['SQLite', async () => openSqliteStore(join(temporaryFolder(), 'runnel.db'))],
  ['Postgres', async () => openPostgresStore(await postgres.database())],
]

function output(text: string) {
  return [{ id: 'block_1', type: 'text' as const, status: 'completed' as const, text, annotations: [] }]
}

/** Each ends with a word that is to be found. */
const texts: [string, string][] = [
  ['a run of marks', `a${'\u0301\u0323\u0327\u0345\u0338'.repeat(180_000)} whale`],
  ['different words', `${Array.from({ length: 50_000 }, (_, i) => i.toString(36)).join(' ')} whale`],
  ['prose', `${'The quick brown fox jumps over the lazy dog. '.repeat(40_000)} whale`],
  ['one long word', `${'a'.repeat(900_000)} whale`],
]

async function finds(store: Store, words: string): Promise<boolean> {
  return (await store.searchChats('user_1', words, { limit: 2 })).items.length > 0
}

describe.each(stores)('%s', (_name, open) => {
  it.each(texts)(
    'takes %s, finds what is in it, and erases it',
    async (_kind, text) => {
      const store = await open()
      onTestFinished(() => store.close())
      await store.createChat(chat(), 'l')
      const asked = question('msg_ask00001', { output: output(text) })
      const { longestMs } = await longestHold(async () => {
        await store.startRun(newRun('msg_answer01', {}, { userMessage: asked }))
        // Nobody waits until the words of a long text can be found.
        await expect.poll(() => finds(store, 'whale'), { interval: 5, timeout: 20_000 }).toBe(true)
        expect(await finds(store, 'whales')).toBe(false)
        await store.endRun({
          taskId: 'task_msg_answer01',
          message: answer('msg_answer01', { output: output(text) }),
          epoch: 1,
          state: bytes(''),
        })
        await store.deleteChat(chatId)
      })
      expect(await finds(store, 'whale')).toBe(false)
      expect(longestMs).toBeLessThan(maxHoldMs)
    },
    30_000,
  )
})

describe('SQLite', () => {
  const long = (word: string) =>
    `${word} ${Array.from({ length: 20_000 }, (_, i) => `${word}${i.toString(36)}`).join(' ')} last${word}`

  it('finds words that stand far from each other in a text, and the words of the newest text only', async () => {
    const store = openSqliteStore(join(temporaryFolder(), 'runnel.db'))
    onTestFinished(() => store.close())
    await store.createChat(chat(), 'l')
    await store.startRun(newRun('msg_answer01'))
    const save = (text: string, taskId: string) =>
      store.endRun({ taskId, message: answer('msg_answer01', { output: output(text) }), epoch: 1, state: bytes('') })
    // Both at once: the later one counts.
    const saving = save(long('whale'), 'task_msg_answer01')
    while ((await store.unlistedEnds()).length === 0) await setImmediate()
    await store.endListed({ messageId: 'msg_answer01', taskId: 'task_msg_answer01' })
    await store.continueRun({ messageId: 'msg_answer01', taskId: 'task_2', userId: 'user_1', node: 'n', request: null })
    await Promise.all([saving, save(long('tuna'), 'task_2')])
    await expect.poll(() => finds(store, 'tuna lasttuna tuna99'), { interval: 5, timeout: 10_000 }).toBe(true)
    for (const words of ['tuna lasttunas', 'whale', 'lastwhale']) expect(await finds(store, words), words).toBe(false)
  })

  it('lets nobody wait until what somebody else deletes is erased', async () => {
    const store = openSqliteStore(join(temporaryFolder(), 'runnel.db'))
    onTestFinished(() => store.close())
    await store.createChat(chat(), 'l')
    for (let i = 0; i < 4; i++) {
      const userMessage = question(`msg_ask${i}0000`, { output: output(long(`w${i}x`)) })
      await store.startRun(newRun(`msg_answer${i}0`, {}, { userMessage }))
    }
    await expect.poll(() => finds(store, 'lastw3x'), { interval: 5, timeout: 10_000 }).toBe(true)
    const other = { chatId: 'chat_other001' }
    await store.createChat(chat(other.chatId), 'l')
    let isErased = false
    const deleting = store.deleteChat(chatId).then(() => (isErased = true))
    await store.startRun(
      newRun('msg_answer99', other, { userMessage: question('msg_ask99999', { ...other, output: output('hi') }) }),
    )
    expect(isErased).toBe(false)
    await deleting
  })

  /** What another connection reads of the file. */
  function counter(path: string): (sql: string) => number {
    const raw = new DatabaseSync(path, { readOnly: true })
    onTestFinished(() => raw.close())
    return (sql) => Number(raw.prepare(`SELECT count(*) AS count FROM ${sql}`).get()!['count'])
  }

  it('goes on where the process ended: with what was not indexed, and with what was not erased', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    const first = openSqliteStore(path)
    const count = counter(path)
    await first.createChat(chat(), 'l')
    await first.startRun(newRun('msg_answer01'))
    void first.endRun({
      taskId: 'task_msg_answer01',
      message: answer('msg_answer01', { output: output(long('whale')) }),
      epoch: 1,
      state: bytes(''),
    })
    while (count('unindexed') === 0) await setImmediate()
    await first.close()
    expect(count(`words WHERE word = 'lastwhale'`)).toBe(0)

    const second = openSqliteStore(path)
    await expect.poll(() => finds(second, 'whale lastwhale'), { timeout: 10_000 }).toBe(true)
    void second.deleteChat(chatId)
    await second.close()
    expect(count('word_pieces WHERE owner IS NULL')).toBeGreaterThan(1)

    const third = openSqliteStore(path)
    onTestFinished(() => third.close())
    await expect.poll(() => count(`words WHERE word LIKE '%whale%'`), { timeout: 10_000 }).toBe(0)
    for (const left of ['words', 'word_pieces', 'unindexed']) expect(count(left), left).toBe(0)
  })
})
