/** What an answer may hold: words, thoughts, pictures, sounds and calls in the shapes in which servers send them. */
import { describe, expect, test } from 'vitest'
import {
  call,
  completed,
  delta,
  done,
  ends,
  event,
  json,
  messageItem,
  png,
  text,
  variantsOf,
} from '../helpers/frames.ts'
import { faultsOf, playBody, type CaseOutcome } from '../helpers/outcome.ts'

async function check(api: 'chat' | 'responses', body: string, expected: Omit<CaseOutcome, 'status'>): Promise<void> {
  for (const [how, variant] of variantsOf(body))
    for (const cuts of ['whole', 'bytes'] as const) {
      const faults = faultsOf(await playBody(api, variant, cuts), { status: 'completed', unknown: [], ...expected })
      expect(faults, `${how}, ${cuts}`).toEqual([])
    }
}

const dataUrl = `data:image/png;base64,${png}`
const wave = Buffer.from('RIFF....WAVE').toString('base64')

describe('words', () => {
  test.each<[string, string, Omit<CaseOutcome, 'status'>]>([
    ['a list of texts', delta({ content: ['One ', 'two.'] }), { text: 'One two.' }],
    ['one part instead of a list', delta({ content: { type: 'text', text: 'One.' } }), { text: 'One.' }],
    [
      'a text with a value',
      delta({ content: [{ type: 'text', text: { value: 'One.', annotations: [] } }] }),
      { text: 'One.' },
    ],
    [
      'output_text with annotations',
      delta({
        content: [
          { type: 'output_text', text: 'One.', annotations: [{ type: 'url_citation', url: 'https://a.example' }] },
        ],
      }),
      { text: 'One.' },
    ],
    ['a part without a type', delta({ content: [{ text: 'One.' }] }), { text: 'One.' }],
    ['text_delta', delta({ content: [{ type: 'text_delta', text: 'One.' }] }), { text: 'One.' }],
    [
      'a refusal among the parts',
      delta({
        content: [
          { type: 'text', text: 'Well. ' },
          { type: 'refusal', refusal: 'No.' },
        ],
      }),
      { text: 'Well. ', refusal: 'No.' },
    ],
    [
      'a message in the place of the delta',
      json({ choices: [{ message: { role: 'assistant', content: 'Whole.' } }] }),
      { text: 'Whole.' },
    ],
    [
      'a message with parts',
      json({ choices: [{ message: { content: [{ type: 'text', text: 'Whole.' }] } }] }),
      { text: 'Whole.' },
    ],
    [
      'messages piece by piece',
      json({ choices: [{ message: { content: 'The tide ' } }] }) +
        json({ choices: [{ message: { content: 'comes.' } }] }),
      { text: 'The tide comes.' },
    ],
    [
      'messages that repeat what came',
      ['The', 'The tide', 'The tide comes.'].map((content) => json({ choices: [{ message: { content } }] })).join(''),
      { text: 'The tide comes.' },
    ],
    [
      'a message beside an empty delta',
      json({ choices: [{ delta: {}, message: { content: 'Whole.' } }] }),
      { text: 'Whole.' },
    ],
    [
      'a message that repeats the deltas',
      text('Both.') + json({ choices: [{ delta: {}, message: { content: 'Both.' } }] }),
      { text: 'Both.' },
    ],
    [
      'messages that repeat what came, thoughts too',
      ['L', 'Let', 'Let me']
        .map((said) => json({ choices: [{ message: { reasoning_content: said, content: '' } }] }))
        .join('') +
        ['H', 'Hi.']
          .map((content) => json({ choices: [{ message: { reasoning_content: 'Let me', content } }] }))
          .join(''),
      { reasoning: 'Let me', text: 'Hi.' },
    ],
    [
      'pieces that are the same',
      ['ha', 'ha', 'ha', '!'].map((said) => json({ choices: [{ text: said }] })).join(''),
      { text: 'hahaha!' },
    ],
    [
      'nothing but pieces that are the same',
      ['ha', 'ha', 'ha'].map((content) => json({ choices: [{ message: { content } }] })).join(''),
      { text: 'hahaha' },
    ],
    [
      'a whole message twice',
      ['Whole.', 'Whole.'].map((content) => json({ choices: [{ message: { content } }] })).join(''),
      { text: 'Whole.' },
    ],
    [
      'a message beside a role',
      json({ choices: [{ delta: { role: 'assistant' }, message: { content: 'Whole.' } }] }),
      { text: 'Whole.' },
    ],
    [
      'a message behind thoughts',
      delta({ reasoning_content: 'Hm.' }) +
        json({ choices: [{ delta: {}, message: { reasoning_content: 'Hm.', content: 'Whole.' } }] }),
      { reasoning: 'Hm.', text: 'Whole.' },
    ],
    [
      'a message with more than the deltas',
      text('Who') + json({ choices: [{ delta: {}, message: { content: 'Whole.' } }] }),
      { text: 'Whole.' },
    ],
    [
      'a message with what deltas did not hold',
      text('Whole.') +
        json({
          choices: [
            {
              message: {
                content: 'Whole.',
                images: [{ image_url: { url: dataUrl } }],
                tool_calls: [{ id: 'c', function: { name: 'find', arguments: '{}' } }],
              },
            },
          ],
        }),
      {
        text: 'Whole.',
        files: [{ mimeType: 'image/png' }],
        toolCalls: [{ callId: 'c', name: 'find', arguments: '{}' }],
      },
    ],
    ['a delta that is a text', json({ choices: [{ delta: 'One.' }] }), { text: 'One.' }],
    [
      'a delta that is a list of parts',
      json({ choices: [{ delta: [{ type: 'text', text: 'One.' }] }] }),
      { text: 'One.' },
    ],
    [
      'a delta that is a list of deltas',
      json({ choices: [{ delta: [{ reasoning: 'Hm.' }, { content: 'One.' }] }] }),
      { reasoning: 'Hm.', text: 'One.' },
    ],
    ['choices that are one', json({ choices: { index: 0, delta: { content: 'One.' } } }), { text: 'One.' }],
    ['choices by their number', json({ choices: { '0': { delta: { content: 'One.' } } } }), { text: 'One.' }],
    [
      'words of a choice',
      json({ choices: [{ index: 0, content: 'One.', reasoning: 'Hm.' }] }),
      { reasoning: 'Hm.', text: 'One.' },
    ],
    [
      'a choice that is not the first',
      json({ choices: [{ index: 0, delta: { role: 'assistant' } }] }) +
        json({ choices: [{ index: 1, delta: { content: 'One ' } }] }) +
        json({ choices: [{ index: 1, delta: { content: 'two.' }, finish_reason: 'stop' }] }),
      { text: 'One two.' },
    ],
    [
      'two choices: the first that says something',
      json({ choices: [{ index: 1, delta: { content: 'One ' } }] }) +
        json({ choices: [{ index: 0, delta: { content: 'Zwei' }, finish_reason: 'length' }] }) +
        json({ choices: [{ index: 1, delta: { content: 'two.' }, finish_reason: 'stop' }] }),
      { text: 'One two.' },
    ],
    ['a number', delta({ content: 42 }), { text: '42' }],
    [
      'a choice that is counted in words',
      json({ choices: [{ index: '0', delta: { content: 'One.' } }] }),
      { text: 'One.' },
    ],
    ['text of a choice', json({ choices: [{ index: 0, text: 'Plain.' }] }), { text: 'Plain.' }],
    [
      'delta: null beside a message',
      json({ choices: [{ delta: null, message: { content: 'Whole.' } }] }),
      { text: 'Whole.' },
    ],
  ])('%s', async (_name, body, expected) => check('chat', body + ends(), expected))

  test.each<[string, object]>([
    ['output_text', { type: 'output_text', text: 'Whole.' }],
    ['text', { type: 'text', text: 'Whole.' }],
    ['without a type', { text: 'Whole.' }],
  ])('Responses: only in the last event, as %s', async (_name, part) => {
    const added = event('response.output_item.added', { output_index: 0, item: messageItem() })
    await check('responses', completed([messageItem([part])]), { text: 'Whole.' })
    await check('responses', added + completed([messageItem([part])]), { text: 'Whole.' })
    await check(
      'responses',
      added +
        event('response.output_item.done', { output_index: 0, item: messageItem() }) +
        completed([messageItem([part])]),
      { text: 'Whole.' },
    )
  })

  test('Responses: what came already does not come again with the last event', async () => {
    const output = [
      { type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: 'Hm.' }] },
      messageItem([{ type: 'output_text', text: 'Yes.' }]),
      { type: 'function_call', call_id: 'c', name: 'find', arguments: '{"q":1}' },
    ]
    const streamed =
      event('response.output_text.delta', { output_index: 0, delta: 'Yes.' }) +
      event('response.reasoning_summary_text.delta', { output_index: 4, delta: 'Hm.' }) +
      event('response.output_item.done', { output_index: 2, item: output[2] })
    const all = { text: 'Yes.', reasoning: 'Hm.', toolCalls: [{ callId: 'c', name: 'find', arguments: '{"q":1}' }] }
    await check('responses', streamed + completed(output), all)
    await check('responses', completed(output), all)
    await check(
      'responses',
      event('response.output_text.delta', { output_index: 0, delta: 'Yes.' }) + completed(output),
      all,
    )
  })

  test.each<[string, string, Omit<CaseOutcome, 'status'>]>([
    [
      'a part that comes whole',
      event('response.content_part.done', {
        output_index: 0,
        content_index: 0,
        part: { type: 'output_text', text: 'Yes.' },
      }),
      { text: 'Yes.' },
    ],
    [
      'a transcript',
      event('response.output_audio_transcript.delta', { output_index: 0, delta: 'Yes.' }),
      { text: 'Yes.' },
    ],
    [
      'reasoning deltas',
      event('response.reasoning.delta', { output_index: 0, delta: { text: 'Hm.' } }),
      { reasoning: 'Hm.' },
    ],
    [
      'reasoning summary deltas',
      event('response.reasoning_summary.delta', { output_index: 0, delta: 'Hm.' }),
      { reasoning: 'Hm.' },
    ],
    [
      'a reasoning item of texts',
      completed([{ type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Hm.' }] }]),
      { reasoning: 'Hm.' },
    ],
    ['a reasoning item of one text', completed([{ type: 'reasoning', summary: 'Hm.' }]), { reasoning: 'Hm.' }],
    [
      'sound and its transcript',
      event('response.output_audio.delta', { output_index: 0, delta: wave }) +
        event('response.output_audio_transcript.done', { output_index: 0, transcript: 'Hi.' }),
      { text: 'Hi.', files: [{ mimeType: 'audio/wav' }] },
    ],
    [
      'a second message that comes only with the last event',
      event('response.output_text.delta', { output_index: 0, delta: 'One. ' }) +
        completed([
          messageItem([{ type: 'output_text', text: 'One. ' }]),
          messageItem([{ type: 'output_text', text: 'And two.' }]),
        ]),
      { text: 'One. And two.' },
    ],
    [
      'a second call that comes only with the last event',
      event('response.output_item.done', {
        output_index: 0,
        item: { type: 'function_call', call_id: 'a', name: 'now', arguments: '{}' },
      }) +
        completed([
          { type: 'function_call', call_id: 'a', name: 'now', arguments: '{}' },
          { type: 'function_call', call_id: 'b', name: 'find', arguments: '{"q":1}' },
        ]),
      {
        toolCalls: [
          { name: 'now', arguments: '{}' },
          { name: 'find', arguments: '{"q":1}' },
        ],
      },
    ],
    [
      'a second item of thoughts that comes only with the last event',
      event('response.reasoning_summary_text.delta', { output_index: 0, delta: 'Hm. ' }) +
        completed([
          { type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: 'Hm. ' }] },
          { type: 'reasoning', id: 's', summary: [{ type: 'summary_text', text: 'Well.' }] },
        ]),
      { reasoning: 'Hm. Well.' },
    ],
    [
      'words that go on in the last event',
      event('response.output_text.delta', { output_index: 0, delta: 'One ' }) +
        completed([messageItem([{ type: 'output_text', text: 'One two.' }])]),
      { text: 'One two.' },
    ],
    [
      'words that go on in the last event behind the end of their item',
      event('response.output_item.done', {
        output_index: 0,
        item: messageItem([{ type: 'output_text', text: 'One ' }]),
      }) + completed([messageItem([{ type: 'output_text', text: 'One two.' }])]),
      { text: 'One two.' },
    ],
    [
      'thoughts that go on in the last event',
      event('response.reasoning_text.delta', { output_index: 0, delta: 'Let ' }) +
        completed([{ type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Let me see.' }] }]),
      { reasoning: 'Let me see.' },
    ],
    [
      'sealed thoughts are no second item',
      event('response.output_item.done', {
        output_index: 0,
        item: { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'x' },
      }) +
        event('response.output_text.delta', { output_index: 1, delta: 'Yes.' }) +
        completed([
          { type: 'reasoning', id: 'r', summary: [], encrypted_content: 'x' },
          messageItem([{ type: 'output_text', text: 'Yes.' }]),
        ]),
      { reasoning: '', text: 'Yes.' },
    ],
    ['the convenient text alone', completed([], { output_text: 'Whole.' }), { text: 'Whole.' }],
    [
      'an image among the parts',
      completed([messageItem([{ type: 'output_image', image_url: dataUrl }])]),
      { files: [{ mimeType: 'image/png' }] },
    ],
    [
      'a custom call',
      completed([{ type: 'custom_tool_call', call_id: 'c', name: 'sh', input: 'ls -l' }]),
      { toolCalls: [{ callId: 'c', name: 'sh', arguments: 'ls -l' }] },
    ],
  ])('Responses: %s', async (_name, body, expected) =>
    check('responses', body.includes('response.completed') ? body : body + completed(), expected),
  )
})

describe('Responses: which item an event is about', () => {
  const added = (item: object, place: object = {}) => event('response.output_item.added', { item, ...place })
  const over = (item: object, place: object = {}) => event('response.output_item.done', { item, ...place })
  const said = (words: string, place: object = {}) => event('response.output_text.delta', { delta: words, ...place })
  const called = (id: string, args: string) => ({
    type: 'function_call',
    id: `f${id}`,
    call_id: id,
    name: id,
    arguments: args,
  })
  const calls = ['a', 'b'].map((name) => ({ callId: name, name, arguments: '{}' }))
  test.each<[string, string, Omit<CaseOutcome, 'status'>]>([
    [
      'no indexes',
      added({ type: 'reasoning', id: 'r' }) +
        event('response.reasoning_text.delta', { item_id: 'r', delta: 'Hm.' }) +
        over({ type: 'reasoning', id: 'r' }) +
        added(messageItem()) +
        said('Hi.', { item_id: 'm' }) +
        over(messageItem([{ type: 'output_text', text: 'Hi.' }])),
      { reasoning: 'Hm.', text: 'Hi.' },
    ],
    [
      'nothing announced, one index',
      event('response.reasoning_summary_text.delta', { output_index: 0, delta: 'Hm.' }) +
        said('Hi.', { output_index: 0 }),
      { reasoning: 'Hm.', text: 'Hi.' },
    ],
    [
      'one index for all calls',
      ['a', 'b']
        .map(
          (id) =>
            added(called(id, ''), { output_index: 0 }) +
            event('response.function_call_arguments.delta', { output_index: 0, item_id: `f${id}`, delta: '{}' }) +
            over(called(id, '{}'), { output_index: 0 }),
        )
        .join(''),
      { finishReason: 'tool_calls', toolCalls: calls },
    ],
    [
      'one index for calls at the same time',
      added(called('a', ''), { output_index: 0 }) +
        added(called('b', ''), { output_index: 0 }) +
        event('response.function_call_arguments.delta', { output_index: 0, item_id: 'fa', delta: '{}' }) +
        event('response.function_call_arguments.delta', { output_index: 0, item_id: 'fb', delta: '{}' }) +
        over(called('a', '{}'), { output_index: 0 }) +
        over(called('b', '{}'), { output_index: 0 }),
      { finishReason: 'tool_calls', toolCalls: calls },
    ],
    [
      'one index for words and a call',
      said('Hi.', { output_index: 0 }) +
        over(messageItem([{ type: 'output_text', text: 'Hi.' }]), { output_index: 0 }) +
        added(called('a', ''), { output_index: 0 }) +
        over(called('a', '{}'), { output_index: 0 }),
      { text: 'Hi.', toolCalls: calls.slice(0, 1) },
    ],
    [
      'one item at two indexes',
      added(messageItem(), { output_index: 0 }) +
        said('Hi.', { output_index: 0, item_id: 'm' }) +
        over(messageItem([{ type: 'output_text', text: 'Hi.' }]), { output_index: 1 }),
      { text: 'Hi.' },
    ],
    [
      'deltas that were not all',
      said('H', { output_index: 0 }) +
        event('response.output_text.done', { output_index: 0, text: 'Hi.' }) +
        added(called('a', ''), { output_index: 1 }) +
        event('response.function_call_arguments.delta', { output_index: 1, delta: '{' }) +
        over(called('a', '{}'), { output_index: 1 }),
      { text: 'Hi.', toolCalls: calls.slice(0, 1) },
    ],
  ])('%s', async (_name, body, expected) => {
    await check('responses', body + completed(), expected)
    await check('responses', body + event('response.done', { response: { status: 'completed', output: [] } }), expected)
  })

  test('a call whose arguments only the last event has whole', async () => {
    const cut = event('response.function_call_arguments.delta', { output_index: 0, delta: '{' })
    await check('responses', added(called('a', ''), { output_index: 0 }) + cut + completed([called('a', '{}')]), {
      toolCalls: calls.slice(0, 1),
    })
  })

  test('a whole answer that does not say what it is', async () => {
    const body = JSON.stringify({
      id: 'r',
      status: 'completed',
      output: [messageItem([{ type: 'output_text', text: 'Hi.' }])],
    })
    expect(faultsOf(await playBody('responses', body), { status: 'completed', text: 'Hi.' })).toEqual([])
  })
})

describe('a whole answer where a stream was asked for', () => {
  const chat = {
    object: 'chat.completion',
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: 'Whole.',
          reasoning_content: 'Hm.',
          tool_calls: [{ id: 'c', type: 'function', function: { name: 'find', arguments: '{}' } }],
        },
        finish_reason: 'tool_calls',
      },
    ],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  }
  const responses = {
    object: 'response',
    status: 'completed',
    error: null,
    output: [
      { type: 'reasoning', summary: [{ type: 'summary_text', text: 'Hm.' }] },
      messageItem([{ type: 'output_text', text: 'Whole.' }]),
      { type: 'function_call', call_id: 'c', name: 'find', arguments: '{}' },
    ],
    usage: { input_tokens: 3, output_tokens: 2, total_tokens: 5 },
  }
  test.each(['chat', 'responses'] as const)('%s', async (api) => {
    const expected: CaseOutcome = {
      status: 'completed',
      finishReason: 'tool_calls',
      text: 'Whole.',
      reasoning: 'Hm.',
      toolCalls: [{ callId: 'c', name: 'find', arguments: '{}' }],
      unknown: [],
    }
    const answer = api === 'chat' ? chat : responses
    for (const body of [
      JSON.stringify(answer),
      JSON.stringify(answer, null, 2),
      `${JSON.stringify(answer, null, '\t')}\n`,
      json(answer),
    ])
      for (const type of ['application/json', 'text/event-stream'])
        for (const cuts of ['whole', 'bytes'] as const) {
          const played = await playBody(api, body, cuts, type)
          expect(faultsOf(played, expected)).toEqual([])
          expect(played.usage).toEqual({ inputTokens: 3, outputTokens: 2, totalTokens: 5 })
        }
  })

  test('chunks without frames around them, one a line', async () => {
    const lines = [text('One '), text('two.'), ends()].map((frame) => frame.slice('data: '.length).trim()).join('\n')
    expect(
      faultsOf(await playBody('chat', lines, 'bytes', 'application/x-ndjson'), {
        status: 'completed',
        text: 'One two.',
        finishReason: 'stop',
      }),
    ).toEqual([])
  })
})

