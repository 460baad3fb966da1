/** The official SDK in every mode. Its older versions, the AI SDK and LangChain: `npm run test:wide -- sdks`. */
import OpenAI from 'openai'
import { describe, expect, test } from 'vitest'
import { answer, httpError, rateLimited } from '../../testing/openai/index.ts'
import { hello, post, start } from './asking.ts'

const messages = [{ role: 'user' as const, content: 'Hello' }]
const weather = {
  type: 'function' as const,
  function: { name: 'weather', parameters: { type: 'object', properties: {} } },
}
const calls = [
  { id: 'call_1', name: 'weather', arguments: ['{"city":', '"Rome"}'] },
  { id: 'call_2', name: 'weather', arguments: ['{"city"', ':"Oslo"}'] },
]

async function startWithSdk(options?: Parameters<typeof start>[0]) {
  const fake = await start(options)
  return { fake, client: new OpenAI({ baseURL: fake.url, apiKey: 'key', timeout: 5_000 }) }
}

describe('Chat Completions', () => {
  test('whole', async () => {
    const { fake, client } = await startWithSdk()
    fake.enqueue(answer({ text: 'Two words.', toolCalls: calls, usage: { inputTokens: 1, outputTokens: 2 } }))
    const { data, response, request_id } = await client.chat.completions.create({ model: 'm', messages }).withResponse()
    expect(data).toMatchObject({ object: 'chat.completion', model: 'm', service_tier: 'default' })
    expect(data.choices[0]).toMatchObject({
      finish_reason: 'tool_calls',
      message: {
        content: 'Two words.',
        tool_calls: [
          { id: 'call_1', type: 'function', function: { name: 'weather', arguments: '{"city":"Rome"}' } },
          { id: 'call_2', type: 'function', function: { name: 'weather', arguments: '{"city":"Oslo"}' } },
        ],
      },
    })
    expect(data.usage).toMatchObject({ prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 })
    expect(Math.abs(data.created - Date.now() / 1_000)).toBeLessThan(10)
    expect(request_id).toMatch(/^req_/)
    expect(response.headers.get('openai-version')).toBe('2020-10-01')
  })

  test('streamed: chunks, the final completion, usage where it is asked for', async () => {
    const { fake, client } = await startWithSdk()
    fake.on({}, answer({ reasoning: 'Hm.', text: 'Two words.', toolCalls: calls, interleaveCalls: true })).times(2)
    const seen: OpenAI.ChatCompletionChunk[] = []
    for await (const chunk of await client.chat.completions.create({ model: 'm', messages, stream: true }))
      seen.push(chunk)
    expect(new Set(seen.map(({ id }) => id)).size).toBe(1)
    expect(seen.every(({ usage }) => usage === undefined)).toBe(true)
    const parts = seen.flatMap(({ choices }) => choices[0]!.delta.tool_calls ?? [])
    expect(parts.map(({ index, id }) => [index, id])).toEqual([
      [0, 'call_1'],
      [1, 'call_2'],
      [0, undefined],
      [1, undefined],
      [0, undefined],
      [1, undefined],
    ])
    const stream = client.chat.completions.stream({ model: 'm', messages, stream_options: { include_usage: true } })
    const final = await stream.finalChatCompletion()
    expect(final.choices[0]!.message).toMatchObject({
      content: 'Two words.',
      tool_calls: [{ function: { arguments: '{"city":"Rome"}' } }, { function: { arguments: '{"city":"Oslo"}' } }],
    })
    expect(await stream.totalUsage()).toMatchObject({ total_tokens: 30 })
    expect(final.id).not.toBe(seen[0]!.id)
  })

  test('several choices, streamed and whole', async () => {
    const { fake, client } = await startWithSdk()
    fake.on({ model: 'm' }, answer({ choices: [{ text: 'a b' }, { text: 'c', finish: 'length' }] })).times(2)
    fake.on({ model: 'same' }, answer({ text: 'x y' })).times(2)
    for (const [model, n, expected] of [
      ['m', 2, ['a b stop', 'c length']],
      ['same', 3, ['x y stop', 'x y stop', 'x y stop']],
    ] as const) {
      const whole = await client.chat.completions.create({ model, messages, n })
      const streamed = await client.chat.completions.stream({ model, messages, n }).finalChatCompletion()
      for (const { choices } of [whole, streamed])
        expect(choices.map(({ message, finish_reason }) => `${message.content} ${finish_reason}`)).toEqual(expected)
    }
    fake.done()
  })

  test('tools, run to the last answer', async () => {
    const { fake, client } = await startWithSdk()
    fake.on({ tools: ['weather'], round: 0 }, answer({ toolCalls: calls })).times(2)
    fake.on({ round: 1 }, answer({ text: 'Sunny.' })).times(2)
    for (const stream of [false, true]) {
      const runner = client.chat.completions.runTools({
        model: 'm',
        messages,
        stream: stream as false,
        tools: [
          {
            type: 'function',
            function: {
              name: 'weather',
              description: '',
              parse: JSON.parse,
              function: ({ city }: { city: string }) => `Sun in ${city}`,
              parameters: weather.function.parameters,
            },
          },
        ],
      })
      expect(await runner.finalContent()).toBe('Sunny.')
    }
    expect(fake.requests.at(-1)!.body.messages!.slice(-2)).toMatchObject([
      { role: 'tool', tool_call_id: 'call_1', content: 'Sun in Rome' },
      { role: 'tool', tool_call_id: 'call_2', content: 'Sun in Oslo' },
    ])
    fake.done()
  })
})

