/** The OpenAI door, through the official SDK: streams, whole answers, calls, and what the document says of them. */
import { expect, test } from 'vitest'
import { answer } from '../../testing/index.ts'
import { streamDoor, startDoor, tool, user, whole } from './door-client.ts'
import { closeAfterwards } from './server.ts'
import { Collector } from '../../testing/index.ts'

test('an answer at once: text, reasoning, usage, and the ids of its document', async () => {
  const { client, server, fake } = await startDoor()
  fake.enqueue(answer({ reasoning: 'Let me see.', text: 'Forty-two 🙂.', usage: { inputTokens: 7, outputTokens: 9 } }))
  const { data, response } = await client.chat.completions
    .create({ model: 'm', messages: user('What is it?') })
    .withResponse()
  expect(data).toMatchObject({
    object: 'chat.completion',
    model: 'm',
    choices: [
      {
        index: 0,
        finish_reason: 'stop',
        message: { role: 'assistant', content: 'Forty-two 🙂.', reasoning_content: 'Let me see.', refusal: null },
      },
    ],
    usage: { prompt_tokens: 7, completion_tokens: 9, total_tokens: 16 },
  })
  const messageId = response.headers.get('x-runnel-message-id')!
  expect(data.id).toBe(`chatcmpl-${messageId}`)
  const { body } = await server.call('GET', `/api/messages/${messageId}`)
  expect(body).toMatchObject({
    status: 'completed',
    chatId: response.headers.get('x-runnel-chat-id'),
    taskId: response.headers.get('x-runnel-task-id'),
  })
  const { items } = (await server.call('GET', `/api/chats/${body.chatId}/messages`)).body
  expect(items.map(({ role, output }: any) => [role, output.at(-1).text])).toEqual([
    ['user', 'What is it?'],
    ['assistant', 'Forty-two 🙂.'],
  ])
})