describe('thoughts', () => {
  const shapes: [string, object][] = [
    ['reasoning_content', { reasoning_content: 'Let me see.' }],
    ['reasoning', { reasoning: 'Let me see.' }],
    ['reasoning as an object', { reasoning: { content: 'Let me see.' } }],
    ['reasoning as an object with a text', { reasoning: { type: 'reasoning', text: 'Let me see.' } }],
    ['reasoning as a list', { reasoning: [{ type: 'summary_text', text: 'Let me see.' }] }],
    ['reasoning_text', { reasoning_text: 'Let me see.' }],
    ['thinking', { thinking: 'Let me see.' }],
    ['thinking as an object', { thinking: { content: 'Let me see.' } }],
    ['thinking_blocks', { thinking_blocks: [{ type: 'thinking', thinking: 'Let me see.', signature: 'x' }] }],
    ['reasoning_details', { reasoning_details: [{ type: 'reasoning.text', text: 'Let me see.' }] }],
    ['reasoning_details of a summary', { reasoning_details: [{ type: 'reasoning.summary', summary: 'Let me see.' }] }],
    [
      'two fields with the same',
      {
        reasoning: 'Let me see.',
        reasoning_content: 'Let me see.',
        thinking_blocks: [{ type: 'thinking', thinking: 'Let me see.' }],
      },
    ],
    ['a part called thinking', { content: [{ type: 'thinking', thinking: 'Let me see.' }] }],
    [
      'a part called thinking, with parts',
      { content: [{ type: 'thinking', thinking: [{ type: 'text', text: 'Let me see.' }] }] },
    ],
    ['a part called reasoning', { content: [{ type: 'reasoning', text: 'Let me see.' }] }],
    ['a part called reasoning, with reasoning', { content: [{ type: 'reasoning', reasoning: 'Let me see.' }] }],
    [
      'a part called reasoning, with content',
      { content: [{ type: 'reasoning', content: [{ type: 'reasoning_text', text: 'Let me see.' }] }] },
    ],
    ['a part called reasoning_text', { content: [{ type: 'reasoning_text', text: 'Let me see.' }] }],
    ['a part marked as a thought', { content: [{ thought: true, text: 'Let me see.' }] }],
    ['a delta marked as a thought', { thought: true, content: 'Let me see.' }],
    ['a delta marked by Google', { extra_content: { google: { thought: true } }, content: 'Let me see.' }],
    [
      'a delta marked by Google, with a tag',
      { extra_content: { google: { thought: true } }, content: '<thought>\nLet me see.\n</thought>' },
    ],
    ['a delta of the channel of thoughts', { channel: 'analysis', content: 'Let me see.' }],
    [
      'a part marked by Google',
      { content: [{ type: 'text', extra_content: { google: { thought: true } }, text: 'Let me see.' }] },
    ],
    ['a part of the channel of thoughts', { content: [{ type: 'text', channel: 'analysis', text: 'Let me see.' }] }],
    ['tags in a field of thoughts', { reasoning_content: '<think>\nLet me see.\n</think>\n' }],
    ['tags in a part that is a thought', { content: [{ type: 'thinking', thinking: '<think>Let me see.</think>' }] }],
    ['a closing tag in a field of thoughts', { reasoning: 'Let me see.\n</think>\n\n' }],
    ['one field that has only the beginning of another', { reasoning: 'Let me', reasoning_content: 'Let me see.' }],
    ['one field that has only the beginning, behind', { thinking: 'Let me', reasoning_content: 'Let me see.' }],
    ['fields with different thoughts', { reasoning: ' see.', reasoning_content: 'Let me' }],
    ['tags', { content: '<thinking>Let me see.</thinking>' }],
    ['tags in brackets', { content: '[THINK]Let me see.[/THINK]' }],
    ['a closing tag only', { content: 'Let me see.</think>' }],
  ]
  test.each(shapes)('%s', async (_name, fields) => {
    const expected = { reasoning: 'Let me see.', text: 'Four.', noteContains: null }
    await check('chat', delta(fields) + text('Four.') + ends(), expected)
    await check(
      'chat',
      json({ choices: [{ message: { role: 'assistant', ...fields } }] }) +
        json({ choices: [{ message: { content: 'Four.' }, finish_reason: 'stop' }] }),
      expected,
    )
  })

  test('all that came piece by piece does not come again in another field', async () => {
    const body = delta({ reasoning: 'Let me think ' }) + delta({ reasoning: 'about it.' })
    const again = delta({
      reasoning_details: [{ type: 'reasoning.text', text: 'Let me think about it.', signature: 'x' }],
    })
    await check('chat', body + again + text('Four.') + ends(), { reasoning: 'Let me think about it.', text: 'Four.' })
  })

  test('what comes in another field later is no less a thought', async () => {
    const body = delta({ reasoning_content: 'First. ' }) + delta({ thinking: 'Second.' })
    await check('chat', body + text('Four.') + ends(), { reasoning: 'First. Second.', text: 'Four.' })
  })

  test('a mark on the choice', async () => {
    const body = json({ choices: [{ index: 0, thought: true, delta: { content: 'Let me see.' } }] })
    await check('chat', body + text('Four.') + ends(), { reasoning: 'Let me see.', text: 'Four.' })
  })

  test('tags in a field of thoughts go, however they are cut', async () => {
    const field = (words: string) => delta({ reasoning_content: words })
    const body = field('<thi') + field('nk>\nLet me ') + field('see.\n</') + field('think>\n')
    await check('chat', body + text('Four.') + ends(), { reasoning: 'Let me see.', text: 'Four.' })
    await check('chat', field('Let me ') + field('see.</') + field('think>') + text('Four.') + ends(), {
      reasoning: 'Let me see.',
      text: 'Four.',
    })
    for (const more of [
      field('<think>Hm.</think>\n\nWell.'),
      field('<think>Hm.</think>') + field('\n') + field('Well.'),
    ])
      await check('chat', more + text('Four.') + ends(), { reasoning: 'Hm.\n\nWell.', text: 'Four.' })
    const spoken = 'It says `</think>` there.'
    await check('chat', field(spoken) + text('Four.') + ends(), { reasoning: spoken, text: 'Four.' })
    await check('chat', field('1 <') + text('Four.') + ends(), { reasoning: '1 <', text: 'Four.' })
    await check('chat', field('1 <') + ends(), { reasoning: '1 <', text: '' })
    await check('chat', field('1 <') + delta({ content: '' }) + field(' 2') + ends(), { reasoning: '1 < 2', text: '' })
  })

  test('a field that comes with all so far beside one in pieces says nothing more', async () => {
    const body =
      delta({ reasoning: 'Let', thinking_blocks: [{ type: 'thinking', thinking: 'Let' }] }) +
      delta({ reasoning: ' me', thinking_blocks: [{ type: 'thinking', thinking: 'Let me' }] })
    await check('chat', body + text('Four.') + ends(), { reasoning: 'Let me', text: 'Four.' })
  })

  test('a tag that only the text behind marked thoughts closes', async () => {
    const google = { extra_content: { google: { thought: true } } }
    const body = delta({ ...google, content: '<thought>Let me ' }) + delta({ ...google, content: 'see.' })
    await check('chat', body + text('</thought>Four.') + ends(), { reasoning: 'Let me see.', text: 'Four.' })
  })

  test('a closing tag behind thoughts in a field is none of the text', async () => {
    const body = delta({ reasoning_content: 'Hm.' }) + text('\n</thi') + text('nk>\n\nFour.')
    await check('chat', body + ends(), { reasoning: 'Hm.', text: 'Four.' })
  })

  test('what was shown becomes reasoning in place, and is not sent again', async () => {
    const played = await playBody(
      'chat',
      text('It is ') + text('four. ') + text('</think>') + text('\n\nFour.') + ends(),
    )
    expect(played.blocks).toMatchObject([
      {
        type: 'reasoning',
        origin: 'tag',
        status: 'completed',
        text: 'It is four. ',
        startedAt: expect.any(Number),
        endedAt: expect.any(Number),
      },
      { type: 'text', status: 'completed', text: 'Four.' },
    ])
  })

  test('with calls behind it', async () => {
    const found = call({ index: 0, id: 'c', function: { name: 'find', arguments: '{}' } })
    await check('chat', text('I look it up.</think>') + found + ends('tool_calls'), {
      reasoning: 'I look it up.',
      text: '',
      toolCalls: [{ callId: 'c', name: 'find', arguments: '{}' }],
    })
  })
})

