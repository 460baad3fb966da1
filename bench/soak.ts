/**
 * One server for minutes under what a day brings: chats that are made and deleted, answers that end, are stopped and go
 * on, viewers that come, go and come back. `BENCH_SOAK_MINUTES`: how long, 2 if nothing is said. A leak is what a
 * minute adds to the heap once all have gone; resident memory has what the allocator keeps for the next crowd, too.
 */
import { readFileSync } from 'node:fs'
import type { WebSocket } from 'ws'
import { startFakeOpenAI, type Step } from '../testing/index.ts'
import { post, watch, type Figure } from './harness.ts'
import { startServer, type BenchServer } from './server.ts'

const people = 10
const words = 200
/** Rooms stay for 30 s after the last of their viewers. */
const lingerMs = 32_000
const warmUpMs = 30_000

export async function soak(): Promise<Figure[]> {
  const minutes = Number(process.env['BENCH_SOAK_MINUTES'] ?? 2)
  const steps: Step[] = []
  for (let i = 0; i < words; i++) steps.push({ type: 'text', text: `word ${i} ` }, { type: 'wait', ms: 5 })
  const provider = await startFakeOpenAI({ fallback: { kind: 'answer', steps: [...steps, { type: 'finish' }] } })
  const server = await startServer({ OPENAI_BASE_URL: provider.url, OPENAI_API_KEY: 'key', RUNNEL_MODEL: 'm' })
  // The fake keeps what it was asked.
  const forgetting = setInterval(() => provider.requests.splice(0), 1_000)
  let answers = 0
  const crowd = async (ms: number) => {
    const until = performance.now() + ms
    const person = async (number: number) => {
      for (let round = number; performance.now() < until; round++) {
        await visit(server.url, round)
        answers += 1
      }
    }
    await Promise.all(Array.from({ length: people }, (_, number) => person(number)))
  }
  const atRest = async () => {
    await new Promise((resolve) => setTimeout(resolve, lingerMs))
    return await server.usage({ collect: true })
  }
  try {
    await crowd(warmUpMs)
    const begin = await atRest()
    const partsBefore = residentParts(server)
    answers = 0
    const marks = [begin]
    let most = 0
    let end = begin
    for (let minute = 0; minute < minutes; minute++) {
      let left = false
      const leaving = crowd(60_000).finally(() => (left = true))
      while (!left) {
        await pause(1_000)
        most = Math.max(most, (await server.usage()).residentBytes)
      }
      await leaving
      end = await atRest()
      marks.push(end)
    }
    const megabytes = (bytes: number) => bytes / 1_000_000
    return [
      {
        name: `heap and buffers at rest, a minute of ${people} people adds`,
        value: (end.heldBytes - begin.heldBytes) / minutes / 1_000,
        unit: 'kB',
        // A collection finds a few megabytes more or less.
        bound: 2_000,
        note: `${marks.map(({ heldBytes }) => megabytes(heldBytes).toFixed(1)).join(' → ')} MB; ${answers} answers in all`,
      },
      { name: 'resident at rest, before', value: megabytes(begin.residentBytes), unit: 'MB', note: partsBefore },
      { name: 'resident, the most', value: megabytes(most), unit: 'MB' },
      {
        name: 'resident at rest, after',
        value: megabytes(end.residentBytes),
        unit: 'MB',
        note: `${marks.map(({ residentBytes }) => Math.round(megabytes(residentBytes))).join(' → ')} MB; ${residentParts(server)}`,
      },
    ]
  } finally {
    clearInterval(forgetting)
    await server.close()
    await provider.close()
  }
}

/** A chat with an answer and two who watch it. */
async function visit(url: string, round: number): Promise<void> {
  const { id } = await post(`${url}/api/chats`, {})
  const { messageId } = await post(`${url}/api/chats/${id}/messages`, { content: 'go' })
  const sockets: WebSocket[] = [await watch(url, messageId, () => {}), await watch(url, id, () => {})]
  // Every third is stopped, every fourth loses its line and is back.
  await pause(300)
  if (round % 3 === 0) await post(`${url}/api/messages/${messageId}/stop`, {})
  if (round % 4 === 0) {
    sockets[0]!.terminate()
    sockets[0] = await watch(url, messageId, () => {})
  }
  while ((await status(url, messageId)) === 'streaming') await pause(200)
  if (round % 6 === 0) await post(`${url}/api/messages/${messageId}/continue`, {})
  while (!(await hasEnded(url, messageId))) await pause(200)
  for (const socket of sockets) socket.terminate()
  if (round % 2 === 0) await fetch(`${url}/api/chats/${id}`, { method: 'DELETE' })
}

async function status(url: string, messageId: string): Promise<string> {
  return ((await (await fetch(`${url}/api/messages/${messageId}`)).json()) as { status: string }).status
}

async function hasEnded(url: string, messageId: string): Promise<boolean> {
  return ['completed', 'stopped', 'failed', 'interrupted'].includes(await status(url, messageId))
}

/** What is the process's own, and what it maps of files: the program itself, libraries. */
function residentParts({ child }: BenchServer): string {
  if (process.platform !== 'linux') return ''
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8')
  const [own, files] = ['RssAnon', 'RssFile'].map((name) =>
    Math.round(Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1]) / 1_000),
  )
  return `${own} MB its own, ${files} MB of files`
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
