import { afterEach, describe, expect, test } from 'vitest'
import { askedAnew, buildPrompt } from '../../server/task/prompt.ts'
import type { Block, Message } from '../../shared/schema.ts'
import { answer, startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'

test('what is asked anew leaves out what was so of one run', () => {
  const asked = { model: 'm', tools: ['add'], requestId: 'r' }
  const once = { continues: true, decision: {} as never, recovered: true, fallback: [] }
  expect(askedAnew({ ...asked, ...once })).toEqual(asked)
})

let count = 0
function message(role: 'user' | 'assistant', output: Block[]): { message: Message; providerData: [] } {
  return {
    message: {
      id: `msg_${count++}`,
      chatId: 'chat_1',
      parentId: null,
      role,
      status: 'completed',
      createdAt: 1,
      schema: 1,
      output,
    },
    providerData: [],
  }
}
const text = (value: string): Block => ({ id: 'b0', type: 'text', status: 'completed', text: value, annotations: [] })
const user = (value: string) => message('user', [text(value)])
const assistant = (...output: (string | Block)[]) =>
  message(
    'assistant',
    output.map((part) => (typeof part === 'string' ? text(part) : part)),
  )
const call = (fields: object): Block =>
  ({
    id: 'b1',
    type: 'tool_call',
    status: 'completed',
    callId: 'call_1',
    name: 'add',
    arguments: '{"a":1}',
    executor: 'client',
    ...fields,
  }) as Block

describe('buildPrompt', () => {
  test('joins the system prompts in their order, and leaves out those that are not there', () => {
    expect(buildPrompt({ system: ['One.', null, '', undefined, 'Two.'], branch: [user('Q')] })).toEqual([
      { role: 'system', text: 'One.\n\nTwo.' },
      { role: 'user', text: 'Q' },
    ])
    expect(buildPrompt({ system: [undefined, null], branch: [user('Q')] })).toEqual([{ role: 'user', text: 'Q' }])
  })

  test('gives text and refusals, never reasoning', () => {
    const branch = [
      user('Q'),
      assistant(
        { id: 'r', type: 'reasoning', status: 'completed', text: 'Secret.', origin: 'field', startedAt: 1 },
        'A',
        ' and B',
        { id: 'f', type: 'refusal', status: 'completed', text: ' No.' },
        { id: 's', type: 'source', status: 'completed', title: 'T', sourceType: 'url' },
      ),
      user('Q2'),
    ]
    expect(buildPrompt({ system: [], branch })).toEqual([
      { role: 'user', text: 'Q' },
      { role: 'assistant', text: 'A and B No.' },
      { role: 'user', text: 'Q2' },
    ])
  })

  test('leaves out an answer in which nothing is to be read', () => {
    expect(buildPrompt({ system: [], branch: [user('Q'), assistant(), user('Q2')] })).toEqual([
      { role: 'user', text: 'Q' },
      { role: 'user', text: 'Q2' },
    ])
  })

  test('gives calls with their results, or errors; none without, and none that the provider ran', () => {
    const branch = [
      user('Q'),
      assistant(
        call({ callId: 'c1', output: '2' }),
        call({ callId: 'c2', status: 'failed', error: 'No.' }),
        call({ callId: 'c3', status: 'pending' }),
        call({ callId: 'c4', executor: 'provider', output: 'found' }),
      ),
      user('Q2'),
    ]
    expect(buildPrompt({ system: [], branch })[1]).toEqual({
      role: 'assistant',
      text: '',
      toolCalls: [
        { callId: 'c1', name: 'add', arguments: '{"a":1}', output: '2' },
        { callId: 'c2', name: 'add', arguments: '{"a":1}', output: 'No.' },
      ],
    })
  })

  test('gives back what the provider wants back', () => {
    const branch = [
      user('Q'),
      { ...assistant('A'), providerData: [{ blockId: 'b0', data: { encrypted: 'x' } }] },
      user('Q2'),
    ]
    expect(buildPrompt({ system: [], branch })[1]).toEqual({
      role: 'assistant',
      text: 'A',
      providerData: [{ data: { encrypted: 'x' }, at: 0 }],
    })
  })

  test('drops whole turns from the oldest, and never the question', () => {
    const branch = [
      user('aaaaa'),
      assistant('AAAAA'),
      user('bb'),
      assistant('BB', call({ output: '12' })),
      user('cccccccccc'),
    ]
    const kept = (maxHistoryChars: number) =>
      buildPrompt({ system: ['S'], branch, maxHistoryChars }).map((item) => item.text)
    // The middle turn has 2 + 2 + 7 + 2 characters, the first 10.
    expect(kept(23)).toEqual(['S', 'aaaaa', 'AAAAA', 'bb', 'BB', 'cccccccccc'])
    expect(kept(22)).toEqual(['S', 'bb', 'BB', 'cccccccccc'])
    expect(kept(13)).toEqual(['S', 'bb', 'BB', 'cccccccccc'])
    expect(kept(12)).toEqual(['S', 'cccccccccc'])
    expect(kept(1)).toEqual(['S', 'cccccccccc'])
    expect(buildPrompt({ system: [], branch: [], maxHistoryChars: 1 })).toEqual([])
  })
})

describe('what the provider receives', () => {
  let fake: FakeOpenAI
  let server: StartedRunnel
  afterEach(async () => {
    await server.close()
    await fake.close()
  })

  async function start(settings: Parameters<typeof startRunnel>[0] = {}): Promise<void> {
    fake = await startFakeOpenAI()
    server = await startRunnel({ OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'key', RUNNEL_MODEL: 'm', ...settings })
  }

  async function say(chatId: string, content: string, reply: string, fields: object = {}): Promise<Message> {
    fake.enqueue(answer({ text: reply, reasoning: 'Thinking.' }))
    const { status, body } = await server.call('POST', `/api/chats/${chatId}/messages`, {
      content,
      stream: false,
      ...fields,
    })
    expect(status).toBe(200)
    return body
  }

  /** Of the newest request, as `role: content`. */
  const received = () => fake.requests.at(-1)!.body.messages!.map(({ role, content }: any) => `${role}: ${content}`)

  test('over several turns: system prompts of configuration, chat and request, then the branch', async () => {
    await start({ RUNNEL_SYSTEM_PROMPT: 'House rules.' })
    const { id } = (await server.call('POST', '/api/chats', { system: 'Chat rules.' })).body
    await say(id, 'One?', 'One.')
    expect(received()).toEqual(['system: House rules.\n\nChat rules.', 'user: One?'])
    await say(id, 'Two?', 'Two.', { system: 'Just now.' })
    expect(received()).toEqual([
      'system: House rules.\n\nChat rules.\n\nJust now.',
      'user: One?',
      'assistant: One.',
      'user: Two?',
    ])
    await say(id, 'Three?', 'Three.', { model: 'other', params: { temperature: 0.5 } })
    expect(received()).toEqual([
      'system: House rules.\n\nChat rules.',
      'user: One?',
      'assistant: One.',
      'user: Two?',
      'assistant: Two.',
      'user: Three?',
    ])
    expect(fake.requests.at(-1)!.body).toMatchObject({ model: 'other', temperature: 0.5, stream: true })
    expect(fake.requests.at(-1)!.headers.authorization).toBe('Bearer key')
  })

  test('by parentId: the branch to the root, and no sibling', async () => {
    await start()
    const { id } = (await server.call('POST', '/api/chats', {})).body
    const first = await say(id, 'Root?', 'Root.')
    await say(id, 'Left?', 'Left.')
    const right = await say(id, 'Right?', 'Right.', { parentId: first.id })
    expect(received()).toEqual(['user: Root?', 'assistant: Root.', 'user: Right?'])
    await say(id, 'Further right?', '…', { parentId: right.id })
    expect(received()).toEqual([
      'user: Root?',
      'assistant: Root.',
      'user: Right?',
      'assistant: Right.',
      'user: Further right?',
    ])
    await say(id, 'New root?', '…', { parentId: null })
    expect(received()).toEqual(['user: New root?'])
  })

  test('RUNNEL_MAX_HISTORY_CHARS drops whole turns from the oldest', async () => {
    await start({ RUNNEL_MAX_HISTORY_CHARS: 16 })
    const { id } = (await server.call('POST', '/api/chats', { system: 'A long system prompt that does not count.' }))
      .body
    await say(id, 'One?', 'One!')
    await say(id, 'Two?', 'Two!')
    await say(id, 'Three?', 'Three!')
    expect(received().slice(1)).toEqual([
      'user: One?',
      'assistant: One!',
      'user: Two?',
      'assistant: Two!',
      'user: Three?',
    ])
    await say(id, 'Four?', 'Four!')
    expect(received().slice(1)).toEqual(['user: Three?', 'assistant: Three!', 'user: Four?'])
  })

  test('what a stopped or failed answer had shown goes along; an empty one does not', async () => {
    await start()
    const ids = await server.ask('One?')
    await server.call('GET', `/api/messages/${ids.messageId}`)
    fake.enqueue(answer({ text: 'Half of it', after: { chunks: 2, fault: { error: 'broken' } } }))
    const failed = await server.call('POST', `/api/chats/${ids.chatId}/messages`, {
      content: 'Two?',
      stream: false,
      parentId: null,
    })
    expect(failed.status).toBe(502)
    const shown = failed.body.error.details.message.output.map((block: any) => block.text).join('')
    expect(shown).not.toBe('')
    await say(ids.chatId, 'Three?', '…', { parentId: failed.body.error.details.message.id })
    expect(received()).toEqual(['user: Two?', `assistant: ${shown}`, 'user: Three?'])
  })

  test('tools are passed on, and a call that nobody answered is not given back', async () => {
    await start()
    const { id } = (await server.call('POST', '/api/chats', {})).body
    fake.enqueue(answer({ text: 'Let me see.', toolCalls: [{ id: 'call_1', name: 'add', arguments: '{"a":1}' }] }))
    const tools = [{ type: 'function', function: { name: 'add', parameters: { type: 'object', properties: {} } } }]
    const { status, body } = await server.call('POST', `/api/chats/${id}/messages`, {
      content: 'One?',
      stream: false,
      tools,
    })
    expect(status).toBe(202)
    expect(fake.requests[0]!.body.tools).toEqual(tools)
    expect(body).toMatchObject({
      status: 'waiting',
      output: [{ type: 'text' }, { type: 'tool_call', status: 'pending', arguments: '{"a":1}' }, { type: 'progress' }],
    })
    await server.call('POST', `/api/messages/${body.id}/stop`, {})
    await say(id, 'Two?', '…')
    expect(received()).toEqual(['user: One?', 'assistant: Let me see.', 'user: Two?'])
    expect(fake.requests[1]!.body.tools).toBeUndefined()
  })
})
