/** What ends as what: failures in every shape, finish reasons in every word, signs of life. */
import { describe, expect, test } from 'vitest'
import { endingOf } from '../../server/provider/finish-reasons.ts'
import { completed, delta, done, ends, event, json, messageItem, text, variantsOf } from '../helpers/frames.ts'
import { faultsOf, playBody, type CaseOutcome } from '../helpers/outcome.ts'

async function check(api: 'chat' | 'responses', body: string, expected: CaseOutcome): Promise<void> {
  for (const [how, variant] of variantsOf(body))
    for (const cuts of ['whole', 'bytes'] as const)
      expect(faultsOf(await playBody(api, variant, cuts), expected), `${how}, ${cuts}`).toEqual([])
}

const half = text('Half')
const failed = (words: string, before = ''): CaseOutcome => ({
  status: 'failed',
  errorCode: 'provider_error',
  errorMessageContains: words,
  text: before,
})

describe('a failure never ends as completed', () => {
  test.each<[string, string, CaseOutcome]>([
    ['message and code', json({ code: 503, message: 'No worker free' }), failed('No worker free')],
    ['message alone', json({ message: 'Unauthorized access' }), failed('Unauthorized access')],
    [
      'Message, as gateways of AWS spell it',
      half + json({ Message: 'Token expired' }),
      failed('Token expired', 'Half'),
    ],
    ['msg and a string as code', json({ msg: 'bad key', code: '1002' }), failed('bad key')],
    ['detail behind text', half + json({ detail: 'Worker died' }), failed('Worker died', 'Half')],
    [
      'detail as a list with places',
      json({ detail: [{ loc: ['body', 'temperature'], msg: 'must be below 2', type: 'value_error' }] }),
      failed('body.temperature: must be below 2'),
    ],
    ['detail as an object', json({ detail: { error: 'model missing' } }), failed('model missing')],
    [
      'errors as a list',
      half + json({ errors: [{ message: 'first' }, { message: 'second' }] }),
      failed('first; second', 'Half'),
    ],
    ['errors as texts', json({ errors: ['out of quota'] }), failed('out of quota')],
    ['error as a text', half + json({ error: 'CUDA error' }), failed('CUDA error', 'Half')],
    ['error as a list', json({ error: [{ message: 'listed' }] }), failed('listed')],
    ['error as JSON in a text', json({ error: '{"error":{"message":"wrapped"}}' }), failed('wrapped')],
    ['JSON inside the message', json({ error: { message: '{"detail":"deep inside"}' } }), failed('deep inside')],
    ['error: true beside the message', json({ error: true, message: 'it broke' }), failed('it broke')],
    [
      'a gateway with the words of the provider behind it',
      json({
        error: {
          message: 'Provider returned error',
          code: 400,
          metadata: { raw: '{"error":{"message":"too many images"}}' },
        },
      }),
      failed('too many images'),
    ],
    ['a list with an error in it', json([{ error: { code: 400, message: 'Unknown name' } }]), failed('Unknown name')],
    [
      'base_resp behind text',
      half + json({ choices: [], base_resp: { status_code: 1027, status_msg: 'output risk' } }),
      failed('output risk', 'Half'),
    ],
    [
      'base_resp beside a choice',
      json({ choices: [{ delta: { content: 'Half' } }], base_resp: { status_code: 1013, status_msg: 'inner fault' } }),
      failed('inner fault', 'Half'),
    ],
    ['success: false', json({ success: false, message: 'no credit' }), failed('no credit')],
    ['a status of words', json({ status: 'error', reason: 'engine stopped' }), failed('engine stopped')],
    ['a code without words', json({ code: 500 }), failed('500')],
    ['a code and usage without choices', json({ choices: [], code: 429, message: 'slow down' }), failed('slow down')],
    ['a fault', json({ fault: { faultstring: 'invalid key', detail: { errorcode: 'x' } } }), failed('invalid key')],
    ['Error with a capital', json({ Error: { Code: 'Throttled', Message: 'too fast' } }), failed('too fast')],
    ['error_code and error_msg', json({ error_code: 110, error_msg: 'token invalid' }), failed('token invalid')],
    [
      'problem+json',
      json({ type: 'about:blank', title: 'Gone', status: 410, detail: 'model retired' }),
      failed('model retired'),
    ],
    ['code 0 beside a sentence in the error', json({ error: { code: 0, message: 'it broke' } }), failed('it broke')],
    [
      'a status that is pending, in the error',
      json({ error: { status: 'pending', message: 'not ready' } }),
      failed('not ready'),
    ],
    [
      'a list of several',
      half + json([{ error: { message: 'first' } }, { error: { message: 'second' } }]),
      failed('first', 'Half'),
    ],
    ['in the delta', half + delta({ error: { message: 'inside' } }), failed('inside', 'Half')],
    ['ERROR: in words', `${half}ERROR: it fell over\n\n`, failed('it fell over', 'Half')],
    ['inside of a Response', json({ Response: { Error: { Code: 'Auth', Message: 'no sign' } } }), failed('no sign')],
    ['inside of a header', json({ header: { code: 10013, message: 'blocked', status: 2 } }), failed('blocked')],
    ['inside of a status', half + json({ status: { code: 401, message: 'no key' } }), failed('no key', 'Half')],
    ['two levels down', json({ Meta: { id: '1', Error: { Code: 'X', Message: 'far down' } } }), failed('far down')],
    ['ErrorMsg', half + json({ ErrorMsg: { Msg: 'busy', Code: 4001 } }), failed('busy', 'Half')],
    ['an object called err', half + json({ err: { message: 'inside' } }), failed('inside', 'Half')],
    ['error_info', json({ data: null, error_info: { message: 'explained' } }), failed('explained')],
    [
      'a field called by its exception',
      half + json({ modelStreamErrorException: { message: 'model fell', originalStatusCode: 424 } }),
      failed('model fell', 'Half'),
    ],
    [
      'a code of failure beside a choice',
      half + json({ code: 10014, message: 'output blocked', choices: [{ index: 0, delta: { content: '' } }] }),
      failed('output blocked', 'Half'),
    ],
    [
      'a type of its own beside a code',
      half + json({ type: 'invalid_request', code: 'rate', message: 'too many' }),
      failed('too many', 'Half'),
    ],
    ['a type of trouble', half + json({ type: 'not_found', message: 'no model' }), failed('no model', 'Half')],
    [
      'behind a finish reason of failure',
      half + ends('error') + json({ error: { message: 'told later' } }),
      failed('told later', 'Half'),
    ],
    [
      'beside a finish reason of failure',
      half +
        json({ choices: [{ index: 0, delta: {}, finish_reason: 'error' }], error: { code: 502, message: 'beside' } }),
      failed('beside', 'Half'),
    ],
    ['in the finish reason', half + ends({ type: 'abort', message: 'engine gone' }), failed('engine gone', 'Half')],
    [
      'in the message',
      half + json({ choices: [{ message: { error: { message: 'in it' } } }] }),
      failed('in it', 'Half'),
    ],
    [
      'error_message on the choice',
      half + json({ choices: [{ delta: {}, finish_reason: 'stop', error_message: 'on it' }] }),
      failed('on it', 'Half'),
    ],
    [
      'a code on the choice',
      half + json({ choices: [{ index: 0, code: 500, message: 'on it' }] }),
      failed('on it', 'Half'),
    ],
    ['an event named by its error', `${half}event: upstream_error\n${json({ text: 'gone' })}`, failed('gone', 'Half')],
    ['object: error', json({ object: 'error', message: 'context too long', code: 40303 }), failed('context too long')],
    [
      'type: error',
      json({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }),
      failed('Overloaded'),
    ],
    [
      'on the choice, beside a finish reason',
      half +
        json({ choices: [{ index: 0, delta: {}, finish_reason: 'stop', error: { message: 'cut off upstream' } }] }),
      failed('cut off upstream', 'Half'),
    ],
    [
      'on the choice, as a text',
      json({ choices: [{ index: 0, delta: { content: 'Half' }, error: 'broken pipe' }] }),
      failed('broken pipe', 'Half'),
    ],
    [
      'behind the finish reason',
      half + ends() + json({ error: { message: 'billing failed' } }),
      failed('billing failed', 'Half'),
    ],
    [
      'an event called error, in JSON',
      `${half}event: error\n${json({ message: 'called so' })}`,
      failed('called so', 'Half'),
    ],
    ['an event called error, in words', `${half}event: error\ndata: engine gone\n\n`, failed('engine gone', 'Half')],
    ['an error: line in words', `${half}error: decoder gone\n\n`, failed('decoder gone', 'Half')],
    [
      'an error: line right behind a frame',
      `${half.trimEnd()}\nerror: {"message":"no room"}\n\n`,
      failed('no room', 'Half'),
    ],
    ['a bare line of JSON before any text', '{"error":{"message":"not loaded"}}\n\n', failed('not loaded')],
    [
      'a bare line of JSON right behind a frame',
      `${half.trimEnd()}\n{"error":"no memory"}\n`,
      failed('no memory', 'Half'),
    ],
    [
      'bare JSON on many lines',
      `${half}{\n  "error": {\n    "message": "on many lines",\n    "code": 500\n  }\n}\n\n`,
      failed('on many lines', 'Half'),
    ],
    ['bare detail', `${half}{"detail":"gone"}\n\n`, failed('gone', 'Half')],
  ])('%s', async (_name, body, expected) => check('chat', body, expected))

  test.each<[string, string, CaseOutcome]>([
    ['without a type', json({ error: { message: 'quota' } }), failed('quota')],
    ['message and code without a type', json({ code: 'rate_limit', message: 'slow' }), failed('slow')],
    ['detail', json({ detail: 'no such model' }), failed('no such model')],
    [
      'response.error',
      event('response.error', { error: { message: 'called response.error' } }),
      failed('called response.error'),
    ],
    [
      'response.error by the name of the event',
      `event: response.error\n${json({ message: 'named' })}`,
      failed('named'),
    ],
    [
      'response.failed',
      event('response.failed', { response: { status: 'failed', error: { message: 'it failed' } } }),
      failed('it failed'),
    ],
    [
      'failed, said by a completed event',
      completed([], { status: 'failed', error: { message: 'completed?' } }),
      failed('completed?'),
    ],
    [
      'an error beside a completed answer',
      completed([], { error: { code: 'server_error', message: 'half done' } }),
      failed('half done'),
    ],
    [
      'failed, said on the way',
      event('response.in_progress', { response: { status: 'failed', error: { message: 'early' } } }),
      failed('early'),
    ],
    [
      'incomplete with an error',
      event('response.incomplete', { response: { status: 'incomplete', error: { message: 'cut' } } }),
      failed('cut'),
    ],
    [
      'incomplete by a fault',
      event('response.incomplete', {
        response: { status: 'incomplete', incomplete_details: { reason: 'network_error' } },
      }),
      failed('network_error'),
    ],
    ['response.failed with flat fields', event('response.failed', { message: 'flat too' }), failed('flat too')],
    ['a code and a type of its own', json({ type: 'rate_limit', code: 'rate', message: 'slow' }), failed('slow')],
    ['error with flat fields', event('error', { code: 'x', message: 'flat' }), failed('flat')],
    ['bare JSON', '{"error":{"message":"bare"}}\n\n', failed('bare')],
    ['an error: line', 'error: {"message":"line"}\n\n', failed('line')],
  ])('Responses: %s', async (_name, body, expected) => {
    await check('responses', body, expected)
    const started =
      event('response.created', { response: { status: 'in_progress', output: [], error: null } }) +
      event('response.output_text.delta', { output_index: 0, content_index: 0, delta: 'Half' })
    await check('responses', started + body, { ...expected, text: 'Half' })
  })

  test.each<[string, string]>([
    ['{"error":{"message":"as a body"}}', 'as a body'],
    ['{"detail":"Not authenticated"}', 'Not authenticated'],
    ['[{"error":{"message":"as a list"}}]', 'as a list'],
    ['{"base_resp":{"status_code":1004,"status_msg":"login fail"}}', 'login fail'],
    ['{\n  "code": 401,\n  "msg": "pretty"\n}\n', 'pretty'],
  ])('a body with status 200: %j', async (body, words) => {
    for (const api of ['chat', 'responses'] as const)
      for (const type of ['application/json', 'text/event-stream', ''])
        expect(faultsOf(await playBody(api, body, 'bytes', type), failed(words)), `${api} ${type}`).toEqual([])
  })
})

