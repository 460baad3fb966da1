/** Filters on a real run: what they change, what they hold up, how they fail, and Stop while each is at work. */
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Filter, StreamFilter } from '../../server/extension/filter.ts'
import { defineTool } from '../../server/extension/tool.ts'
import type { ProviderEvent } from '../../server/provider/events.ts'
import type { Message } from '../../shared/schema.ts'
import { answer, Collector, type FakeOpenAI, type Script, type StartedRunnel } from '../../testing/index.ts'
import { closeAfterwards, startWithFake } from '../http/server.ts'

async function run(filters: Filter[], scripts: Script[] = [answer({ text: 'One two three.' })], settings: object = {}) {
  const { server, fake } = await startWithFake({ RUNNEL_MODEL: 'm', LOG_LEVEL: 'silent', filters, ...settings })
  fake.enqueue(...scripts)
  const { id } = (await server.call('POST', '/api/chats', {})).body
  const { status, body } = await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })
  const message = (body.error?.details?.message ?? body) as Message
  return { server, fake, status, message, text: textOf(message) }
}

const textOf = ({ output }: Message) => output.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('|')
const isText = (event: ProviderEvent) => event.type === 'delta' && event.field === 'text'
/** Edits the deltas of text; `null` drops one. */
const texts = (name: string, edit: (text: string) => string | null, isAsync = false): Filter => ({
  name,
  stream: () => {
    const filter: StreamFilter = (event) => {
      if (event.type !== 'delta' || event.field !== 'text') return event
      const text = edit(event.text)
      return text === null ? null : { ...event, text }
    }
    return isAsync
      ? async (event) => {
          await sleep(1)
          return await filter(event)
        }
      : filter
  },
})

test('an inlet changes what the model is asked, each what the one before made of it; sources and progress show', async () => {
  const inlet = (name: string, isAsync: boolean): Filter => ({
    name,
    inlet: (request, context) => {
      context.progress(`${name} looks`)
      context.addSource({ title: `Of ${name}` })
      const changed = {
        ...request,
        params: { ...request.params, seed: 7 },
        prompt: [...request.prompt, { role: 'user' as const, text: name }],
      }
      return isAsync ? sleep(1).then(() => changed) : changed
    },
  })
  const nothing: Filter = { name: 'nothing', inlet: () => {} }
  const { fake, message } = await run([inlet('a', false), nothing, inlet('b', true)])
  expect(fake.requests[0]!.body).toMatchObject({
    seed: 7,
    messages: [{ content: 'Q' }, { content: 'a' }, { content: 'b' }],
  })
  expect(message.output.map(({ type }) => type)).toEqual(['progress', 'source', 'source', 'text'])
  expect(message.output[0]).toMatchObject({ done: true, status: 'completed', text: 'b looks' })
})

test.each([
  ['sync', false],
  ['async', true],
])('stream filters work in their order: change, drop, replace (%s)', async (_how, isAsync) => {
  const { text, message } = await run([
    texts('loud', (text) => text.toUpperCase(), isAsync),
    texts('drop', (text) => (text === 'TWO ' ? null : text)),
    texts('replace', (text) => text.replace('THREE', 'drei'), isAsync),
  ])
  expect(text).toBe('ONE drei.')
  expect(message.status).toBe('completed')
})

test.each([
  ['sync', false],
  ['async', true],
])('a stream filter holds back, and gives several at once (%s)', async (_how, isAsync) => {
  const hold: Filter = {
    name: 'hold',
    stream: () => {
      const held: ProviderEvent[] = []
      const filter = (event: ProviderEvent) => {
        if (isText(event)) {
          held.push(event)
          return null
        }
        return event.type === 'block_end' ? [...held.splice(0).toReversed(), event] : event
      }
      return isAsync ? (event) => sleep(1).then(() => filter(event)) : filter
    },
  }
  const double: Filter = { name: 'double', stream: () => (event) => (isText(event) ? [event, event] : event) }
  expect((await run([hold, double])).text).toBe('three.three.two two One One ')
})

test('what a filter makes up stands in the message: blocks, calls, another end', async () => {
  const add = defineTool({ name: 'add', description: '', parameters: z.object({}), execute: () => 1 })
  let requests = 0
  const makeUp: Filter = {
    name: 'make up',
    stream: () => {
      const isFirst = requests++ === 0
      return (event) => {
        if (event.type !== 'finish') return event
        const call: ProviderEvent[] = [
          {
            type: 'block_start',
            key: 'mine',
            block: { type: 'tool_call', status: 'streaming', callId: 'mine', name: 'add', executor: 'client' },
          },
          { type: 'block_end', key: 'mine', status: 'pending' },
        ]
        return isFirst ? [...call, event] : [{ type: 'finish', reason: 'length' }]
      }
    },
  }
  const { fake, message } = await run([makeUp], [answer({ text: 'A.' }), answer({ text: 'B.' })], { tools: [add] })
  expect(message).toMatchObject({
    status: 'completed',
    finishReason: 'length',
    output: [
      { text: 'A.' },
      { callId: 'mine', output: '1', status: 'completed' },
      { type: 'progress' },
      { text: 'B.' },
    ],
  })
  expect(fake.requests).toHaveLength(2)
})