describe('pictures, sounds and files', () => {
  test.each<[string, object, string]>([
    ['images of image_url objects', { images: [{ type: 'image_url', image_url: { url: dataUrl } }] }, 'image/png'],
    ['images of image_url texts', { images: [{ image_url: dataUrl }] }, 'image/png'],
    ['images of texts', { images: [dataUrl] }, 'image/png'],
    ['images of b64_json', { images: [{ b64_json: png, mime_type: 'image/webp' }] }, 'image/webp'],
    ['images of bare base64', { images: [png] }, 'image/png'],
    ['bare base64 in the place of an address', { images: [{ image_url: { url: png } }] }, 'image/png'],
    ['base64 that says itself what it is', { images: [{ b64_json: '/9j/4AAQSkZJRgABAQ==' }] }, 'image/jpeg'],
    ['image', { image: { url: dataUrl } }, 'image/png'],
    ['a part image_url', { content: [{ type: 'image_url', image_url: { url: dataUrl } }] }, 'image/png'],
    [
      'a part image with a source',
      { content: [{ type: 'image', source: { type: 'base64', media_type: 'image/jpeg', data: png } }] },
      'image/jpeg',
    ],
    ['a part output_image', { content: [{ type: 'output_image', image_url: dataUrl }] }, 'image/png'],
    ['a part with inline data', { content: [{ inline_data: { mime_type: 'image/gif', data: png } }] }, 'image/gif'],
    ['image_url', { image_url: { url: dataUrl } }, 'image/png'],
    ['an address', { images: [{ image_url: { url: 'https://pictures.example/cat.webp?size=1' } }] }, 'image/webp'],
    [
      'a file part',
      { content: [{ type: 'file', file: { filename: 'a.pdf', file_data: `data:application/pdf;base64,${png}` } }] },
      'application/pdf',
    ],
  ])('%s', async (_name, fields, mimeType) => {
    const body = text('Here: ') + delta(fields) + delta(fields)
    await check('chat', body + text('That is it.') + ends(), { text: 'Here: That is it.', files: [{ mimeType }] })
    await check('chat', json({ choices: [{ message: { role: 'assistant', ...fields }, finish_reason: 'stop' }] }), {
      files: [{ mimeType }],
      noteContains: null,
    })
  })

  test('beside the words of a chunk, or of a choice', async () => {
    const images = [{ image_url: 'https://pictures.example/sea.png' }]
    for (const body of [
      json({ choices: [{ delta: { content: 'Sea.' } }], images }),
      json({ choices: [{ delta: { content: 'Sea.' }, images }] }),
    ])
      await check('chat', body + ends(), { text: 'Sea.', files: [{ mimeType: 'image/png' }] })
  })

  test('frames of MP3 are known without a head', async () => {
    const data = Buffer.from([0xff, 0xf3, 0x44, 0xc4, 0, 1, 2]).toString('base64')
    await check('chat', delta({ audio: { data, transcript: 'Hi.' } }) + ends(), {
      text: 'Hi.',
      files: [{ mimeType: 'audio/mpeg' }],
    })
  })

  test('sound that came before a failure is kept', async () => {
    const played = await playBody('chat', delta({ audio: { data: wave, transcript: 'Hi.' } }) + json({ error: 'gone' }))
    expect(faultsOf(played, { status: 'failed', text: 'Hi.', files: [{ mimeType: 'audio/wav' }] })).toEqual([])
  })

  test('Responses: sound that came before a failure is kept', async () => {
    const sound = event('response.output_audio.delta', { output_index: 0, delta: wave })
    for (const end of [event('response.failed', { response: { status: 'failed', error: { message: 'gone' } } }), ''])
      expect(
        faultsOf(await playBody('responses', sound + end), { status: 'failed', files: [{ mimeType: 'audio/wav' }] }),
      ).toEqual([])
  })

  test('a picture that is none is not understood', async () => {
    const body = delta({ images: [{ image_url: { url: 'javascript:alert(1)' } }], content: 'x' }) + ends()
    expect(
      faultsOf(await playBody('chat', body), { status: 'completed', files: [], unknown: ['choices.delta.images'] }),
    ).toEqual([])
  })

  test('a spoken answer: its words are text, its bytes one file', async () => {
    const body =
      delta({ audio: { id: 'a', transcript: 'Good ' } }) +
      delta({ audio: { data: wave.slice(0, 7) } }) +
      delta({ audio: { transcript: 'morning.' } }) +
      delta({ audio: { data: wave.slice(7), expires_at: 1 } })
    await check('chat', body + ends(), { text: 'Good morning.', files: [{ mimeType: 'audio/wav' }] })
    const played = await playBody('chat', body + ends())
    expect(Buffer.from(played.files[0]!.data).toString()).toBe('RIFF....WAVE')
    expect(played.files[0]!.name).toBe('audio.wav')
  })

  test('raw samples get the head that makes them a file', async () => {
    const samples = Buffer.alloc(480, 1)
    const played = await playBody('chat', delta({ audio: { data: samples.toString('base64') } }) + ends())
    const data = Buffer.from(played.files[0]!.data)
    expect(data.subarray(0, 4).toString()).toBe('RIFF')
    expect(data.subarray(44)).toEqual(samples)
  })

  test('a whole message with sound', async () => {
    await check(
      'chat',
      json({
        choices: [
          { message: { content: null, audio: { id: 'a', data: wave, transcript: 'Hi.' } }, finish_reason: 'stop' },
        ],
      }),
      { text: 'Hi.', files: [{ mimeType: 'audio/wav' }] },
    )
  })
})