describe('what looks like a failure and is none', () => {
  const good: CaseOutcome = { status: 'completed', finishReason: 'stop', text: 'Good.' }
  const choice = { index: 0, delta: { content: 'Good.' }, finish_reason: null }
  test.each<[string, string]>([
    ['error: null', json({ choices: [choice], error: null }) + ends()],
    ['an empty error', json({ choices: [choice], error: {}, errors: [] }) + ends()],
    ['an error without words and with code 0', json({ choices: [choice], error: { code: 0, message: '' } }) + ends()],
    ['base_resp with status 0', json({ choices: [choice], base_resp: { status_code: 0, status_msg: '' } }) + ends()],
    [
      'base_resp alone, with status 0',
      json({ choices: [choice] }) + ends() + json({ base_resp: { status_code: 0, status_msg: 'success' } }),
    ],
    ['code: 0 and message: success', json({ code: 0, message: 'success', choices: [choice] }) + ends()],
    ['code: 0 without choices', json({ code: 0, msg: 'ok' }) + text('Good.') + ends()],
    ['a word of progress', json({ status: 'processing', message: 'in line' }) + text('Good.') + ends()],
    ['base_resp with null', json({ choices: [choice], base_resp: { status_code: null, status_msg: null } }) + ends()],
    ['success: true', json({ success: true, message: 'connected' }) + text('Good.') + ends()],
    [
      'an error with code 0 and the word success',
      json({ choices: [choice], error: { code: 0, message: 'success' } }) + ends(),
    ],
    ['words beside a choice', json({ message: 'note', detail: 'x', choices: [choice] }) + ends()],
    ['a message object', json({ choices: [{ index: 0, message: { content: 'Good.' } }] }) + ends()],
    ['an event of its own kind', json({ type: 'metadata', message: 'cost' }) + text('Good.') + ends()],
    ['a title', json({ conversation_id: 'c', title: 'New chat' }) + text('Good.') + ends()],
    ['a word of progress without a code', json({ status: 'loading', message: 'model' }) + text('Good.') + ends()],
    ['an event called otherwise', `event: metadata\n${json({ message: 'started' })}${text('Good.')}${ends()}`],
    ['is_error: false', json({ choices: [choice], is_error: false, error_code: 0, error_msg: '' }) + ends()],
    ['error: null on the choice', json({ choices: [{ ...choice, error: null }] }) + ends()],
  ])('%s', async (_name, body) => check('chat', body, good))
})