test('a filter that swallows the finish does not hold the run up', async () => {
  const swallow: Filter = {
    name: 'swallow',
    stream: () => (event) => (event.type === 'finish' || event.type === 'block_end' ? null : event),
  }
  const { message } = await run([swallow])
  expect(message).toMatchObject({
    status: 'completed',
    finishReason: 'stop',
    output: [{ text: 'One two three.', status: 'completed' }],
  })
})

test('tail and length say what a text has by now; what is shown can still be rewritten', async () => {
  const seen: [string, number][] = []
  const look: Filter = {
    name: 'look',
    stream: (context) => async (event) => {
      if (event.type !== 'delta') return event
      await context.message()
      seen.push([context.tail(event.key, 'text', 4), context.length(event.key, 'text')])
      const block = context.blockOf(event.key)!
      if (event.text === 'three.') context.replace(block, 'text', 0, 3, 'Eins')
      return event
    },
  }
  const { text } = await run([look])
  expect(seen).toEqual([
    ['', 0],
    ['One ', 4],
    ['two ', 8],
  ])
  expect(text).toBe('Eins two three.')
})

test('an async filter holds up its own message only', async () => {
  const gate = Promise.withResolvers<void>()
  const slow: Filter = {
    name: 'slow',
    stream: (context) => async (event) => {
      if (context.model === 'slow') await gate.promise
      return event
    },
  }
  const { server } = await run([slow])
  const held = await server.ask('Q', { model: 'slow' })
  const { id } = (await server.call('POST', '/api/chats', {})).body
  expect((await server.call('POST', `/api/chats/${id}/messages`, { content: 'Q', stream: false })).body.status).toBe(
    'completed',
  )
  expect((await server.call('GET', `/api/messages/${held.messageId}`)).body).toMatchObject({
    status: 'streaming',
    output: [],
  })
  gate.resolve()
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${held.messageId}`)).body.status, { timeout: 5_000 })
    .toBe('completed')
})

test('an outlet sees the whole answer, rewrites, annotates and adds; the next one sees that', async () => {
  const outlets: string[] = []
  const rewrite: Filter = {
    name: 'rewrite',
    outlet: (message, context) => {
      outlets.push(textOf(message))
      const { id } = message.output.find(({ type }) => type === 'text')!
      context.replace(id, 'text', 4, 3, '2')
      context.annotate(id, { type: 'note', start_index: 4, end_index: 5 })
      context.addSource({ title: 'Behind' })
    },
  }
  const look: Filter = {
    name: 'look',
    outlet: async (message) => {
      outlets.push(textOf(message))
    },
  }
  const { message } = await run([rewrite, look])
  expect(outlets).toEqual(['One two three.', 'One 2 three.'])
  expect(message).toMatchObject({
    status: 'completed',
    output: [
      { text: 'One 2 three.', annotations: [{ type: 'note' }] },
      { type: 'source', title: 'Behind' },
    ],
  })
})

/** A filter that does this once in its part, at the second delta of a text. */
function filterOf(
  part: 'inlet' | 'stream' | 'outlet',
  name: string,
  act: (context: Parameters<NonNullable<Filter['outlet']>>[1]) => unknown,
  rest: Partial<Filter> = {},
): Filter {
  if (part === 'inlet')
    return {
      name,
      ...rest,
      inlet: async (_request, context) => {
        await act(context)
      },
    }
  if (part === 'outlet')
    return {
      name,
      ...rest,
      outlet: async (_message, context) => {
        await act(context)
      },
    }
  return {
    name,
    ...rest,
    stream: (context) => {
      let deltas = 0
      return (event) => (isText(event) && ++deltas === 2 ? Promise.resolve(act(context)).then(() => event) : event)
    },
  }
}
const shown = { inlet: '', stream: 'One ', outlet: 'One two three.' }
const parts = ['inlet', 'stream', 'outlet'] as const

test.each(parts)('end() in %s: failed, content_filter, what is shown stays', async (part) => {
  const { status, message, text, fake } = await run([filterOf(part, 'strict', (context) => context.end('Not here.'))])
  expect(message).toMatchObject({
    status: 'failed',
    finishReason: 'content_filter',
    error: { code: 'content_filtered', message: 'Not here.', retryable: false },
  })
  expect(status).toBeGreaterThanOrEqual(400)
  expect(text).toBe(shown[part])
  expect(fake.requests).toHaveLength(part === 'inlet' ? 0 : 1)
  for (const block of message.output) expect(block.status).not.toBe('in_progress')
})

test('what a filter gives as the reason of an end is shown without keys, and not at any length', async () => {
  const key = 'sk-a-key-that-is-known'
  const { message } = await run(
    [{ name: 'strict', inlet: (_request, context) => context.end(`Refused by ${key}: ${'long '.repeat(5_000)}`) }],
    [],
    { OPENAI_API_KEY: key },
  )
  expect(message.error!.message).toMatch(/^Refused by .+: long long /)
  expect(message.error!.message).not.toContain(key)
  expect(message.error!.message).toHaveLength(10_000)
})

test('an async filter that calls end() and then rejects: the run ends as it said, and nothing is unhandled', async () => {
  const [goOn, rejected] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const late: Filter = {
    name: 'late',
    stream: (context) => async (event) => {
      if (!isText(event)) return event
      context.end('Not here.')
      await goOn.promise
      queueMicrotask(rejected.resolve)
      throw new Error('too late')
    },
  }
  // Vitest fails a run in which a rejection is unhandled.
  const { message, server } = await run([late])
  expect(message).toMatchObject({ status: 'failed', error: { code: 'content_filtered', message: 'Not here.' } })
  goOn.resolve()
  await rejected.promise
  expect((await server.call('GET', '/healthz')).status).toBe(200)
})

test.each(
  parts.flatMap((part) => [
    [
      part,
      'throws',
      () => {
        throw new Error('It is broken.')
      },
      /filter broken failed: It is broken\./,
    ] as const,
    [part, 'takes too long', () => new Promise(() => {}), /filter broken failed: it took longer than 30 ms/] as const,
  ]),
)('a filter that in its %s %s fails the run with its name, or is skipped', async (part, _how, act, words) => {
  const maxMs = { maxMs: 30 }
  const failed = await run([filterOf(part, 'broken', act, maxMs)])
  expect(failed.message).toMatchObject({
    status: 'failed',
    error: { code: 'filter_failed', message: expect.stringMatching(words) },
  })
  expect(failed.text).toBe(shown[part])
  const skipped = await run([
    filterOf(part, 'broken', act, { ...maxMs, onError: 'skip' }),
    texts('loud', (text) => text.toUpperCase()),
  ])
  expect(skipped.message).toMatchObject({ status: 'completed', finishReason: 'stop' })
  expect(skipped.text).toBe('ONE TWO THREE.')
})

test('a sync filter that throws is skipped for the rest of the run, the event that it broke on goes on', async () => {
  let calls = 0
  const broken: Filter = {
    name: 'broken',
    onError: 'skip',
    stream: () => (event) => {
      calls += 1
      if (isText(event)) throw new Error('No.')
      return event
    },
    outlet: () => {
      calls += 100
    },
  }
  const { text } = await run([broken])
  expect(text).toBe('One two three.')
  expect(calls).toBe(2)
  const { message } = await run([
    {
      name: 'broken',
      stream: () => {
        throw new Error('Not even begun.')
      },
    },
  ])
  expect(message.error).toMatchObject({ code: 'filter_failed', message: expect.stringContaining('Not even begun.') })
})

async function stopWhen(
  server: StartedRunnel,
  fake: FakeOpenAI,
  reached: Promise<AbortSignal>,
): Promise<{ messageId: string; viewer: Collector }> {
  const { messageId } = await server.ask('Q')
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())
  await viewer.follow(messageId)
  const signal = await reached
  expect((await server.call('POST', `/api/messages/${messageId}/stop`, {})).body.status).toBe('stopped')
  expect(signal.aborted).toBe(true)
  await viewer.toEnd(messageId)
  expect(fake.requests.length).toBeLessThanOrEqual(1)
  return { messageId, viewer }
}

test.each(parts)(
  'Stop while a filter is at work in its %s: stopped at once, what it still brings never shows',
  async (part) => {
    const reached = Promise.withResolvers<AbortSignal>()
    const late = Promise.withResolvers<void>()
    const deaf = filterOf(part, 'deaf', async (context) => {
      reached.resolve(context.signal)
      await late.promise
      context.append('late')
      context.addSource({ title: 'late' })
      context.progress('late')
      context.end('late')
    })
    const { server, fake } = await startWithFake({ filters: [deaf] })
    fake.enqueue(answer({ text: 'One two three.' }))
    const { messageId, viewer } = await stopWhen(server, fake, reached.promise)
    const message = (await server.call('GET', `/api/messages/${messageId}`)).body as Message
    expect(message).toMatchObject({ status: 'stopped' })
    expect(message.error).toBeUndefined()
    expect(textOf(message)).toBe(shown[part])
    late.resolve()
    // Nothing can be waited for: it is what must not come.
    await sleep(30)
    expect((await server.call('GET', `/api/messages/${messageId}`)).body).toEqual(message)
    expect(viewer.documents.get(messageId)!.json).toEqual(message)
  },
)

test.each(['append', 'output'] as const)('a tool that makes the message too large (%s) ends the run', async (how) => {
  const wordy = defineTool({
    name: 'wordy',
    description: '',
    parameters: z.object({}),
    execute: (_args, context) => {
      if (how === 'append') context.append('x'.repeat(200))
      return 'x'.repeat(200)
    },
  })
  const { fake, message } = await run([], [answer({ toolCalls: [{ id: 'c', name: 'wordy', arguments: '{}' }] })], {
    tools: [wordy],
    RUNNEL_MAX_MESSAGE_BYTES: 100,
  })
  expect(message).toMatchObject({
    status: 'failed',
    error: { code: 'message_too_large' },
    output: [{ status: 'cancelled' }, { type: 'progress' }],
  })
  expect(fake.requests).toHaveLength(1)
})
