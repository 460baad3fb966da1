/** Recorded provider streams through the door: what the SDK joins is what the message holds. */
import type OpenAI from 'openai'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { recorded, startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { ownStreamsRoot, readCorpus, recordedStreamsRoot, type CorpusStream } from '../helpers/corpus.ts'
import { doorClient, user } from './door-client.ts'

const streams = readCorpus(recordedStreamsRoot() ?? ownStreamsRoot())
const roads = new Map<CorpusStream['api'], { fake: FakeOpenAI; server: StartedRunnel; client: OpenAI }>()

beforeAll(async () => {
  for (const api of ['chat', 'responses'] as const) {
    const fake = await startFakeOpenAI()
    const server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url, RUNNEL_OPENAI_API: api })
    roads.set(api, { fake, server, client: doorClient(server.url) })
  }
})

afterAll(async () => {
  for (const { fake, server } of roads.values()) {
    await server.close()
    await fake.close()
  }
})

interface Told {
  content: string
  reasoning: string
  refusal: string
  calls: { id: string; name: string; arguments: string }[]
}

function toldOf({ output }: Message): Told {
  const joined = (type: string) =>
    output.map((block) => (block.type === type ? (block as { text: string }).text : '')).join('')
  return {
    content: joined('text'),
    reasoning: joined('reasoning'),
    refusal: joined('refusal'),
    calls: output
      .filter((block) => block.type === 'tool_call' && block.executor === 'client')
      .map((block: any) => ({ id: block.callId, name: block.name, arguments: block.arguments })),
  }
}

test.each(streams.map((stream) => [stream.name, stream] as const))('%s', async (_name, { api, sse, reads }) => {
  const { fake, server, client } = roads.get(api)!
  const play = () => fake.enqueue(recorded(sse, reads ?? { seed: 7, maxBytes: 2_000 }))
  play()
  const told: Told = { content: '', reasoning: '', refusal: '', calls: [] }
  const reasons: string[] = []
  let failure: any = null
  let headers: Headers | undefined
  try {
    const { data, response } = await client.chat.completions
      .create({ model: 'm', messages: user('Play.'), stream: true })
      .withResponse()
    headers = response.headers
    for await (const { choices } of data) {
      const { delta, finish_reason: reason } = choices[0]!
      if (reason) reasons.push(reason)
      told.content += delta.content ?? ''
      told.reasoning += (delta as { reasoning_content?: string }).reasoning_content ?? ''
      told.refusal += delta.refusal ?? ''
      for (const { index, id, function: called } of delta.tool_calls ?? []) {
        const call = (told.calls[index] ??= { id: '', name: '', arguments: '' })
        Object.assign(call, {
          ...(id !== undefined && { id }),
          ...(called?.name !== undefined && { name: called.name }),
        })
        call.arguments += called?.arguments ?? ''
      }
    }
  } catch (error) {
    failure = error
    headers ??= failure.headers
  }
  const message = (await server.call('GET', `/api/messages/${headers!.get('x-runnel-message-id')}`)).body as Message
  const isWhole = message.status === 'completed'
  const code = message.error?.upstream?.code ?? message.error?.code
  expect(failure?.code ?? null).toBe(isWhole ? null : code)
  if (isWhole || failure.status === undefined) expect(told).toEqual(toldOf(message))
  expect(reasons.length).toBe(isWhole ? 1 : 0)

  play()
  const { content, ...rest } = await client.chat.completions.create({ model: 'm', messages: user('Play.') }).then(
    ({ choices }) => choices[0]!.message as any,
    (error: any) => ({ code: error.code }),
  )
  if (!isWhole) return expect(rest.code).toBe(code)
  // Where a stream gives a call no id, each answer has its own.
  const withoutIds = (calls: { name: string; arguments: string }[]) =>
    calls.map(({ name, arguments: args }) => ({ name, arguments: args }))
  expect({
    content: content ?? '',
    reasoning: rest.reasoning_content ?? '',
    refusal: rest.refusal ?? '',
    calls: withoutIds((rest.tool_calls ?? []).map((call: any) => call.function)),
  }).toEqual({ ...told, calls: withoutIds(told.calls) })
})