describe('finish reasons', () => {
  const words: Record<string, string> = {
    stop: 'stop STOP Stop end_turn eos eos_token stop_sequence COMPLETE FINISH FINISH_REASON_STOP endTurn eosFound REASON_STOP </s> <|im_end|> <|eot_id|> <end_of_turn>',
    length:
      'length max_tokens MAX_TOKENS model_context_window_exceeded MODEL_LENGTH maxTokens max_output_tokens token_limit contextLengthReached context_overflow context_length_exceeded CONTEXT_LIMIT_EXCEEDED',
    content_filter:
      'content_filter CONTENT_FILTERED safety SAFETY sensitive RECITATION BLOCKLIST PROHIBITED_CONTENT SPII guardrail_intervened refusal content-filter IMAGE_SAFETY',
    tool_calls: 'tool_calls TOOL_CALLS function_call tool_use toolUse tool-calls TOOL_CALL',
    failed:
      'network_error insufficient_system_resource malformed_function_call MALFORMED_FUNCTION_CALL error ERROR abort cancelled UNEXPECTED_TOOL_CALL timeout malformed_tool_use out_of_memory',
    unknown: 'OTHER daydream FINISH_REASON_UNSPECIFIED pause_turn constructor __proto__ toString',
  }
  test.each(Object.entries(words))('%s', async (ending, list) => {
    for (const word of list.split(' ')) {
      expect(endingOf(word), word).toBe(ending)
      const played = await playBody('chat', text('Words.') + ends(word) + done)
      const expected: CaseOutcome =
        ending === 'failed'
          ? { status: 'failed', errorCode: 'provider_error', errorMessageContains: word, text: 'Words.' }
          : {
              status: 'completed',
              finishReason: ending,
              text: 'Words.',
              noteContains: ending === 'unknown' ? word : null,
            }
      expect(faultsOf(played, expected), word).toEqual([])
    }
  })

  test.each<[string, string, string]>([
    ['the word null is none', text('A') + delta({ content: 'B' }, 'null') + ends(), 'stop'],
    [
      'in another spelling of the field',
      text('AB') + json({ choices: [{ delta: {}, finishReason: 'MAX_TOKENS' }] }),
      'length',
    ],
    ['inside the delta', text('AB') + json({ choices: [{ delta: { finish_reason: 'stop' } }] }), 'stop'],
    ['as an object', text('AB') + ends({ type: 'max_tokens' }), 'length'],
    ['in the message', json({ choices: [{ message: { content: 'AB', finish_reason: 'length' } }] }), 'length'],
    ['beside the choices', text('AB') + json({ choices: [], finish_reason: 'length' }), 'length'],
    ['as stop_reason only', text('AB') + json({ choices: [{ delta: {}, stop_reason: 'max_tokens' }] }), 'length'],
    [
      'as native_finish_reason only',
      text('AB') + json({ choices: [{ delta: {}, finish_reason: null, native_finish_reason: 'SAFETY' }] }),
      'content_filter',
    ],
    ['words behind words', text('AB') + ends('content_filter: PROHIBITED_CONTENT'), 'content_filter'],
    ['called a filter', text('AB') + ends('image_moderation'), 'content_filter'],
    ['the last one counts', text('A') + delta({ content: 'B' }, 'stop') + ends('length'), 'length'],
  ])('%s', async (_name, body, finishReason) =>
    check('chat', body, { status: 'completed', finishReason, text: 'AB', noteContains: null }),
  )
})

