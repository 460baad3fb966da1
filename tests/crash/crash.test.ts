/** P1: whatever anybody saw is there after `kill -9` at any moment, once, and the message says `interrupted`. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import type { Chat, ChatEntry, Message } from '../../shared/schema.ts'
import { Collected, Collector } from '../../testing/index.ts'
import { asker } from './asker.ts'
import { expected, transcript } from './script.ts'
import { Victim, type DeathInSql } from './victim.ts'

const { kills, token } = asker
const viewerOptions = token === undefined ? {} : { token }
const headers: Record<string, string> = token === undefined ? {} : { authorization: `Bearer ${token}` }
const seed = Number(process.env.RUNNEL_TEST_SEED ?? Date.now() % 1_000_000)
const random = mulberry32(seed)
const folder = mkdtempSync(join(tmpdir(), 'runnel-crash-'))
const path = join(folder, 'runnel.db')
let victim: Victim
/** Loaded while the one before it lives: a restart then costs little. */
let next = new Victim()
afterAll(async () => {
  await Promise.all([victim?.kill(), next.kill()])
  rmSync(folder, { recursive: true, force: true })
})

/** One answer, and the most that anybody has seen of it. */
interface Asked {
  question: string
  chatId: string
  messageId: string
  seenLength: number
  /** Somebody saw it in another status than `queued`. */
  seenBegun: boolean
  collected: Collected
  /** As its first recovery gave it: no later one may change it. */
  recovered: Message | null
}

test(
  `keeps what was shown through ${kills} kills (RUNNEL_TEST_SEED=${seed})`,
  { timeout: 60_000 + kills * 3_000 },
  async () => {
    const all: Asked[] = []
    let questions = 0
    let live: Asked[] = []
    const deaths = { byTimer: 0, inSql: 0, inRecovery: 0 }
    restart()

    for (let kill = 0; kill < kills; kill++) {
      const url = await victim.url
      const checked = url !== null && (await unlessDead(() => checkRecovered(url, all, live)))
      live = live.filter((asked) => asked.recovered === null)
      if (!checked) {
        // It died a second time, while or right after it was recovered.
        deaths.inRecovery += 1
        await victim.kill()
        restart()
        continue
      }

      const controller = new AbortController()
      const readers: Promise<void>[] = []
      const viewer = new Collector(url, viewerOptions)
      const alive = await unlessDead(async () => {
        for (const asked of live) viewer.adopt(asked.collected)
        await viewer.follow(...live.map((asked) => asked.messageId))
        while (live.length < 4) {
          const asked = await ask(url, `q${questions++}`)
          all.push(asked)
          live.push(asked)
          viewer.adopt(asked.collected)
          await viewer.follow(asked.messageId)
          readers.push(readOverHttp(url, asked, controller.signal))
        }
        await sleep(victim.death ? 1_000 : kill % 10 === 9 ? 800 : 20 + random() * 200)
      })
      deaths[alive ? 'byTimer' : 'inSql'] += 1
      await victim.kill()
      controller.abort()
      await Promise.all(readers)
      await viewer.until(() => viewer.closed !== null, 'the end of the socket')
      for (const asked of live) {
        const text = transcript(asked.collected.message)
        expect(text, `what a viewer of ${asked.messageId} saw`).toBe(expected(asked.question, text.length))
        noteSeen(asked, asked.collected.message)
      }

      const last = kill === kills - 1
      restart(last ? undefined : nextDeath())
      if (!last && random() < 0.15) {
        await sleep(random() * 250)
        await victim.kill()
      }
    }

    const url = (await victim.url)!
    await checkRecovered(url, all, live)
    // With matching checkpoints, and no reset, from the copies that the viewers kept.
    const viewer = new Collector(url, viewerOptions)
    const ended = all.filter((asked) => asked.recovered)
    for (const asked of ended) viewer.adopt(asked.collected)
    for (const asked of ended) asked.collected.checkpoints.length = 0
    await viewer.follow(...ended.map((asked) => asked.messageId))
    await viewer.until(() => ended.every(({ collected }) => collected.ended), 'the checkpoints of all', 30_000)
    for (const { collected, recovered } of ended) {
      expect(collected.subscribed!.reset).toBe(false)
      expect(collected.checkpoints.at(-1)!.matches).toBe(true)
      expect(collected.json).toEqual(recovered)
    }
    await viewer.close()
    console.log(
      `crash: ${JSON.stringify(deaths)}, ${ended.length} answers, ${ended.filter((asked) => asked.seenLength > 64_000).length} of them compacted`,
    )
    expect(ended.length).toBeGreaterThan(kills / 2)
  },
)

/** False if the victim dies meanwhile: its death cuts off whatever was asked of it. */
async function unlessDead(work: () => Promise<void>): Promise<boolean> {
  const done = work().then(
    () => true,
    async (error: unknown) => {
      // A broken connection is seen before the end of its process; an assertion is none.
      if (error instanceof Error && error.name !== 'AssertionError') await Promise.race([victim.exited, sleep(1_000)])
      if (victim.dead && (error as Error).name !== 'AssertionError') return false
      throw error
    },
  )
  return await Promise.race([done, victim.exited.then(() => false)])
}