describe('calls', () => {
  const find = (args: string, fields: object = {}) => call({ ...fields, function: { name: 'find', arguments: args } })
  const more = (args: string, fields: object = {}) => call({ ...fields, function: { arguments: args } })
  const sea = { name: 'find', arguments: '{"q":"sea"}' }
  const air = { name: 'find', arguments: '{"q":"air"}' }
  test.each<[string, string, CaseOutcome['toolCalls'], string[]?]>([
    [
      'arguments repeated whole',
      find('{"q":"sea"}', { index: 0, id: 'a' }) + find('{"q":"sea"}', { index: 0, id: 'a' }),
      [sea],
    ],
    [
      'arguments repeated whole, without ids',
      find('{"q":"sea"}', { index: 0 }) + find('{"q":"sea"}', { index: 0 }),
      [sea],
    ],
    [
      'arguments repeated in pieces',
      find('{"q":"sea"}', { index: 0, id: 'a' }) + more('{"q":', { index: 0 }) + more('"sea"}', { index: 0 }),
      [sea],
    ],
    ['arguments repeated in each frame', [1, 2, 3].map(() => find('{"q":"sea"}', { id: 'a' })).join(''), [sea]],
    [
      'the same call at two indexes',
      find('{"q":"sea"}', { index: 0, id: 'a' }) + find('{"q":"sea"}', { index: 1, id: 'a' }),
      [sea],
    ],
    [
      'the same call at two indexes, in pieces',
      find('', { index: 0, id: 'a' }) +
        more('{"q":"sea"}', { index: 0 }) +
        find('', { index: 1, id: 'a' }) +
        more('{"q":', { index: 1 }) +
        more('"sea"}', { index: 1 }),
      [sea],
    ],
    [
      'a call that goes on at another index',
      find('{"q":', { index: 0, id: 'a' }) + call({ index: 1, id: 'a', function: { arguments: '"sea"}' } }),
      [sea],
    ],
    [
      'two calls with one id and other arguments',
      find('{"q":"sea"}', { index: 0, id: 'a' }) + find('{"q":"air"}', { index: 1, id: 'a' }),
      [sea, air],
    ],
    [
      'parallel calls at index 0 without ids',
      find('{"q":"sea"}', { index: 0 }) + find('{"q":"air"}', { index: 0 }),
      [sea, air],
    ],
    [
      'parallel calls of other names at index 0 without ids',
      find('{"q":', { index: 0 }) +
        more('"sea"}', { index: 0 }) +
        call({ index: 0, function: { name: 'now', arguments: '' } }) +
        more('{"z":1}', { index: 0 }),
      [sea, { name: 'now', arguments: '{"z":1}' }],
    ],
    ['parallel calls without ids and indexes', find('{"q":"sea"}') + find('{"q":"air"}'), [sea, air]],
    [
      'a call without arguments before another',
      call({ index: 0, function: { name: 'now' } }) + find('{"q":"sea"}', { index: 0 }),
      [{ name: 'now', arguments: '' }, sea],
    ],
    ['a new id for each fragment', find('{"q":', { index: 0, id: 'a' }) + more('"sea"}', { index: 0, id: 'b' }), [sea]],
    ['a place kept free for arguments', find('{}', { index: 0, id: 'a' }) + more('{"q":"sea"}', { index: 0 }), [sea]],
    [
      'the same call without arguments at two indexes',
      find('{}', { index: 0, id: 'a' }) + find('{}', { index: 1, id: 'a' }),
      [{ name: 'find', arguments: '{}' }],
    ],
    [
      'the same call at two indexes, written in another way',
      find('{"q":"sea"}', { index: 0, id: 'a' }) +
        find('{ "q": ', { index: 1, id: 'a' }) +
        more('"sea" }', { index: 1 }),
      [sea],
    ],
    [
      'an id that says that there is none',
      find('', { index: 0, id: 'null' }) +
        more('{"q":"sea"}', { index: 0, id: 'null' }) +
        find('', { index: 1, id: 'null' }) +
        more('{"q":"air"}', { index: 1, id: 'null' }),
      [sea, air],
    ],
    [
      'a new id and the name for each fragment',
      find('{"q":', { index: 0, id: 'a' }) + find('"sea"', { index: 0, id: 'b' }) + find('}', { index: 0, id: 'c' }),
      [sea],
    ],
    [
      'indexes in digits',
      find('{"q":', { index: '0', id: 'a' }) +
        find('{"q":', { index: '1', id: 'b' }) +
        more('"sea"}', { index: '0' }) +
        more('"air"}', { index: '1' }),
      [sea, air],
    ],
    ['parameters', call({ index: 0, id: 'a', function: { name: 'find', parameters: { q: 'sea' } } }), [sea]],
    [
      'arguments beside the function',
      call({ index: 0, id: 'a', function: { name: 'find' }, arguments: '{"q":"sea"}' }),
      [sea],
    ],
    ['a list', find([1] as unknown as string, { index: 0, id: 'a' }), [{ name: 'find', arguments: '[1]' }]],
    [
      'messages that repeat what came',
      ['{"q', '{"q":"sea', '{"q":"sea"}']
        .map((args) =>
          json({ choices: [{ message: { tool_calls: [{ id: 'a', function: { name: 'find', arguments: args } }] } }] }),
        )
        .join(''),
      [sea],
    ],
    [
      'a message that repeats the deltas',
      find('{"q":"sea"}', { index: 0 }) +
        json({
          choices: [{ message: { tool_calls: [{ id: '', function: { name: 'find', arguments: '{"q":"sea"}' } }] } }],
        }),
      [sea],
    ],
    ['no arguments', find('{}', { index: 0, id: 'a' }), [{ name: 'find', arguments: '{}' }]],
    ['arguments as an object', call({ index: 0, id: 'a', function: { name: 'find', arguments: { q: 'sea' } } }), [sea]],
    ['a name that comes late', more('{"q":', { index: 0, id: 'a' }) + find('"sea"}', { index: 0 }), [sea]],
    [
      'one call instead of a list',
      delta({ tool_calls: { id: 'a', function: { name: 'find', arguments: '{"q":"sea"}' } } }),
      [sea],
    ],
    ['tool_call', delta({ tool_call: { id: 'a', function: { name: 'find', arguments: '{"q":"sea"}' } } }), [sea]],
    [
      'calls of a choice',
      json({ choices: [{ tool_calls: [{ id: 'a', function: { name: 'find', arguments: '{"q":"sea"}' } }] }] }),
      [sea],
    ],
    [
      'calls of a choice beside a delta',
      json({
        choices: [
          {
            delta: { role: 'assistant' },
            tool_calls: [{ id: 'a', function: { name: 'find', arguments: '{"q":"sea"}' } }],
          },
        ],
      }),
      [sea],
    ],
    [
      'arguments: null, then text',
      call({ index: 0, id: 'a', function: { name: 'find', arguments: null } }) + more('{"q":"sea"}', { index: 0 }),
      [sea],
    ],
    [
      'arguments "null", then text',
      find('null', { index: 0, id: 'a' }) + more('{"q":', { index: 0 }) + more('"sea"}', { index: 0 }),
      [sea],
    ],
    [
      'a name in pieces',
      call({ index: 0, id: 'a', function: { name: 'fi', arguments: '' } }) +
        call({ index: 0, function: { name: 'nd' } }) +
        more('{"q":"sea"}', { index: 0 }),
      [{ callId: 'a', ...sea }],
    ],
    [
      'a name in pieces with the id in each',
      call({ index: 0, id: 'a', function: { name: 'fi' } }) +
        call({ index: 0, id: 'a', function: { name: 'nd' } }) +
        more('{"q":"sea"}', { index: 0, id: 'a' }),
      [{ callId: 'a', ...sea }],
    ],
    [
      'a name in pieces without ids',
      call({ index: 0, function: { name: 'fi' } }) +
        call({ index: 0, function: { name: 'nd' } }) +
        more('{"q":"sea"}', { index: 0 }),
      [sea],
    ],
    [
      'a name that comes whole behind its beginning',
      call({ index: 0, id: 'a', function: { name: 'fi', arguments: '' } }) + find('{"q":"sea"}', { index: 0, id: 'a' }),
      [{ callId: 'a', ...sea }],
    ],
    [
      'a legacy name in pieces',
      delta({ function_call: { name: 'fi' } }) +
        delta({ function_call: { name: 'nd' } }) +
        delta({ function_call: { arguments: '{"q":"sea"}' } }),
      [sea],
    ],
    ['a flat call', call({ index: 0, id: 'a', name: 'find', arguments: '{"q":"sea"}' }), [sea]],
    [
      'a fragment of nobody before any call',
      more('{"q":1}', { index: 3 }) + find('{"q":"sea"}', { index: 0, id: 'a' }),
      [sea],
      ['choices.delta.tool_calls'],
    ],
    [
      'a fragment of nobody, without an index',
      more('{"q":1}') + find('{"q":"sea"}', { index: 0, id: 'a' }),
      [sea],
      ['choices.delta.tool_calls'],
    ],
    [
      'a fragment of nobody at another index',
      find('{"q":"sea"}', { index: 0, id: 'a' }) + more('{"x":', { index: 1 }) + more('1}', { index: 1 }),
      [sea],
      ['choices.delta.tool_calls'],
    ],
    [
      'a fragment behind whole arguments',
      find('{"q":"sea"}', { index: 0, id: 'a' }) + more('{"x":1}', { index: 0 }),
      [sea],
      ['choices.delta.tool_calls.arguments'],
    ],
    [
      'a legacy call',
      delta({ function_call: { name: 'find' } }) +
        delta({ function_call: { arguments: '{"q":' } }) +
        delta({ function_call: { arguments: '"sea"}' } }),
      [sea],
    ],
    [
      'a legacy call beside the same as a call',
      delta({
        tool_calls: [{ index: 0, id: 'a', function: { name: 'find', arguments: '{"q":"sea"}' } }],
        function_call: { name: 'find', arguments: '{"q":"sea"}' },
      }),
      [sea],
    ],
    [
      'a custom call',
      call({ index: 0, id: 'a', type: 'custom', custom: { name: 'sh', input: 'ls ' } }) +
        call({ index: 0, custom: { input: '-l' } }),
      [{ callId: 'a', name: 'sh', arguments: 'ls -l' }],
    ],
    [
      'a part called tool_use',
      delta({ content: [{ type: 'tool_use', id: 'a', name: 'find', input: { q: 'sea' } }] }),
      [{ callId: 'a', ...sea }],
    ],
  ])('%s', async (_name, body, toolCalls, unknown = []) =>
    check('chat', body + ends('tool_calls'), { toolCalls: toolCalls!, unknown }),
  )

  test('a call that is never named does not hold up the others, and is cut off with them', async () => {
    const body = find('{"q":"se', { index: 0, id: 'a' }) + ends('length') + done
    const played = await playBody('chat', body)
    expect(played.blocks).toMatchObject([{ type: 'tool_call', name: 'find', status: 'cancelled' }])
  })
})