test.each([
  'function_call_filter: MALFORMED_FUNCTION_CALL',
  'error: no memory',
  'engine_error',
  'overloaded_error',
  'rate_limit_exceeded',
  'insufficient_quota',
  'service_unavailable',
])('a finish reason that is called a failure is one: %s', async (word) => {
  const played = await playBody('chat', text('Words.') + ends(word) + done)
  expect(faultsOf(played, { status: 'failed', errorMessageContains: word, text: 'Words.' })).toEqual([])
})

describe('an answer that holds nothing', () => {
  test.each<[string, string, CaseOutcome]>([
    ['without a reason', done, { status: 'failed', errorCode: 'provider_bad_response' }],
    [
      'a role and nothing else',
      delta({ role: 'assistant', content: '' }) + done,
      { status: 'failed', errorCode: 'provider_bad_response' },
    ],
    ['white space only', text('\n\n') + done, { status: 'failed', errorCode: 'provider_bad_response' }],
    [
      'usage only',
      json({ choices: [], usage: { prompt_tokens: 1, completion_tokens: 0 } }) + done,
      { status: 'failed', errorCode: 'provider_bad_response' },
    ],
    ['with a reason', ends() + done, { status: 'completed', finishReason: 'stop', noteContains: 'empty' }],
    [
      'cut by its length',
      ends('length') + done,
      { status: 'completed', finishReason: 'length', noteContains: 'length' },
    ],
    [
      'filtered',
      ends('SAFETY') + done,
      { status: 'completed', finishReason: 'content_filter', noteContains: 'filter' },
    ],
    [
      'thoughts are something',
      delta({ reasoning_content: 'Hm.' }) + ends('length') + done,
      { status: 'completed', noteContains: null },
    ],
    [
      'a refusal is something',
      delta({ refusal: 'No.' }) + ends() + done,
      { status: 'completed', refusal: 'No.', noteContains: null },
    ],
    ['cut off', delta({ role: 'assistant' }), { status: 'failed', errorCode: 'provider_disconnected' }],
  ])('%s', async (_name, body, expected) => {
    for (const cuts of ['whole', 'bytes'] as const)
      expect(faultsOf(await playBody('chat', body, cuts), expected)).toEqual([])
  })

  test('Responses: completed is a reason, and a note says that it is empty', async () => {
    await check('responses', completed(), { status: 'completed', finishReason: 'stop', noteContains: 'empty' })
    await check('responses', completed([messageItem([])]), { status: 'completed', noteContains: 'empty' })
  })

  test('Responses: incomplete for a reason that nobody knows', async () => {
    const body =
      event('response.output_text.delta', { output_index: 0, delta: 'Half' }) +
      event('response.incomplete', { response: { status: 'incomplete', incomplete_details: { reason: 'moonrise' } } })
    await check('responses', body, {
      status: 'completed',
      finishReason: 'unknown',
      noteContains: 'moonrise',
      text: 'Half',
    })
  })
})

