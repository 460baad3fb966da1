/** The fake provider is what client libraries take for OpenAI: each of them, in every mode that it has. */
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, afterEach, describe, expect, test } from 'vitest'
import { answer, rateLimited, startFakeOpenAI, type FakeOpenAI } from '../../../testing/openai/index.ts'
import { projectWith } from '../../helpers/packed.ts'

const VERSIONS = ['4', '5', '6', '7']

// Those of the versions want different ones of zod.
const VERSIONED = VERSIONS.map((version) => `openai-${version}@npm:openai@${version}`)
const OTHERS = ['ai', '@ai-sdk/openai', '@langchain/openai', '@langchain/core', 'zod']

type Project = Awaited<ReturnType<typeof projectWith>>
let versions: Project
let others: Project
let fake: FakeOpenAI
beforeAll(async () => {
  versions = await projectWith(VERSIONED)
  others = await projectWith(OTHERS)
}, 300_000)
afterAll(() => Promise.all([versions?.remove(), others?.remove()]))
beforeEach(async () => {
  fake = await startFakeOpenAI()
})
afterEach(async () => {
  await fake.close()
  fake.done()
})

/** A module of a project. */
function load(name: string, project = others): Promise<any> {
  const path = createRequire(join(project.folder, 'index.js')).resolve(name)
  return import(pathToFileURL(path).href)
}

const messages = [{ role: 'user', content: 'The weather in Rome?' }]
const call = { id: 'call_1', name: 'weather', arguments: ['{"city"', ':"Rome"}'] }
const whole = answer({
  reasoning: 'Hm.',
  text: 'I look. ',
  toolCalls: [call],
  usage: { inputTokens: 3, outputTokens: 4 },
})

describe.each(VERSIONS)('openai %s', (version) => {
  const client = async (options: object = {}) => {
    const module = await load(`openai-${version}`, versions)
    const OpenAI = module.OpenAI ?? module.default
    return new OpenAI({ baseURL: fake.url, apiKey: 'key', timeout: 10_000, ...options })
  }

  test('chat completions, whole, streamed, by its own helpers', async () => {
    fake.on({ path: '/v1/chat/completions' }, whole).times(3)
    const openai = await client()
    const message = { content: 'I look. ', tool_calls: [{ id: 'call_1', function: { arguments: '{"city":"Rome"}' } }] }
    const one = await openai.chat.completions.create({ model: 'm', messages })
    expect(one.choices[0]).toMatchObject({ message, finish_reason: 'tool_calls' })
    expect(one.usage.total_tokens).toBe(7)

    let text = ''
    const stream = await openai.chat.completions.create({
      model: 'm',
      messages,
      stream: true,
      stream_options: { include_usage: true },
    })
    let usage
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? ''
      usage = chunk.usage ?? usage
    }
    expect([text, usage.total_tokens]).toEqual(['I look. ', 7])

    const helper = (openai.chat.completions.stream ? openai.chat.completions : openai.beta.chat.completions).stream({
      model: 'm',
      messages,
    })
    expect((await helper.finalChatCompletion()).choices[0].message).toMatchObject(message)
  })

  test('responses, whole, streamed, by its own helpers, in the background', async () => {
    fake.on({ path: '/v1/responses' }, whole).times(4)
    const openai = await client()
    const output = [{ type: 'reasoning' }, { type: 'message' }, { type: 'function_call', arguments: '{"city":"Rome"}' }]
    const one = await openai.responses.create({ model: 'm', input: 'Hello' })
    expect([one.output_text, one.output]).toMatchObject(['I look. ', output])
    const types: string[] = []
    for await (const event of await openai.responses.create({ model: 'm', input: 'Hello', stream: true }))
      types.push(event.type)
    expect([types[0], types.at(-1)]).toEqual(['response.created', 'response.completed'])
    if (openai.responses.stream)
      expect((await openai.responses.stream({ model: 'm', input: 'Hello' }).finalResponse()).output).toMatchObject(
        output,
      )
    else await openai.responses.create({ model: 'm', input: 'Hello' })
    const { id, status } = await openai.responses.create({ model: 'm', input: 'Hello', background: true })
    expect(status).toBe('queued')
    await expect.poll(async () => (await openai.responses.retrieve(id)).status).toBe('completed')
  })

  test('errors, tries again, models, embeddings', async () => {
    fake.enqueue(rateLimited(10), answer({ text: 'At last.' }), rateLimited(10))
    const openai = await client()
    expect((await openai.chat.completions.create({ model: 'm', messages })).choices[0].message.content).toBe('At last.')
    const once = await client({ maxRetries: 0 })
    await expect(once.chat.completions.create({ model: 'm', messages })).rejects.toMatchObject({
      status: 429,
      code: 'rate_limit_exceeded',
    })
    expect((await openai.models.list()).data).toMatchObject([{ id: 'fake-model' }])
    const { data } = await openai.embeddings.create({ model: 'e', input: ['a', 'b'], dimensions: 8 })
    expect(data.map(({ embedding }: { embedding: number[] }) => embedding.length)).toEqual([8, 8])
  })
})

