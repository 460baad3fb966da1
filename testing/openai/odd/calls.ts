/** How providers send calls of tools. */
import { CALL, call, chat, chunk, DONE, finish, part, SECOND, TEXT, words } from './oddity.ts'

const end = [finish('tool_calls'), DONE]
const one = { status: 'completed', toolCalls: [CALL] } as const
const two = { status: 'completed', toolCalls: [CALL, SECOND] } as const
const whole = ({ callId, name, arguments: text }: typeof CALL, more: object = {}) => ({
  id: callId,
  type: 'function',
  function: { name, arguments: text },
  ...more,
})
const [head, tail] = [CALL.arguments.slice(0, 5), CALL.arguments.slice(5)]
const first = (more: object = {}) =>
  part({ index: 0, id: CALL.callId, type: 'function', function: { name: CALL.name, arguments: '', ...more } })

export const CALLS = {
  'mistral-no-index': chat('calls without `index`, each whole', [part(whole(CALL)), part(whole(SECOND)), ...end], two),
  'mistral-calls-in-one-delta': chat(
    'several whole calls in one delta, with the finish reason',
    [
      chunk({ role: 'assistant', content: '' }),
      chunk({ tool_calls: [whole(CALL, { index: 0 }), whole(SECOND, { index: 1 })] }, { finish_reason: 'tool_calls' }),
      DONE,
    ],
    two,
  ),
  'bedrock-parts-in-one-delta': chat(
    'several fragments of one call in one delta',
    [
      first(),
      chunk({
        tool_calls: [
          { index: 0, function: { arguments: head } },
          { index: 0, function: { arguments: tail } },
        ],
      }),
      ...end,
    ],
    one,
  ),
  'zai-index-1': chat('the first index is 1', [words(), call(CALL, 1), ...end], { ...one, text: TEXT }),
  'openrouter-empty-id': chat(
    'later fragments with an empty `id` and `type`',
    [
      first(),
      part({ index: 0, id: '', type: '', function: { name: '', arguments: head } }),
      part({ index: 0, id: '', type: '', function: { arguments: tail } }),
      ...end,
    ],
    one,
  ),
  'kimi-id-and-name-repeated': chat(
    'id and name on every fragment',
    [
      first(),
      ...[head, tail].map((text) =>
        part({ index: 0, id: CALL.callId, type: 'function', function: { name: CALL.name, arguments: text } }),
      ),
      ...end,
    ],
    one,
  ),
  'writer-null-arguments': chat(
    'the first fragment has `arguments: null`',
    [first({ arguments: null }), part({ index: 0, function: { arguments: CALL.arguments } }), ...end],
    one,
  ),
  'databricks-empty-arguments': chat('a call without arguments: `""` to the end', [first(), ...end], {
    status: 'completed',
    toolCalls: [{ ...CALL, arguments: '' }],
  }),
  'together-finish-after-each-call': chat(
    'a finish reason behind each call, so the second one comes behind it',
    [call(CALL), finish('tool_calls'), call(SECOND, 1), ...end],
    two,
  ),
  'avian-space-between-calls': chat(
    'white space as text between two calls',
    [call(CALL), words('\n'), call(SECOND, 1), ...end],
    two,
  ),
  'gemini-text-after-finish': chat(
    'text behind the finish reason `tool_calls`, then `stop`',
    [call(CALL), finish('tool_calls'), words(), finish('stop'), DONE],
    { ...one, text: TEXT },
  ),
  'arguments-repeated-whole': chat(
    'the arguments in pieces, and then once more as a whole',
    [call(CALL), part({ index: 0, ...whole(CALL) }), ...end],
    one,
  ),
  'same-call-at-two-indexes': chat(
    'the same call again at another index',
    [part(whole(CALL, { index: 0 })), part(whole(CALL, { index: 1 })), ...end],
    one,
  ),
  'legacy-function-call': chat(
    '`function_call` of 2023',
    [
      chunk({ role: 'assistant', content: null, function_call: { name: CALL.name, arguments: head } }),
      chunk({ function_call: { arguments: tail } }),
      finish('function_call'),
      DONE,
    ],
    { status: 'completed', toolCalls: [{ name: CALL.name, arguments: CALL.arguments }], finishReason: 'tool_calls' },
  ),
  'calls-with-finish-stop': chat('a call, and the finish reason `stop`', [call(CALL), finish('stop'), DONE], one),
  'llamacpp-cut-arguments': chat(
    'the stream ends within the arguments',
    [first(), part({ index: 0, function: { arguments: head } })],
    { status: 'failed' },
  ),
} as const