function restart(death?: DeathInSql): void {
  victim = next.start(path, death)
  next = new Victim()
}

/** Some victims die at a seeded moment of a write, of a compaction above all, the others by a timer. */
function nextDeath(): DeathInSql | undefined {
  const moment = random() < 0.5 ? 'before' : 'after'
  const dice = random()
  const inRecovery = ['COMMIT', 'INSERT INTO states', 'DELETE FROM updates']
  const inCompaction = ['INSERT INTO states', 'UPDATE documents SET compacted_seq']
  const pick = (statements: string[]) => statements[Math.floor(random() * statements.length)]!
  if (dice < 0.12) return { phase: 'recovery', sql: pick(inRecovery), moment, count: 1 + Math.floor(random() * 6) }
  if (dice < 0.4) return { phase: 'running', sql: pick(inCompaction), moment, count: 1 + Math.floor(random() * 4) }
  if (dice < 0.6) return { phase: 'running', sql: 'COMMIT', moment, count: 1 + Math.floor(random() * 100) }
  return undefined
}

async function get(url: string, route: string): Promise<any> {
  const response = await fetch(url + route, { headers })
  expect(response.status, route).toBe(200)
  return await response.json()
}

async function post(url: string, route: string, body: object): Promise<any> {
  const response = await fetch(url + route, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  const answer = await response.json()
  expect(response.ok, JSON.stringify(answer)).toBe(true)
  return answer
}

async function ask(url: string, question: string): Promise<Asked> {
  const chat = await post(url, '/api/chats', { title: question })
  const { messageId } = await post(url, `/api/chats/${chat.id}/messages`, { content: question })
  return {
    question,
    chatId: chat.id,
    messageId,
    seenLength: 0,
    seenBegun: false,
    collected: new Collected(messageId),
    recovered: null,
  }
}

/** Reads the message mid-stream, again and again, until the server is gone. */
async function readOverHttp(url: string, asked: Asked, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    let message: Message
    try {
      const response = await fetch(`${url}/api/messages/${asked.messageId}`, { headers, signal })
      message = (await response.json()) as Message
    } catch {
      return
    }
    noteSeen(asked, message)
    await sleep(20)
  }
}

function noteSeen(asked: Asked, message: Message): void {
  asked.seenLength = Math.max(asked.seenLength, transcript(message).length)
  if (message.status !== undefined && message.status !== 'queued') asked.seenBegun = true
}

/** What the promise says of every answer that a dead server leaves. */
async function checkRecovered(url: string, all: readonly Asked[], live: readonly Asked[]): Promise<void> {
  const tasks: { messageId: string; status: string }[] = (await get(url, '/api/tasks')).items
  for (const asked of live) {
    const message: Message = await get(url, `/api/messages/${asked.messageId}`)
    const text = transcript(message)
    expect(text, 'each character once, in order').toBe(expected(asked.question, text.length))
    expect(text.length).toBeGreaterThanOrEqual(asked.seenLength)
    if (tasks.some((task) => task.messageId === asked.messageId)) {
      expect(asked.seenBegun, 'only what nobody saw begun is queued again').toBe(false)
      continue
    }
    expect(message).toMatchObject({
      status: 'interrupted',
      endedAt: expect.any(Number),
      error: { code: 'interrupted', retryable: true },
    })
    for (const block of message.output)
      expect(['completed', 'incomplete', 'cancelled', 'pending']).toContain(block.status)
    asked.recovered = message
  }
  // No task that nobody knows: one was perhaps asked for by a call that its server's death cut off.
  for (const { status } of tasks) expect(['queued', 'preparing', 'streaming']).toContain(status)
  const ended = live.filter((asked) => asked.recovered)
  await checkChats(url, ended)
  // A later crash changes nothing of what an earlier one left.
  for (const asked of all.filter((asked) => asked.recovered).slice(-8)) {
    expect(await get(url, `/api/messages/${asked.messageId}`)).toEqual(asked.recovered)
  }
}

/** Chat document and history say the same, for a viewer that knows nothing yet. */
async function checkChats(url: string, ended: readonly Asked[]): Promise<void> {
  if (ended.length === 0) return
  const viewer = new Collector(url, viewerOptions)
  const chats = await viewer.follow(...ended.map((asked) => asked.chatId))
  for (const [index, asked] of ended.entries()) {
    const history: Message[] = (await get(url, `/api/chats/${asked.chatId}/messages`)).items
    const chat = chats[index]!
    await viewer.until(() => chat.updates > 0 || viewer.closed !== null, 'the chat')
    if (viewer.closed) throw new Error('The server is gone.')
    expect((chat.json as Chat).messages).toEqual(Object.fromEntries(history.map(entry)))
    expect(history.find(({ id }) => id === asked.messageId)).toEqual(asked.recovered)
  }
  await viewer.close()
}

/** A message of the history, as its chat lists it. */
function entry({ id, role, parentId, createdAt, status, model, by, output }: Message): [string, ChatEntry] {
  const text = output.map((block) => (block.type === 'text' ? block.text : '')).join('')
  return [id, { role, parentId, createdAt, status, ...(role === 'user' ? { text, by: by! } : { model: model! }) }]
}

function mulberry32(state: number): () => number {
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