test('a stream: role first, then text as it comes, the reason, the usage that was asked for', async () => {
  const { client, fake } = await startDoor()
  const script = fake.manual()
  const { data: stream, response } = await Promise.all([
    client.chat.completions
      .create({ model: 'm', messages: user('Hi'), stream: true, stream_options: { include_usage: true } })
      .withResponse(),
    script.request.then(() => script.send('One ')),
  ]).then(([answer]) => answer)
  expect(response.headers.get('content-type')).toContain('text/event-stream')
  const chunks = []
  for await (const chunk of stream) {
    chunks.push(chunk)
    // What is read here was sent before the next was.
    if (chunks.length === 2) script.reasoning('hm ')
    if (chunks.length === 3) script.send('two.')
    if (chunks.length === 4) script.end('length', { inputTokens: 1, outputTokens: 2 })
  }
  expect(chunks.map(({ choices }) => choices[0]?.delta)).toEqual([
    { role: 'assistant', content: '' },
    { content: 'One ' },
    { reasoning_content: 'hm ' },
    { content: 'two.' },
    {},
    undefined,
  ])
  expect(chunks.map(({ choices }) => choices[0]?.finish_reason)).toEqual([null, null, null, null, 'length', undefined])
  expect(chunks.map(({ usage }) => usage ?? null)).toEqual([
    null,
    null,
    null,
    null,
    null,
    { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  ])
  expect(new Set(chunks.map(({ id }) => id)).size).toBe(1)
  expect(fake.requests[0]!.body.messages).toEqual(user('Hi'))
})

test('what is asked goes upstream as it was sent, images and parameters too', async () => {
  const { client, server, fake } = await startDoor({ RUNNEL_SYSTEM_PROMPT: 'Not for the door.' })
  const image = { type: 'image_url' as const, image_url: { url: 'data:image/png;base64,AAAA', detail: 'low' as const } }
  const messages = [
    { role: 'developer' as const, content: 'Be brief.' },
    { role: 'user' as const, name: 'ann', content: [{ type: 'text' as const, text: 'What is this?' }, image] },
  ]
  const format = { type: 'json_schema' as const, json_schema: { name: 'a', schema: { type: 'object' } } }
  const { response } = await client.chat.completions
    .create({
      model: 'm',
      messages,
      stop: ['END', '###'],
      temperature: 0.3,
      max_tokens: 5,
      response_format: format,
      tools: [tool('add')],
      tool_choice: 'required',
      user: 'u',
      metadata: { a: 'b' },
      store: true,
      n: 1,
      seed: 7,
    })
    .withResponse()
  expect(fake.requests[0]!.body).toEqual({
    model: 'm',
    messages,
    stop: ['END', '###'],
    temperature: 0.3,
    max_tokens: 5,
    response_format: format,
    tools: [tool('add')],
    tool_choice: 'required',
    seed: 7,
    stream: true,
    stream_options: { include_usage: true },
  })
  const { items } = (await server.call('GET', `/api/chats/${response.headers.get('x-runnel-chat-id')}/messages`)).body
  expect(items[0].output[0].text).toBe('What is this?\n\n[Sent along, not shown here: 1 × image_url]')
})

test('parallel calls come back with id and name first, then their arguments, each under its index', async () => {
  const { client, server, fake } = await startDoor()
  const toolCalls = [
    { id: 'call_a', name: 'add', arguments: ['{"a"', ':1}'] },
    { id: 'call_b', name: 'add', arguments: ['{"a":', '2}'] },
  ]
  fake.enqueue(answer({ text: 'Adding.', toolCalls }), answer({ toolCalls }))
  const { chunks, response } = await streamDoor(client, { tools: [tool('add')] })
  const fragments = chunks.flatMap(({ choices }) => choices[0]?.delta.tool_calls ?? [])
  for (const [index, call] of toolCalls.entries()) {
    const [first, ...rest] = fragments.filter((fragment) => fragment.index === index)
    expect(first).toEqual({ index, id: call.id, type: 'function', function: { name: 'add', arguments: '' } })
    expect(rest.every(({ id, function: called }) => id === undefined && called?.name === undefined)).toBe(true)
    expect(rest.map(({ function: called }) => called!.arguments).join('')).toBe(call.arguments.join(''))
  }
  expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe('tool_calls')
  const { body } = await server.call('GET', `/api/messages/${response.headers.get('x-runnel-message-id')}`)
  expect(body.output.filter(({ type }: any) => type === 'tool_call').map(({ status }: any) => status)).toEqual([
    'pending',
    'pending',
  ])
  const {
    choices: [choice],
  } = await client.chat.completions.create({ model: 'm', messages: user('Hi'), tools: [tool('add')] })
  expect(choice!.message).toMatchObject({
    content: null,
    tool_calls: toolCalls.map(({ id, name, arguments: args }) => ({
      id,
      type: 'function',
      function: { name, arguments: args.join('') },
    })),
  })
})

test('tools of the server are not offered', async () => {
  const { client, fake } = await startDoor({
    tools: [
      { name: 'own', description: '', parameters: { type: 'object' }, check: (args) => args, execute: () => 'x' },
    ],
  })
  await client.chat.completions.create({ model: 'm', messages: user('Hi') })
  expect(fake.requests[0]!.body).not.toHaveProperty('tools')
})

test('the helpers of the SDK: stream() and runTools()', async () => {
  const { client, fake } = await startDoor()
  fake.enqueue(answer({ text: 'A helper reads this.', refusal: 'No.' }))
  const helper = client.chat.completions.stream({ model: 'm', messages: user('Hi') })
  expect((await helper.finalChatCompletion()).choices[0]!.message).toMatchObject({
    content: 'A helper reads this.',
    refusal: 'No.',
  })

  for (const stream of [false, true]) {
    fake.enqueue(
      answer({
        toolCalls: [
          { id: 'call_1', name: 'add', arguments: '{"a":20}' },
          { id: 'call_2', name: 'add', arguments: '{"a":1}' },
        ],
      }),
      answer({ text: 'That makes 42.' }),
    )
    const added: number[] = []
    const run = {
      type: 'function' as const,
      function: {
        name: 'add',
        description: 'Adds.',
        parse: JSON.parse,
        parameters: { type: 'object' },
        function: ({ a }: { a: number }) => {
          added.push(a)
          return String(a * 2)
        },
      },
    }
    const runner = stream
      ? client.chat.completions.runTools({ model: 'm', messages: user('Add.'), tools: [run], stream: true })
      : client.chat.completions.runTools({ model: 'm', messages: user('Add.'), tools: [run] })
    expect(await runner.finalContent()).toBe('That makes 42.')
    expect(added).toEqual([20, 1])
    expect(
      fake.requests
        .at(-1)!
        .body.messages!.filter(({ role }) => role === 'tool')
        .map(({ content }) => content),
    ).toEqual(['40', '2'])
  }
})

test('a tab that follows the chat sees the same answer while it is streamed', async () => {
  const { client, server, fake } = await startDoor()
  const {
    body: { id: chatId },
  } = await server.call('POST', '/api/chats', {})
  const script = fake.manual()
  const asked = client.chat.completions
    .create({ model: 'm', messages: user('Hi'), stream: true }, { headers: { 'X-Runnel-Chat-Id': chatId } })
    .withResponse()
  await script.request
  script.send('Seen ')
  const { data: stream, response } = await asked
  const messageId = response.headers.get('x-runnel-message-id')!
  expect(response.headers.get('x-runnel-chat-id')).toBe(chatId)
  const viewer = new Collector(server.url)
  closeAfterwards(() => viewer.close())
  const [copy] = await viewer.follow(messageId)
  await viewer.until(() => copy!.text === 'Seen ')
  let text = ''
  for await (const chunk of stream) {
    text += chunk.choices[0]?.delta.content ?? ''
    if (text === 'Seen ') for (const word of 'by everybody, live.'.split(/(?<= )/)) script.send(word)
    if (text.endsWith('live.')) script.end()
  }
  await viewer.toEnd(messageId)
  expect(copy!.text).toBe(text)
  expect(text).toBe('Seen by everybody, live.')
  expect((await server.call('GET', '/api/chats')).body.items.map(({ id }: any) => id)).toEqual([chatId])
})

test('in a named chat the door goes on from the newest, beside what runs, and results of calls make no new question', async () => {
  const { client, server, fake } = await startDoor()
  const {
    body: { id: chatId },
  } = await server.call('POST', '/api/chats', {})
  const script = fake.manual()
  await server.ask('From a tab', { chatId })
  await script.request
  const named = { headers: { 'X-Runnel-Chat-Id': chatId } }
  fake.enqueue(answer({ toolCalls: [{ id: 'call_1', name: 'add', arguments: '{}' }] }), answer({ text: 'Done.' }))
  const first = await client.chat.completions.create(
    { model: 'm', messages: user('From a program'), tools: [tool('add')] },
    named,
  )
  await client.chat.completions.create(
    {
      model: 'm',
      messages: [
        ...user('From a program'),
        first.choices[0]!.message,
        { role: 'tool', tool_call_id: 'call_1', content: '1' },
      ],
      tools: [tool('add')],
    },
    named,
  )
  await client.chat.completions.create(
    { model: 'm', messages: [...user('From a program'), { role: 'function', name: 'add', content: '1' }] },
    named,
  )
  script.end()
  const { items } = (await server.call('GET', `/api/chats/${chatId}/messages`)).body
  expect(items.map(({ role }: any) => role)).toEqual([
    'user',
    'assistant',
    'user',
    'assistant',
    'assistant',
    'assistant',
  ])
  for (const [i, { parentId }] of items.entries()) expect(parentId).toBe(i === 0 ? null : items[i - 1].id)
})

test('models: those that may be named, or the default', async () => {
  const { client } = await startDoor({ RUNNEL_MODELS: 'a,org/b' })
  expect((await client.models.list()).data.map(({ id, object }) => [id, object])).toEqual([
    ['a', 'model'],
    ['org/b', 'model'],
  ])
  expect((await client.models.retrieve('org/b')).id).toBe('org/b')
  await expect(client.models.retrieve('c')).rejects.toMatchObject({ status: 404, code: 'not_found' })
  const { client: other } = await startDoor({ RUNNEL_MODEL: 'the-default' })
  expect((await other.models.list()).data.map(({ id }) => id)).toEqual(['the-default'])
})

test('the same Idempotency-Key joins the same answer', async () => {
  const { client, server, fake } = await startDoor()
  const script = fake.manual()
  const ask = () => whole(client, { headers: { 'Idempotency-Key': 'k1' } })
  const first = ask()
  await script.request
  const second = ask()
  script.send('Once.')
  script.end()
  const answers = await Promise.all([first, second])
  answers.push(await ask())
  expect(new Set(answers.map(({ messageId }) => messageId)).size).toBe(1)
  expect(answers.map(({ text }) => text)).toEqual(['Once.', 'Once.', 'Once.'])
  expect(fake.requests).toHaveLength(1)
  expect((await server.call('GET', '/api/tasks')).body.items).toEqual([])
})