describe('Responses', () => {
  test('whole and streamed say the same, and every id is another', async () => {
    const { fake, client } = await startWithSdk()
    fake.on({}, answer({ reasoning: 'Hm.', text: ['Two ', 'words.'], toolCalls: calls })).times(2)
    const body = { model: 'm', input: 'Hello', instructions: 'Be kind.', temperature: 0.5 }
    const whole = await client.responses.create(body)
    const sse = await (await post(`${fake.url}/responses`, { ...body, stream: true })).text()
    const streamed = (JSON.parse(/^data: (.*"response\.completed".*)$/m.exec(sse)![1]!) as any)
      .response as OpenAI.Responses.Response
    expect(whole.output_text).toBe('Two words.')
    expect(whole).toMatchObject({ status: 'completed', instructions: 'Be kind.', temperature: 0.5 })
    const bare = (response: OpenAI.Responses.Response) =>
      JSON.parse(JSON.stringify({ ...response, output_text: '', created_at: 0 }).replaceAll(/_fake\d+/g, ''))
    expect(bare(streamed)).toEqual(bare(whole))
    const ids = [whole, streamed].flatMap((response) => [response.id, ...response.output.map((item) => item.id)])
    expect(new Set(ids).size).toBe(ids.length)
  })

  test('calls whose parts come in turns, and an end before the end', async () => {
    const { fake, client } = await startWithSdk()
    fake.enqueue(answer({ toolCalls: calls, interleaveCalls: true }), answer({ text: 'Cut', finish: 'length' }))
    const interleaved = await client.responses.stream({ model: 'm', input: 'x' }).finalResponse()
    expect(interleaved.output).toMatchObject([
      { type: 'function_call', call_id: 'call_1', arguments: '{"city":"Rome"}' },
      { type: 'function_call', call_id: 'call_2', arguments: '{"city":"Oslo"}' },
    ])
    const cut = await client.responses.create({ model: 'm', input: 'x' })
    expect(cut).toMatchObject({
      status: 'incomplete',
      incomplete_details: { reason: 'max_output_tokens' },
      output: [{ status: 'incomplete', content: [{ text: 'Cut' }] }],
    })
  })

  test('an error in the stream is an error of the SDK, and the response has failed', async () => {
    const { fake, client } = await startWithSdk()
    fake.on({}, answer({ text: 'a b', after: { chunks: 1, fault: { error: 'Out of order.' } } })).times(2)
    const types: string[] = []
    await expect(async () => {
      for await (const event of await client.responses.create({ model: 'm', input: 'x', stream: true }))
        types.push(event.type)
    }).rejects.toThrow('Out of order.')
    expect(types.at(-1)).toBe('response.output_text.delta')
    const text = await (await post(`${fake.url}/responses`, { model: 'm', input: 'x', stream: true })).text()
    expect(text).toContain('event: response.failed')
  })

  test('in the background: queued, in progress, completed; its stream can be taken up again', async () => {
    const { fake, client } = await startWithSdk()
    const hand = fake.manual()
    const queued = await client.responses.create({ model: 'm', input: 'x', background: true })
    expect(queued).toMatchObject({ status: 'queued', background: true, output: [] })
    await hand.request
    expect((await client.responses.retrieve(queued.id)).status).toBe('in_progress')
    hand.send('Two ')
    const stream = await client.responses.retrieve(queued.id, { stream: true })
    let last = -1
    for await (const event of stream) {
      last = event.sequence_number
      if (event.type === 'response.output_text.delta') break
    }
    hand.send('words.')
    hand.end()
    const rest: string[] = []
    for await (const event of await client.responses.retrieve(queued.id, { stream: true, starting_after: last }))
      rest.push(event.type)
    expect(rest).toEqual([
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(await client.responses.retrieve(queued.id)).toMatchObject({ status: 'completed', output_text: 'Two words.' })
    expect((await client.responses.inputItems.list(queued.id)).data).toMatchObject([{ role: 'user', content: 'x' }])
    await client.responses.delete(queued.id)
    await expect(client.responses.retrieve(queued.id)).rejects.toThrow(OpenAI.NotFoundError)
    fake.done()
  })

  test('cancelled, where it is in the background', async () => {
    const { fake, client } = await startWithSdk()
    fake.enqueue(answer({ text: 'a b', after: { chunks: 1, fault: 'stall' } }), answer({ text: 'Here.' }))
    const { id } = await client.responses.create({ model: 'm', input: 'x', background: true })
    expect((await client.responses.cancel(id)).status).toBe('cancelled')
    expect((await client.responses.retrieve(id)).status).toBe('cancelled')
    const here = await client.responses.create({ model: 'm', input: 'x' })
    expect((await client.responses.cancel(id)).status).toBe('cancelled')
    await expect(client.responses.cancel(here.id)).rejects.toThrow('Cannot cancel a synchronous response.')
    fake.done()
  })

  test('a background stream that is cut goes on, and is taken up where it was', async () => {
    const { fake, client } = await startWithSdk()
    fake.enqueue({
      kind: 'answer',
      steps: [{ type: 'text', text: 'a' }, { type: 'cut' }, { type: 'text', text: 'b' }, { type: 'finish' }],
    })
    let id = ''
    let last = -1
    await expect(async () => {
      const stream = await client.responses.create({ model: 'm', input: 'x', background: true, stream: true })
      for await (const event of stream) {
        last = event.sequence_number
        if (event.type === 'response.created') id = event.response.id
      }
    }).rejects.toThrow()
    let text = ''
    for await (const event of await client.responses.retrieve(id, { stream: true, starting_after: last }))
      if (event.type === 'response.completed') text = (event.response.output[0] as any).content[0].text
    expect(text).toBe('ab')
    fake.done()
  })
})

test('models, by the list and by name', async () => {
  const { client } = await startWithSdk({ models: ['gpt-5', 'maker/small'] })
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['gpt-5', 'maker/small'])
  expect(await client.models.retrieve('maker/small')).toMatchObject({ id: 'maker/small', object: 'model' })
  await expect(client.models.retrieve('none')).rejects.toMatchObject({
    status: 404,
    code: 'model_not_found',
    param: 'model',
  })
})

test('embeddings: the same for the same, near for the near, of the length that is asked for', async () => {
  const { client } = await startWithSdk()
  const input = ['The cat sits on the mat', 'The cat lies on the mat', 'Stock prices fell']
  const { data, usage } = await client.embeddings.create({ model: 'e', input, dimensions: 64 })
  const [a, b, c] = data.map(({ embedding }) => embedding) as [number[], number[], number[]]
  const cosine = (one: number[], other: number[]) => one.reduce((sum, value, at) => sum + value * other[at]!, 0)
  expect([a.length, cosine(a, a).toFixed(4), usage.prompt_tokens]).toEqual([64, '1.0000', 15])
  expect(cosine(a, b)).toBeGreaterThan(cosine(a, c) + 0.3)
  const floats = await client.embeddings.create({
    model: 'e',
    input: input[0]!,
    dimensions: 64,
    encoding_format: 'float',
  })
  expect(floats.data[0]!.embedding.map((value) => value.toFixed(5))).toEqual(a.map((value) => value.toFixed(5)))
  expect((await client.embeddings.create({ model: 'e', input: 'x' })).data[0]!.embedding).toHaveLength(1_536)
})

describe('errors', () => {
  test('have the class, code, param and type that OpenAI gives them', async () => {
    const { fake, client } = await startWithSdk()
    const ask = () => client.chat.completions.create({ model: 'm', messages }, { maxRetries: 0 })
    fake.enqueue(
      httpError(400, 'Too long.', {}, { code: 'context_length_exceeded', param: 'messages' }),
      httpError(401, 'Wrong key.'),
      httpError(404, 'No such model.'),
      httpError(429, 'No money.', {}, { type: 'insufficient_quota', code: 'insufficient_quota' }),
      rateLimited(2_000),
      httpError(503, 'Overloaded.'),
    )
    await expect(ask()).rejects.toMatchObject({ status: 400, code: 'context_length_exceeded', param: 'messages' })
    await expect(ask()).rejects.toThrow(OpenAI.AuthenticationError)
    await expect(ask()).rejects.toMatchObject({ status: 404, code: 'model_not_found', type: 'invalid_request_error' })
    await expect(ask()).rejects.toMatchObject({ status: 429, code: 'insufficient_quota' })
    await expect(ask()).rejects.toMatchObject({ code: 'rate_limit_exceeded', type: 'requests' })
    await expect(ask()).rejects.toThrow(OpenAI.InternalServerError)
    fake.done()
  })

  test('a request that OpenAI would not take gets no script', async () => {
    const fake = await start({ apiKey: 'right', fallback: answer({ text: 'Hi' }) })
    const key = { authorization: 'Bearer right' }
    const said = async (path: string, body: unknown, headers: Record<string, string> = key) => {
      const answered = await post(fake.url + path, body, headers)
      return [answered.status, ((await answered.json()) as any).error?.code ?? null]
    }
    expect(await said('/chat/completions', hello)).toEqual([200, null])
    expect(await said('/chat/completions', hello, {})).toEqual([401, null])
    expect(await said('/chat/completions', hello, { authorization: 'Bearer wrong' })).toEqual([401, 'invalid_api_key'])
    expect(await said('/chat/completions', '{"model":')).toEqual([400, null])
    expect(await said('/chat/completions', { messages })).toEqual([400, null])
    expect(await said('/chat/completions', { model: 'm' })).toEqual([400, 'missing_required_parameter'])
    expect(await said('/responses', { model: 'm' })).toEqual([400, 'missing_required_parameter'])
    expect((await fetch(`${fake.url}/models/%zz`, { headers: key })).status).toBe(404)
    expect(await said('/embeddings', { model: 'm' })).toEqual([400, 'missing_required_parameter'])
  })
})
