import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Provider } from '../server/provider/events.ts'
import { startRunnel } from '../testing/runnel.ts'
import type { Figure } from './harness.ts'

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const short: Provider = async function* () {
  yield { type: 'block_start', key: '0', block: { type: 'text', status: 'in_progress' } }
  yield { type: 'delta', key: '0', field: 'text', text: 'A short answer, sixty characters long, to a short question. ' }
  yield { type: 'block_end', key: '0', status: 'completed' }
  yield { type: 'finish', reason: 'stop' }
}

/** Ten thousand finished messages: what stays of them in memory once their rooms are evicted. */
export async function finishedMessages(messages = 10_000): Promise<Figure[]> {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-'))
  const { call, runnel, close } = await startRunnel({
    DATABASE_URL: `sqlite:${join(folder, 'bench.db')}`,
    provider: short,
    RUNNEL_MAX_TASKS_PER_USER: 1_000,
  })
  const send = async (count: number) => {
    const { body: chat } = await call('POST', '/api/chats', {})
    for (let done = 0; done < count; done++)
      await call('POST', `/api/chats/${chat.id}/messages`, { content: 'go', stream: false })
  }
  const idle = async () => {
    const deadline = Date.now() + 60_000
    while (runnel.stats().rooms > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 500))
    collect()
    await new Promise((resolve) => setImmediate(resolve))
    collect()
    return process.memoryUsage().heapUsed
  }
  const chats = 20
  await send(100)
  const before = await idle()
  const began = performance.now()
  for (let chat = 0; chat < chats; chat++) await send(messages / chats)
  const seconds = (performance.now() - began) / 1_000
  const after = await idle()
  const rooms = runnel.stats().rooms
  await close()
  rmSync(folder, { recursive: true })
  return [
    {
      name: `heap growth after ${messages} finished messages`,
      value: (after - before) / 1_000,
      unit: 'kB',
      bound: 2_000,
      note: `${Math.round(messages / seconds)} messages/s, one after the other`,
    },
    { name: 'rooms that stay, 30 s later', value: rooms, unit: '', bound: 0 },
  ]
}
