/** Tools of an MCP server in the runs of a real server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { mcpServer, type McpServerOptions } from '../../server/extension/mcp.ts'
import type { Message, ToolCallBlock } from '../../shared/schema.ts'
import { answer, Collector, type Collected, type Script } from '../../testing/index.ts'
import { call } from '../extension/mcp-context.ts'
import { closeAfterwards, startWithFake } from '../http/server.ts'
import { watchLoopLag } from './loop-lag.ts'

const recorderFile = fileURLToPath(new URL('../extension/mcp-recorder.ts', import.meta.url))

const calls = (...list: [name: string, args?: object][]): Script =>
  answer({
    toolCalls: list.map(([name, args = {}], index) => ({
      id: `call_${index + 1}`,
      name,
      arguments: JSON.stringify(args),
    })),
  })

const callsOf = (message: Message) => message.output.filter((block) => block.type === 'tool_call') as ToolCallBlock[]

async function world(options: McpServerOptions = {}) {
  const tools = mcpServer({ name: 'rec', command: process.execPath, args: [recorderFile] }, options)
  const { server, fake } = await startWithFake({ tools: [tools] })
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())

  /** Asks, with the model's answers to come, and follows. */
  async function ask(...scripts: Script[]): Promise<{ seen: Collected; path: string }> {
    fake.enqueue(...scripts)
    const { messageId } = await server.ask('Hello')
    const [seen] = await viewer.follow(messageId)
    return { seen: seen!, path: `/api/messages/${messageId}` }
  }
  const showing = (seen: Collected, words: string) =>
    viewer.until(() => callsOf(seen.message)[0]?.progress === words, words)
  const finished = async (seen: Collected) => (await viewer.toEnd(seen.id)).message
  /** Asked beside the runs, over their connection. */
  const report = async () => JSON.parse(await call(tools, 'rec_report')) as { cancelled: number[]; pid: number }
  return { server, fake, viewer, ask, showing, finished, report }
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a run offers its tools to the model and calls them', async () => {
  const { fake, ask, finished } = await world()
  const message = await finished(
    (
      await ask(
        calls(['rec_say', { words: 'hello' }], ['rec_say', { words: 7 }], ['rec_fail']),
        answer({ text: 'So it is.' }),
      )
    ).seen,
  )
  const offered = fake.requests[0]!.body.tools as { function: { name: string } }[]
  expect(offered.map((tool) => tool.function.name)).toEqual(expect.arrayContaining(['rec_say', 'rec_report']))
  expect(callsOf(message)).toMatchObject([
    { status: 'completed', executor: 'server', output: 'hello' },
    { status: 'failed', error: expect.stringContaining('data/words must be string') },
    { status: 'failed', error: 'The disk is full.' },
  ])
  expect(fake.requests[1]!.body.messages!.filter(({ role }) => role === 'tool').map(({ content }) => content)).toEqual(
    callsOf(message).map(({ output, error }) => output ?? error),
  )
  expect(message).toMatchObject({
    status: 'completed',
    output: expect.arrayContaining([expect.objectContaining({ type: 'text', text: 'So it is.' })]),
  })
})

test('Stop reaches the MCP server within 100 ms; what it still says shows nowhere', async () => {
  const { server, fake, ask, showing, finished, report } = await world()
  const { seen, path } = await ask(calls(['rec_wait']))
  await showing(seen, 'waiting')
  expect(seen.message.status).toBe('waiting')
  const lag = watchLoopLag()
  const at = Date.now()
  expect((await server.call('POST', `${path}/stop`)).body.status).toBe('stopped')
  await expect.poll(async () => (await report()).cancelled, { interval: 5 }).toHaveLength(1)
  expect((await report()).cancelled[0]! - at - lag.stop()).toBeLessThan(100)
  const message = await finished(seen)
  expect(message.status).toBe('stopped')
  expect(callsOf(message)).toMatchObject([{ status: 'cancelled', progress: 'waiting' }])
  await sleep(600)
  expect(seen.message).toEqual(message)
  expect((await server.call('GET', path)).body).toEqual(message)
  expect(fake.requests).toHaveLength(1)
})

test('a server that dies fails the call that it had; the run goes on, and its next call starts the server again', async () => {
  const { ask, finished, report } = await world()
  const before = await report()
  const message = await finished(
    (await ask(calls(['rec_crash']), calls(['rec_say', { words: 'again' }]), answer({ text: 'Well.' }))).seen,
  )
  expect(message.status).toBe('completed')
  expect(callsOf(message)).toMatchObject([
    { status: 'failed', error: expect.stringContaining('The MCP server rec is gone') },
    { status: 'completed', output: 'again' },
  ])
  expect(isRunning(before.pid)).toBe(false)
  expect((await report()).pid).not.toBe(before.pid)
})

test('a call waits for its approval where the option says so', async () => {
  const { server, viewer, ask, finished } = await world({ approval: (tool) => tool === 'say' })
  const { seen, path } = await ask(
    calls(['rec_say', { words: 'yes' }], ['rec_report'], ['rec_say', { words: 'no' }]),
    answer({ text: 'Done.' }),
  )
  await viewer.until(
    () =>
      callsOf(seen.message)
        .map(({ status }) => status)
        .join() === 'awaiting_approval,completed,awaiting_approval',
    'the questions',
  )
  expect((await server.call('POST', `${path}/tool-calls/call_3`, { decision: 'deny' })).status).toBe(200)
  expect((await server.call('POST', `${path}/tool-calls/call_1`, { decision: 'approve' })).status).toBe(200)
  const message = await finished(seen)
  expect(message.status).toBe('completed')
  expect(callsOf(message)).toMatchObject([
    { status: 'completed', output: 'yes' },
    { status: 'completed' },
    { status: 'denied' },
  ])
  expect(callsOf(message)[2]!.output).toBeUndefined()
})

test('the end of the server is the end of the MCP server, with a call under way, too', async () => {
  const { server, ask, showing, report } = await world()
  const { seen } = await ask(calls(['rec_wait']))
  await showing(seen, 'waiting')
  const { pid } = await report()
  expect(isRunning(pid)).toBe(true)
  await server.close()
  expect(isRunning(pid)).toBe(false)
})
