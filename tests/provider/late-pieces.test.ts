/** Pieces of an answer that come behind the end of theirs, late or without a place: nothing vanishes, nothing doubles. */
import { describe, expect, test } from 'vitest'
import { call, completed, delta, done, ends, event, json, messageItem } from '../helpers/frames.ts'
import { faultsOf, playBody, type CaseOutcome } from '../helpers/outcome.ts'

async function check(api: 'chat' | 'responses', body: string, expected: Partial<CaseOutcome>): Promise<void> {
  for (const cuts of ['whole', 'bytes'] as const)
    expect(faultsOf(await playBody(api, body, cuts), { status: 'completed', unknown: [], ...expected }), cuts).toEqual(
      [],
    )
}

const textPart = (text: string) => ({ type: 'output_text', text })
const words = (text: string, fields: object = {}) =>
  event('response.output_text.delta', { output_index: 0, item_id: 'm', content_index: 0, delta: text, ...fields })
const messageDone = (...texts: string[]) =>
  event('response.output_item.done', { output_index: 0, item: messageItem(texts.map(textPart)) })
const over = words('A') + messageDone('A')

describe('behind the end of its item', () => {
  test.each<[string, string, Partial<CaseOutcome>]>([
    ['words', over + words('B') + words('C') + completed(), { text: 'ABC' }],
    [
      'words, and all of them in the last event',
      over + words('B') + completed([messageItem([textPart('AB')])]),
      { text: 'AB' },
    ],
    [
      'words, and more in the last event',
      over + words('B') + completed([messageItem([textPart('ABC')])]),
      { text: 'ABC' },
    ],
    ['words, and their own end', over + words('B') + messageDone('B') + completed(), { text: 'AB' }],
    [
      'words with the id of an item before',
      over + words('B', { output_index: 1 }) + words('C', { output_index: 1 }) + completed(),
      { text: 'ABC' },
    ],
    [
      'a whole text',
      over +
        event('response.output_text.done', { output_index: 0, item_id: 'm', content_index: 0, text: 'B' }) +
        completed(),
      { text: 'AB' },
    ],
    [
      'what repeats it',
      over +
        event('response.output_text.done', { output_index: 0, item_id: 'm', content_index: 0, text: 'A' }) +
        event('response.content_part.done', { output_index: 0, item_id: 'm', content_index: 0, part: textPart('A') }) +
        messageDone('A') +
        completed([messageItem([textPart('A')])]),
      { text: 'A' },
    ],
    [
      'a picture',
      over +
        event('response.content_part.done', {
          output_index: 0,
          part: { type: 'output_image', image_url: 'https://a.example/b.png' },
        }) +
        completed(),
      { text: 'A', files: [{ mimeType: 'image/png' }] },
    ],
    [
      'a refusal',
      over +
        event('response.refusal.delta', { output_index: 0, item_id: 'm', content_index: 0, delta: 'No.' }) +
        completed(),
      { text: 'A', refusal: 'No.' },
    ],
    [
      'thoughts',
      event('response.reasoning_summary_text.delta', { output_index: 0, item_id: 'r', summary_index: 0, delta: 'A' }) +
        event('response.output_item.done', {
          output_index: 0,
          item: { type: 'reasoning', id: 'r', summary: [{ type: 'summary_text', text: 'A' }] },
        }) +
        event('response.reasoning_summary_text.done', { output_index: 0, item_id: 'r', summary_index: 0, text: 'A' }) +
        event('response.reasoning_summary_text.delta', {
          output_index: 0,
          item_id: 'r',
          summary_index: 0,
          delta: 'B',
        }) +
        event('response.reasoning_text.delta', { output_index: 0, item_id: 'r', content_index: 0, delta: 'C' }) +
        completed(),
      { reasoning: 'ABC' },
    ],
  ])('%s', async (_, body, expected) => check('responses', body, expected))

  const item = { type: 'function_call', id: 'fc', call_id: 'call_1', name: 'find', arguments: '{}' }
  const callDone = event('response.output_item.done', { output_index: 0, item })
  const toolCalls = [{ callId: 'call_1', name: 'find', arguments: '{}' }]
  test('arguments of a call are not understood, but for those that it has', async () => {
    const late = (type: string, fields: object) => callDone + event(type, { output_index: 0, item_id: 'fc', ...fields })
    const type = 'response.function_call_arguments'
    await check('responses', late(`${type}.done`, { arguments: '{}' }) + completed(), { toolCalls })
    for (const [name, fields] of [
      [`${type}.done`, { arguments: '{"a":1}' }],
      [`${type}.delta`, { delta: '{"a":1}' }],
    ] as const)
      await check('responses', late(name, fields) + completed(), { toolCalls, unknown: [name] })
  })
})