describe('what is not understood is named by its path', () => {
  test.each<[string, string, string[]]>([
    ['a field of a delta', delta({ mood: 'blue', content: 'x' }), ['choices.delta.mood']],
    ['a field that says nothing', delta({ mood: null, colour: '', list: [], content: 'x' }), []],
    [
      'a field of a choice',
      json({ choices: [{ delta: { content: 'x' }, verdict: { good: true } }] }),
      ['choices.verdict'],
    ],
    ['a part', delta({ content: ['x', { type: 'hologram', data: 1 }] }), ['content.hologram']],
    ['a part whose words are shown', delta({ content: [{ type: 'poem', text: 'x' }] }), ['content.poem']],
    ['a field of a chunk', json({ choices: [{ delta: { content: 'x' } }], related: ['y'], note: 'z' }), ['related']],
    ['a delta that is none', text('x') + json({ choices: [{ delta: true }] }), ['choices.delta']],
    ['choices that are none', text('x') + json({ choices: 'y' }), ['choices']],
    ['a frame', json({ object: 'chat.novelty' }) + text('x'), ['chat.novelty']],
    ['a line', `${text('x')}What is this?\n\n`, ['line']],
  ])('%s', async (_name, body, unknown) => {
    const played = await playBody('chat', body + ends() + done)
    expect(faultsOf(played, { status: 'completed', text: 'x', unknown })).toEqual([])
  })

  test('Responses: an event, an item, a part', async () => {
    const item = (fields: object) => event('response.output_item.done', { output_index: 0, item: fields })
    for (const [body, path] of [
      [event('response.novelty', { shine: 1 }), 'response.novelty'],
      [item({ type: 'hologram' }), 'hologram'],
      [item(messageItem([{ type: 'poem', text: 'x' }])), 'content.poem'],
    ] as const)
      expect((await playBody('responses', body + completed())).unknown).toEqual([path])
  })
})