test.each([
  'data:\n\n',
  'data: \n\n',
  'event: ping\n\n',
  'event: ping\ndata:\n\n',
  'event: ping\ndata: {"type": "ping"}\n\n',
  'event: heartbeat\ndata: 17\n\n',
  'data: : STILL THINKING\n\n',
  'data: :\n\n',
  ': comment\n\n',
  ':\n\n',
  'data: ping\n\n',
  'data: keep-alive\n\n',
  'data: null\n\n',
  'data: {}\n\n',
  'data: {"type":"keepalive"}\n\n',
  'data: {"type":"heartbeat","at":1}\n\n',
  'data: ""\n\n',
  'data: [PING]\n\n',
  'data: {"ping":17}\n\n',
  'data: {"event":"keep-alive"}\n\n',
  'data: {"status":"processing"}\n\n',
  'data: {"message":"ping"}\n\n',
  'data: GATEWAY PROCESSING\n\n',
  'data: heartbeat 12\n\n',
  'data: ping - 2026-01-01T00:00:00Z\n\n',
  'data: .\n\n',
  'data: 0\n\n',
  'data: true\n\n',
  'data: \u200b\n\n',
  'event: response.heartbeat\ndata: {"type":"response.heartbeat"}\n\n',
  'retry: 3000\n\n',
  'id: 7\n\n',
  '\n\n\n',
])('the sign of life %j says nothing', async (alive) => {
  const body = alive + text('One ') + alive + text('two.') + alive + ends() + alive
  for (const [, variant] of variantsOf(body)) {
    const played = await playBody('chat', variant, 'bytes')
    expect(faultsOf(played, { status: 'completed', finishReason: 'stop', text: 'One two.', unknown: [] })).toEqual([])
  }
  const other =
    alive + event('response.output_text.delta', { output_index: 0, delta: 'One' }) + alive + completed() + alive
  const played = await playBody('responses', other, 'bytes')
  expect(faultsOf(played, { status: 'completed', text: 'One', unknown: [] })).toEqual([])
})

test.each([
  'data:  [DONE]\n\n',
  'data: [DONE] \n\n',
  'data:[DONE]\n\n',
  'data: [done]\n\n',
  'data: DONE\n\n',
  'data: "[DONE]"\n\n',
  'event: done\ndata: [DONE]\n\n',
  'event: done\ndata: {}\n\n',
  'event: complete\ndata: complete\n\n',
  'data: [END]\n\n',
  'data: <|DONE|>\n\n',
  'data: data: [DONE]\n\n',
  'data: [DONE]\ndata: [DONE]\n\n',
  '[DONE]\n\n',
])('the mark of the end %j', async (mark) => {
  const played = await playBody('chat', text('Hi.') + mark + text(' Late.'), 'bytes')
  expect(faultsOf(played, { status: 'completed', text: 'Hi.' })).toEqual([])
})

test('frames without empty lines between them', async () => {
  const body = [text('One '), text('two.'), ends(), done].map((frame) => frame.trimEnd()).join('\n')
  await check('chat', `${body}\n\n`, { status: 'completed', finishReason: 'stop', text: 'One two.' })
})