describe('without a place', () => {
  const plain = (type: string, text: string) =>
    event(`response.${type}.delta`, { output_index: 0, item_id: 'm', delta: text })
  const said = plain('output_text', 'A') + plain('refusal', 'No.')
  const refusal = { type: 'refusal', refusal: 'No.' }
  test.each<[string, string]>([
    ['a text and a refusal are two parts', said + completed()],
    [
      'and are not said twice',
      said +
        event('response.output_item.done', { output_index: 0, item: messageItem([textPart('A'), refusal]) }) +
        completed(),
    ],
    ['nor in the last event', said + completed([messageItem([textPart('A'), refusal])])],
    [
      'nor where the end says more',
      plain('output_text', 'A') +
        plain('refusal', 'N') +
        event('response.output_item.done', { output_index: 0, item: messageItem([textPart('A'), refusal]) }) +
        completed(),
    ],
  ])('%s', async (_, body) => check('responses', body, { text: 'A', refusal: 'No.' }))

  test('two texts in one are not said twice', async () => {
    const body = plain('output_text', 'A') + plain('output_text', 'B') + messageDone('A', 'B') + completed()
    await check('responses', body, { text: 'AB' })
  })
})

describe('a response that has only begun', () => {
  for (const status of ['queued', 'in_progress']) {
    const begun = { object: 'response', id: 'resp_1', status, output: [] }
    test(`is no answer: ${status}`, async () => {
      const failed = { status: 'failed', errorCode: 'provider_disconnected' }
      await check('responses', json(begun), failed)
      await check('responses', json(begun) + json(begun), failed)
      await check('responses', json(begun) + words('A') + completed(), { text: 'A' })
      expect(faultsOf(await playBody('responses', JSON.stringify(begun), 'whole', 'application/json'), failed)).toEqual(
        [],
      )
    })
  }
})

describe('a name and an id that come late', () => {
  const added = (item: object) => event('response.output_item.added', { output_index: 0, item })
  const grown = event('response.function_call_arguments.delta', { output_index: 0, item_id: 'fc', delta: '{"a":' })
  const end = event('response.output_item.done', {
    output_index: 0,
    item: { type: 'function_call', id: 'fc', call_id: 'call_1', name: 'find', arguments: '{"a":1}' },
  })
  const toolCalls = [{ callId: 'call_1', name: 'find', arguments: '{"a":1}' }]
  test.each<[string, string]>([
    ['empty', added({ type: 'function_call', id: 'fc', name: '', call_id: '' })],
    ['absent', added({ type: 'function_call', id: 'fc' })],
    ['null', added({ type: 'function_call', id: 'fc', name: null, call_id: null })],
    [
      'and announced twice',
      added({ type: 'function_call', id: 'fc' }) +
        added({ type: 'function_call', id: 'fc', call_id: 'call_1', name: 'find' }),
    ],
  ])('%s', async (_, body) => {
    await check('responses', body + grown + end + completed(), { toolCalls, finishReason: 'tool_calls' })
  })

  test('what stands at the end is not emptied', async () => {
    const begin = added({ type: 'function_call', id: 'fc', name: 'find', call_id: 'call_1' })
    const last = event('response.output_item.done', {
      output_index: 0,
      item: { type: 'function_call', id: 'fc', call_id: '', name: '', arguments: '{"a":1}' },
    })
    await check('responses', begin + grown + last + completed(), { toolCalls })
  })

  test('two custom calls at one index are two', async () => {
    const custom = (id: string, input: string) =>
      call({ index: 0, id, type: 'custom', custom: { name: 'shell', input } })
    await check('chat', custom('a', 'ls') + custom('b', 'pwd') + ends('tool_calls') + done, {
      toolCalls: [
        { callId: 'a', name: 'shell', arguments: 'ls' },
        { callId: 'b', name: 'shell', arguments: 'pwd' },
      ],
    })
    await check(
      'chat',
      delta({}) + custom('a', 'ls') + call({ index: 0, custom: { input: ' -l' } }) + ends('tool_calls') + done,
      {
        toolCalls: [{ callId: 'a', name: 'shell', arguments: 'ls -l' }],
      },
    )
  })
})
