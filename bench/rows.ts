import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Access } from '../server/auth/access.ts'
import { memoryStore } from '../server/store/memory/memory.ts'
import { openSqliteStore } from '../server/store/sqlite/sqlite.ts'
import type { Message } from '../shared/schema.ts'
import type { Store } from '../server/store/store.ts'
import { median, type Figure } from './harness.ts'

const chatId = 'chat_rows0000'
const identity = { user: { id: 'ann', name: 'Ann' }, expiresAt: null }
const small = 1_000
const large = 300_000

/** Sweeps and rights read rows: do they cost more where requests and answers are large? */
export async function rowsWithoutContents(): Promise<Figure[]> {
  const figures: Figure[] = []
  const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-'))
  const stores: [name: string, open: (bytes: number) => Store][] = [
    ['memory', () => memoryStore()],
    ['SQLite', (bytes) => openSqliteStore(join(folder, `${bytes}.db`))],
  ]
  for (const [name, open] of stores) {
    const [a, b] = [await filled(open(small), small), await filled(open(large), large)]
    const costs: { sweep: number; rights: number }[][] = [[], []]
    // By turns, against the machine's noise; the first warm up.
    for (let round = -3; round < 15; round++)
      for (const [i, store] of [a, b].entries()) {
        const sweep = await msOf(async () => {
          for (let n = 0; n < 50; n++) await store.unfinished()
        })
        const access = new Access(store)
        const rights = await msOf(async () => {
          for (let n = 0; n < 5_000; n++) await access.message(identity, `msg_ended${1_000 + (n % 100)}`)
        })
        if (round >= 0) costs[i]!.push({ sweep, rights })
      }
    for (const [key, what] of [
      ['sweep', '50 sweeps of 100 queued runs'],
      ['rights', '5,000 rights'],
    ] as const) {
      const [less, more] = costs.map((of) => median(of.map((cost) => cost[key])))
      figures.push({ name: `${name}: ${what}, 1 kB each`, value: less!, unit: 'ms' })
      figures.push({ name: `${name}: ${what}, 300 kB against 1 kB`, value: more! / less!, unit: '×', bound: 1.3 })
    }
    await a.close()
    await b.close()
  }
  rmSync(folder, { recursive: true })
  return figures
}

/** 100 runs that wait, each with a request of so many bytes, and 100 answers of that size. */
async function filled(store: Store, bytes: number): Promise<Store> {
  const text = 'Tides come and go. '.repeat(bytes / 19)
  await store.createChat(
    { id: chatId, ownerId: 'ann', title: 'Tides', system: text.slice(0, 100_000), createdAt: 0 },
    'l',
  )
  for (let i = 0; i < 100; i++) {
    const row = { chatId, parentId: null, createdAt: i, userId: 'ann', node: 'n', status: 'queued' as const }
    const request = { model: 'm', messages: [{ role: 'user', content: text }] }
    const add = (id: string, request: object) =>
      store.startRun({
        userMessage: null,
        assistant: { ...row, id, taskId: `task_${id}`, request: request as never },
        lineage: 'l',
      })
    await add(`msg_queued${1_000 + i}`, request)
    const id = `msg_ended${1_000 + i}`
    await add(id, { model: 'm' })
    const block = { id: 'b0', type: 'text' as const, status: 'completed' as const, text, annotations: [] }
    const { node: _, ...fields } = row
    const message: Message = { ...fields, id, role: 'assistant', status: 'completed', schema: 1, output: [block] }
    await store.endRun({ message, taskId: `task_${id}`, epoch: 1, state: new Uint8Array(2) })
  }
  return store
}

async function msOf(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now()
  await work()
  return performance.now() - began
}