describe('the AI SDK', () => {
  test.each(['chat', 'responses'] as const)(
    '%s: whole, streamed, with a tool, as an object, embeddings',
    async (api) => {
      const { embedMany, generateText, jsonSchema, stepCountIs, streamText, tool } = await load('ai')
      const { createOpenAI } = await load('@ai-sdk/openai')
      const provider = createOpenAI({ baseURL: fake.url, apiKey: 'key' })
      const model = provider[api]('gpt-4o')
      const tools = {
        weather: tool({
          description: 'The weather.',
          inputSchema: jsonSchema({ type: 'object', properties: { city: { type: 'string' } }, required: ['city'] }),
          execute: ({ city }: { city: string }) => `Sun in ${city}`,
        }),
      }
      fake.on({ round: 0 }, answer({ text: 'I look. ', toolCalls: [call] })).times(2)
      fake.on({ round: 1 }, answer({ text: ['Sun', 'ny.'], usage: { inputTokens: 3, outputTokens: 4 } })).times(2)
      const asked = { model, messages, tools, stopWhen: stepCountIs(3), maxRetries: 0 }
      const one = await generateText(asked)
      expect([one.text, one.steps.length, one.usage.totalTokens]).toEqual(['Sunny.', 2, 37])
      const stream = streamText(asked)
      let text = ''
      for await (const part of stream.textStream) text += part
      expect([text, await stream.finishReason]).toEqual(['I look. Sunny.', 'stop'])
      const embed = provider.textEmbeddingModel ?? provider.textEmbedding ?? provider.embedding
      const { embeddings } = await embedMany({ model: embed('e'), values: ['a', 'b'] })
      expect(embeddings).toHaveLength(2)
    },
  )
})

describe('LangChain', () => {
  test.each([false, true])('whole, streamed, with a tool, embeddings; by Responses: %s', async (useResponsesApi) => {
    const { ChatOpenAI, OpenAIEmbeddings } = await load('@langchain/openai')
    const model = new ChatOpenAI({
      model: 'gpt-4o',
      apiKey: 'key',
      useResponsesApi,
      maxRetries: 0,
      configuration: { baseURL: fake.url },
    })
    const tool = { type: 'function', function: { name: 'weather', parameters: { type: 'object', properties: {} } } }
    fake.on({ tools: [] }, answer({ text: 'Two words.' })).times(2)
    fake.on({ tools: ['weather'] }, answer({ toolCalls: [call] })).times(2)
    expect((await model.invoke('Hello')).text).toBe('Two words.')
    let text = ''
    for await (const chunk of await model.stream('Hello')) text += chunk.text
    expect(text).toBe('Two words.')
    const bound = model.bindTools([tool])
    expect((await bound.invoke('Hello')).tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Rome' } }])
    let all: any
    for await (const chunk of await bound.stream('Hello')) all = all ? all.concat(chunk) : chunk
    expect(all.tool_calls).toMatchObject([{ name: 'weather', args: { city: 'Rome' } }])
    const embeddings = new OpenAIEmbeddings({ apiKey: 'key', configuration: { baseURL: fake.url } })
    expect(await embeddings.embedDocuments(['a', 'b'])).toHaveLength(2)
  })
})
