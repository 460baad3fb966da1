/** A second door, all of it in a test's own code: who speaks another protocol is one file. */
import { once } from 'node:events'
import { request, type IncomingMessage } from 'node:http'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { MessageChange } from '../../shared/events.ts'
import type { Block } from '../../shared/schema.ts'
import { assemble } from '../../server/app/app.ts'
import { doorRoute } from '../../server/http/door/door-route.ts'
import type { AnswerEncoder } from '../../server/http/door/speech.ts'
import { table } from '../../server/http/routes.ts'
import { runRequestOf } from '../../server/http/run-requests.ts'
import { answer, httpError, startFakeOpenAI } from '../../testing/index.ts'
import { unlimited } from '../../testing/runnel.ts'
import { closeAfterwards } from './server.ts'

const line = (words: unknown) => (words === '' ? '' : `data: ${JSON.stringify(words)}\n\n`)
const allText = (blocks: readonly Block[]) => blocks.map((block) => (block.type === 'text' ? block.text : '')).join('')
const textOf = (change: MessageChange) =>
  change.type === 'delta' && change.field === 'text'
    ? change.insert
    : change.type === 'block'
      ? allText([change.block])
      : ''

/** The text, in the pieces in which it came. */
function telegraph(sent = 0): AnswerEncoder {
  const send = (text: string) => {
    sent += text.length
    return line(text)
  }
  return {
    begin: () => line({ begins: true }),
    difference: ({ output }) => send(allText(output).slice(sent)),
    changes: (changes) => send(changes.map(textOf).join('')),
    skip: () => {},
    end: (_message, reason) => line({ ends: reason }),
    failure: ({ code }) => line({ fails: code }),
  }
}

const door = doorRoute({
  path: '/v1/telegraph',
  summary: 'Text, in pieces',
  body: z.object({ question: z.string(), stream: z.boolean().default(true) }),
  whole: z.looseObject({}),
  asked: async ({ question, stream }, identity, places) => ({
    request: await runRequestOf({}, identity, places),
    question,
    stream,
  }),
  speech: () => ({
    encoder: () => telegraph(),
    whole: ({ output }, reason) => ({ said: allText(output), ends: reason }),
    refuse: (response, { code }) => void response.status(418).json({ fails: code }),
  }),
})

async function startTelegraph(settings: object = {}) {
  const fake = await startFakeOpenAI()
  closeAfterwards(() => fake.close())
  const runnel = assemble(
    {
      HOST: '127.0.0.1',
      PORT: 0,
      DATABASE_URL: 'memory:',
      LOG_LEVEL: 'error',
      RUNNEL_DRAIN_MS: 0,
      OPENAI_BASE_URL: fake.url,
      OPENAI_API_KEY: 'key',
      ...unlimited,
      ...settings,
    },
    [...table, door],
  )
  closeAfterwards(() => runnel.close())
  const { url } = await runnel.listen()
  /** Resolves with the head; its body stands still until it is read. */
  const ask = async (body: object = {}, headers: Record<string, string> = {}) => {
    const asking = request(`${url}/v1/telegraph`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
    })
    asking.end(JSON.stringify({ question: 'Hi', ...body }))
    const [response] = (await once(asking, 'response')) as [IncomingMessage]
    return response
  }
  return { fake, runnel, url, ask }
}

/** Everything that is said, and whether it ended as it should. */
async function heard(response: IncomingMessage): Promise<{ said: unknown[]; complete: boolean }> {
  let text = ''
  response.setEncoding('utf8').on('error', () => {})
  response.on('data', (part: string) => (text += part))
  await new Promise((closed) => response.once('close', closed))
  return {
    said: [...text.matchAll(/^data: (.*)$/gm)].map(([, words]) => JSON.parse(words!)),
    complete: response.complete,
  }
}

test('streams, and what it says is also a document', async () => {
  const { fake, url, ask } = await startTelegraph()
  const script = fake.manual()
  const asked = ask()
  await script.request
  script.send('One ')
  const response = await asked
  const listening = heard(response)
  script.send('two.')
  script.end('length')
  const { said, complete } = await listening
  expect(response.headers['content-type']).toContain('text/event-stream')
  expect([said[0], said.slice(1, -1).join(''), said.at(-1), complete]).toEqual([
    { begins: true },
    'One two.',
    { ends: 'length' },
    true,
  ])
  const message = await (await fetch(`${url}/api/messages/${response.headers['x-runnel-message-id']}`)).json()
  expect(message).toMatchObject({ status: 'completed', output: [{ type: 'text', text: 'One two.' }] })
})

test('answers in one piece where it is asked to', async () => {
  const { fake, ask } = await startTelegraph()
  fake.enqueue(answer({ text: 'All of it.' }), httpError(400, 'No.'))
  const whole = await ask({ stream: false })
  expect([whole.statusCode, JSON.parse((await whole.toArray()).join(''))]).toEqual([
    200,
    { said: 'All of it.', ends: 'stop' },
  ])
  const failed = await ask({ stream: false })
  expect([failed.statusCode, JSON.parse((await failed.toArray()).join(''))]).toEqual([
    418,
    { fails: 'provider_rejected' },
  ])
})

test('a failure is its status while nothing was said, and its last words else', async () => {
  const { fake, ask } = await startTelegraph()
  fake.enqueue(httpError(400, 'No.'), answer({ text: 'Half of', after: { chunks: 1, fault: { error: 'broken' } } }))
  const refused = await ask()
  expect([refused.statusCode, JSON.parse((await refused.toArray()).join(''))]).toEqual([
    418,
    { fails: 'provider_rejected' },
  ])
  const { said, complete } = await heard(await ask())
  expect([said, complete]).toEqual([[{ begins: true }, 'Half ', { fails: 'provider_error' }], false])
})

test('who comes late with the same key is told all of it, from the beginning', async () => {
  const { fake, ask } = await startTelegraph()
  const script = fake.manual()
  const headers = { 'idempotency-key': 'one' }
  const asked = ask({}, headers)
  await script.request
  script.send('It began ')
  const first = heard(await asked)
  const late = await ask({}, headers)
  const second = heard(late)
  script.send('before.')
  script.end()
  for (const { said } of [await first, await second])
    expect([said[0], said.slice(1, -1).join(''), said.at(-1)]).toEqual([
      { begins: true },
      'It began before.',
      { ends: 'stop' },
    ])
  expect(fake.requests).toHaveLength(1)
})

test('a slow reader has all of it in the end, in fewer pieces, and costs its mark', async () => {
  const { fake, runnel, ask } = await startTelegraph({ RUNNEL_VIEWER_HIGH_WATER_BYTES: 20_000 })
  const script = fake.manual()
  const asked = ask()
  await script.request
  script.send('Begin. ')
  const response = await asked
  const part = 'A slow wave runs ahead of the moon. '.repeat(3_000)
  const parts = 60
  const { loggedBytes } = runnel.stats()
  for (let i = 1; i <= parts; i++) {
    script.send(part)
    await expect
      .poll(() => runnel.stats().loggedBytes - loggedBytes, { interval: 5 })
      .toBeGreaterThanOrEqual(i * part.length)
    expect(runnel.stats().outboxBytes).toBeLessThan(20_000 + 3 * part.length)
  }
  const listening = heard(response)
  script.end()
  const { said } = await listening
  expect(said.slice(1, -1).join('') === `Begin. ${part.repeat(parts)}`).toBe(true)
  expect(said.length).toBeLessThan(parts)
})
