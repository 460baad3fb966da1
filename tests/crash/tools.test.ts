/** `kill -9` while tools run, while a call waits, while an answer is about to go on: nothing is lost, doubled or run again. */
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { isTerminal, type Message, type ToolCallBlock } from '../../shared/schema.ts'
import { Collector } from '../../testing/index.ts'
import { seededRandom } from '../../testing/openai/index.ts'

const childFile = fileURLToPath(new URL('./tool-child.ts', import.meta.url))

class Child {
  readonly process: ChildProcess
  url = ''

  private constructor(args: string[]) {
    this.process = spawn(process.execPath, [childFile, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  }

  static async start(...args: string[]): Promise<Child> {
    const child = new Child(args)
    const [line] = await once(createInterface({ input: child.process.stdout! }), 'line')
    child.url = line as string
    return child
  }

  async kill(): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return
    this.process.kill('SIGKILL')
    await once(this.process, 'exit')
  }

  async call(method: string, path: string, body?: object): Promise<{ status: number; body: any }> {
    const response = await fetch(this.url + path, {
      method,
      ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    })
    return { status: response.status, body: await response.json() }
  }

  async ask(content: string): Promise<string> {
    const { id } = (await this.call('POST', '/api/chats', {})).body
    return (await this.call('POST', `/api/chats/${id}/messages`, { content })).body.messageId
  }

  async read(id: string): Promise<Message> {
    return (await this.call('GET', `/api/messages/${id}`)).body
  }

  async until(id: string, condition: (message: Message) => boolean): Promise<Message> {
    await expect.poll(async () => condition(await this.read(id)), { timeout: 10_000, interval: 5 }).toBe(true)
    return await this.read(id)
  }
}

/** A world whose server is killed and started again. */
function world() {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-tool-crash-'))
  let child: Child | undefined
  onTestFinished(async () => {
    await child?.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    start: async (...args: string[]) => {
      await child?.kill()
      return (child = await Child.start(folder, ...args))
    },
    /** The calls that ran, one entry for each time. */
    runs: () => (existsSync(join(folder, 'runs')) ? readFileSync(join(folder, 'runs'), 'utf8').trim().split('\n') : []),
  }
}

const callsOf = (message: Message) => message.output.filter((block) => block.type === 'tool_call') as ToolCallBlock[]
const textOf = (message: Message) => message.output.map((block) => (block.type === 'text' ? block.text : '')).join('')
const wordsOf = (rounds: number) =>
  Array.from({ length: rounds * 10 }, (_, i) => `${Math.floor(i / 10)}.${i % 10} `).join('')
const ended = ({ status }: Message) => isTerminal(status)

test(
  'while a tool runs: its call has failed with an unknown outcome and is not run again; continue goes on behind it',
  { timeout: 30_000 },
  async () => {
    const { start, runs } = world()
    let server = await start()
    const id = await server.ask('hang')
    await server.until(id, (message) => callsOf(message)[0]?.output === 'begun')
    server = await start()
    const message = await server.read(id)
    expect(message).toMatchObject({ status: 'interrupted', error: { code: 'interrupted', retryable: true } })
    expect(callsOf(message)).toMatchObject([
      { status: 'failed', output: 'begun', error: expect.stringContaining('outcome unknown') },
    ])
    for (const block of message.output) if (block.type === 'progress') expect(block.done).toBe(true)
    expect((await server.call('POST', `/api/messages/${id}/continue`, {})).status).toBe(202)
    const end = await server.until(id, ({ status }) => status === 'completed')
    expect(textOf(end)).toBe(wordsOf(2))
    expect(callsOf(end)).toEqual(callsOf(message))
    expect(runs()).toEqual([callsOf(message)[0]!.callId])
  },
)

test(
  'while a call waits for a yes: it waits on, as often as it takes, and goes on with the yes',
  { timeout: 30_000 },
  async () => {
    const { start, runs } = world()
    let server = await start()
    const id = await server.ask('pay')
    const waits = (message: Message) =>
      message.status === 'waiting' && callsOf(message)[0]?.status === 'awaiting_approval'
    const before = await server.until(id, waits)
    for (let kill = 0; kill < 2; kill++) {
      server = await start()
      const after = await server.read(id)
      expect(waits(after)).toBe(true)
      expect(textOf(after)).toBe(textOf(before))
      expect(after.taskId).toBe(before.taskId)
    }
    expect(runs()).toEqual([])
    const [{ callId }] = callsOf(before) as [ToolCallBlock]
    expect(
      (await server.call('POST', `/api/messages/${id}/tool-calls/${callId}`, { decision: 'approve' })).status,
    ).toBe(200)
    const end = await server.until(id, ended)
    expect(end).toMatchObject({ status: 'completed' })
    expect(callsOf(end)).toMatchObject([{ status: 'completed', output: 'paid' }])
    expect(textOf(end)).toBe(wordsOf(2))
    expect(runs()).toEqual([callId])
  },
)

test('at the first word of a tool: nobody is told that it did not run', { timeout: 30_000 }, async () => {
  const { start, runs } = world()
  let server = await start()
  const id = await server.ask('fall')
  await once(server.process, 'exit')
  server = await start()
  const [call] = callsOf(await server.until(id, ended))
  expect(call).toMatchObject({ status: 'failed', error: expect.stringContaining('outcome unknown') })
  expect(runs()).toEqual([call!.callId])
})

test(
  'while one call runs and one waits: the run does not wait on, the one has failed and the other is cancelled',
  { timeout: 30_000 },
  async () => {
    const { start, runs } = world()
    let server = await start()
    const id = await server.ask('hang and pay')
    const [, { callId }] = callsOf(
      await server.until(
        id,
        (message) => callsOf(message)[0]?.output === 'begun' && callsOf(message)[1]?.status === 'awaiting_approval',
      ),
    ) as [ToolCallBlock, ToolCallBlock]
    server = await start()
    const message = await server.read(id)
    expect(message.status).toBe('interrupted')
    expect(callsOf(message)).toMatchObject([
      { status: 'failed', error: expect.stringContaining('outcome unknown') },
      { status: 'cancelled' },
    ])
    expect(
      (await server.call('POST', `/api/messages/${id}/tool-calls/${callId}`, { decision: 'approve' })).status,
    ).toBe(409)
    expect(runs()).toHaveLength(1)
  },
)

test.each([0, 60])(
  '%i ms after the answer to a continue, before its first token: it can be continued again',
  { timeout: 30_000 },
  async (waitMs) => {
    const { start } = world()
    let server = await start()
    const id = await server.ask('pause')
    await server.until(id, (message) => textOf(message).endsWith('0.4 '))
    server = await start('silent')
    const before = await server.read(id)
    expect(before.status).toBe('interrupted')
    expect((await server.call('POST', `/api/messages/${id}/continue`, {})).status).toBe(202)
    await sleep(waitMs)
    server = await start()
    // A run that nobody saw begin is queued again, and ends by itself.
    let message = await server.until(id, ended)
    expect(message.status).toMatch(/interrupted|completed/)
    expect(textOf(message).startsWith(textOf(before))).toBe(true)
    if (message.status === 'interrupted') {
      expect(message.output.length).toBe(before.output.length)
      await server.call('POST', `/api/messages/${id}/continue`, {})
      message = await server.until(id, ({ status }) => status === 'completed')
    }
    expect(textOf(message)).toBe(wordsOf(1))
  },
)

const seed = Number(process.env.RUNNEL_TEST_SEED ?? Date.now() % 1_000_000)
const kills = Number(process.env.RUNNEL_TEST_KILLS ?? 4)

test(
  `at any moment of two rounds: what was seen stays, no call runs twice, continue reaches the end (RUNNEL_TEST_SEED=${seed})`,
  { timeout: 60_000 + kills * 3_000 },
  async () => {
    const { start, runs } = world()
    const random = seededRandom(seed)
    let server = await start()
    const statuses: string[] = []
    for (let kill = 0; kill < kills; kill++) {
      const id = await server.ask('rounds')
      const viewer = new Collector(server.url)
      const [copy] = await viewer.follow(id)
      await sleep(random() * 220)
      await server.kill()
      await viewer.until(() => viewer.closed !== null, 'the end of the socket')
      const seen = copy!.updates > 0 ? copy!.message : undefined
      server = await start()
      let message = await server.read(id)
      if (seen && seen.status !== 'queued')
        expect(ended(message) || seen.status === undefined, message.status).toBe(true)
      if (seen?.output.length) {
        expect(textOf(message).startsWith(textOf(seen))).toBe(true)
        for (const call of callsOf(seen)) {
          const kept = callsOf(message).find(({ callId }) => callId === call.callId)!
          expect(kept.output ?? '').toMatch(new RegExp(`^${call.output ?? ''}`))
          if (call.status === 'running') expect(kept.status).toMatch(/failed|completed/)
        }
      }
      // One that had not begun begins by itself.
      message = await server.until(id, ended)
      statuses.push(message.status)
      if (message.status === 'interrupted') {
        for (const { status } of message.output) expect(status).toMatch(/completed|incomplete|cancelled|failed/)
        expect((await server.call('POST', `/api/messages/${id}/continue`, {})).status).toBe(202)
        message = await server.until(id, ({ status }) => status === 'completed')
      }
      expect(textOf(message)).toBe(wordsOf(3))
    }
    expect(new Set(runs()).size).toBe(runs().length)
    console.log(`kills of two rounds: ${statuses.join(', ')}`)
  },
)
