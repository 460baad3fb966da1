/** What a tool, a filter, an MCP server or a provider of one's own did, in one call. */
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { redaction, type Provider } from '../../server/index.ts'
import { defineFilter, defineTool, runFilter, runMcp, runProvider, runTool } from '../../testing/index.ts'

const town = z.object({ town: z.string() })

test('a tool: its output, what people saw, what the model was told, who asked', async () => {
  const weather = defineTool({
    name: 'weather',
    description: 'The weather of a town.',
    parameters: town,
    async execute({ town }, { user, progress, signal }) {
      progress('Asking the clouds')
      await new Promise((resolve) => setTimeout(resolve, 100))
      return signal.aborted ? '' : `${user.name}: sun in ${town}.`
    },
  })
  const run = await runTool(weather, { town: 'Kiel' }, { user: 'ben' })
  expect(run).toMatchObject({ status: 'completed', output: 'Ben: sun in Kiel.', told: 'Ben: sun in Kiel.' })
  expect(run.shown).toContainEqual({ status: 'running', progress: 'Asking the clouds' })
  expect(run.tookMs).toBeGreaterThan(50)
  expect(run.message.status).toBe('completed')
})

test('a tool: wrong arguments, what it throws, a yes with other arguments, a no', async () => {
  const [failing, asking] = [false, true].map((approval) =>
    defineTool({
      name: 'pay',
      description: 'Pays.',
      parameters: z.object({ amount: z.number() }),
      approval,
      execute({ amount }) {
        if (amount > 100) throw new Error('That is too much.')
        return `Paid ${amount}.`
      },
    }),
  )
  expect(await runTool(failing!, { amount: 'all' })).toMatchObject({
    status: 'failed',
    error: expect.stringMatching(/amount/),
  })
  expect(await runTool(failing!, '{"amount":')).toMatchObject({ status: 'failed' })
  expect(await runTool(failing!, { amount: 200 })).toMatchObject({
    status: 'failed',
    error: expect.stringContaining('too much'),
  })
  expect(await runTool(asking!, { amount: 5 })).toMatchObject({ status: 'completed', output: 'Paid 5.' })
  const changed = { decide: { approve: true, arguments: { amount: 1 } } }
  expect(await runTool(asking!, { amount: 5 }, changed)).toMatchObject({ status: 'completed', output: 'Paid 1.' })
  const denied = await runTool(asking!, { amount: 5 }, { decide: { approve: false, reason: 'Not today.' } })
  expect(denied).toMatchObject({ status: 'denied', told: expect.stringContaining('Not today.') })
})

test('a tool that is stopped hears it, and the model is not asked again', async () => {
  let heard = false
  const endless = defineTool({
    name: 'endless',
    description: 'Never comes back.',
    parameters: z.object({}),
    execute: (_args, { signal }) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          heard = true
          reject(new Error('stopped'))
        })
      }),
  })
  const run = await runTool(endless, {}, { stopAfterMs: 50 })
  expect(run).toMatchObject({ status: 'cancelled', told: null, message: { status: 'stopped' } })
  expect(heard).toBe(true)
})

test('a filter: cut at every place it makes one text, and shows nothing that it should not', async () => {
  const filter = redaction({ patterns: [{ pattern: /secret-\d+/, replacement: '[redacted]' }] })
  const run = await runFilter(filter, 'The key is secret-1234, keep it.', { cuts: 'every' })
  expect(run.text).toBe('The key is [redacted], keep it.')
  expect(run.played).toBe(32)
  expect(run.shown.some((text) => text.includes('secret-1'))).toBe(false)
  expect(run.request).toMatchObject({ model: expect.any(String) })
})

test('a filter that depends on how its text is cut is found', async () => {
  const naive = defineFilter({
    name: 'naive',
    stream: () => (event) => (event.type === 'delta' ? { ...event, text: event.text.replaceAll('bad', '***') } : event),
  })
  expect((await runFilter(naive, 'so bad')).text).toBe('so ***')
  await expect(runFilter(naive, 'so bad', { cuts: 'every' })).rejects.toThrow(
    /naive makes another text .*\["so b","ad"\]/,
  )
})

test('an MCP server: a tool by its own name, and the names that there are', async () => {
  const notes = {
    name: 'notes',
    command: process.execPath,
    args: [fileURLToPath(new URL('../../examples/tools/notes-server.ts', import.meta.url))],
  }
  const run = await runMcp(notes, 'add', { note: 'Feed the cat' })
  expect(run).toMatchObject({ status: 'completed', output: 'There are 3 notes now.', told: 'There are 3 notes now.' })
  await expect(runMcp(notes, 'none')).rejects.toThrow('The MCP server notes has no tool none. It has: list, add.')
})

test('a provider: its events with their times, and the rules that it breaks', async () => {
  const good: Provider = async function* () {
    yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
    yield { type: 'delta', key: 't', field: 'text', text: 'Hello' }
    yield { type: 'block_end', key: 't', status: 'completed' }
    yield { type: 'finish', reason: 'stop' }
  }
  const prompt = [{ role: 'user' as const, text: 'Hi' }]
  expect(await runProvider(good, { prompt })).toMatchObject({ text: 'Hello', finish: 'stop', error: null, broken: [] })
  const odd: Provider = async function* () {
    yield { type: 'delta', key: 't', field: 'text', text: 'Hello' }
    yield { type: 'block_start', key: 'u', block: { type: 'text', status: 'in_progress' } }
    yield { type: 'finish', reason: 'stop' }
    yield { type: 'block_start', key: 'u', block: { type: 'text', status: 'in_progress' } }
  }
  const { broken } = await runProvider(odd, { prompt })
  expect(broken).toEqual([
    'delta of the block t, which is not open.',
    'block_start comes behind finish.',
    'The block u begins twice.',
    'The block u has not ended before finish.',
  ])
  const endless: Provider = async function* (_request, signal) {
    yield { type: 'waiting', words: 'Wait.' }
    await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason))
    })
  }
  expect(await runProvider(endless, { prompt }, { stopAfterMs: 20 })).toMatchObject({
    finish: null,
    error: { name: 'AbortError' },
  })
})
