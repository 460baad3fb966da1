/** How providers end an answer, and how they say that something went wrong. */
import { bare, chat, chunk, DONE, finish, frame, TEXT, words } from './oddity.ts'

const expected = { status: 'completed', text: TEXT } as const
const failed = (words: string, text?: string) =>
  ({ status: 'failed', errorMessageContains: words, ...(text === undefined ? {} : { text }) }) as const

export const ENDS = {
  'cerebras-no-done': chat('no `[DONE]`', [words(), finish('stop')], { ...expected, finishReason: 'stop' }),
  'snowflake-no-finish': chat('no finish reason, but `[DONE]`', [words(), DONE], {
    ...expected,
    finishReason: 'unknown',
  }),
  'neither-finish-nor-done': chat('the stream just ends', words(), { status: 'failed', text: TEXT }),
  'done-alone': chat('`[DONE]`, and nothing else', DONE, { status: 'failed' }),
  'openai-budget-exhausted': chat(
    '`length` without a word: the budget went into thoughts',
    [chunk({ role: 'assistant', content: '' }), finish('length'), DONE],
    { status: 'completed', text: '', finishReason: 'length' },
  ),
  'gemini-max-tokens': chat('`MAX_TOKENS` in the place of `length`', [words(), finish('MAX_TOKENS'), DONE], {
    ...expected,
    finishReason: 'length',
  }),
  'zai-sensitive': chat('`sensitive` in the place of `content_filter`', [words(), finish('sensitive'), DONE], {
    ...expected,
    finishReason: 'content_filter',
  }),
  'deepseek-no-resources': chat(
    '`insufficient_system_resource`: it broke off',
    [words(), finish('insufficient_system_resource'), DONE],
    { status: 'failed', text: TEXT },
  ),
  'openrouter-error': chat(
    'an `error` beside a choice, in the middle',
    [
      words(),
      chunk({ role: 'assistant', content: '' }, {}, { error: { code: 400, message: 'Token limit reached' } }),
      DONE,
    ],
    failed('Token limit reached', TEXT),
  ),
  'choice-error': chat(
    'an `error` in the choice, with the finish reason `stop`',
    [words(), chunk({}, { finish_reason: 'stop', error: { code: 502, message: 'Provider disconnected' } }), DONE],
    failed('Provider disconnected', TEXT),
  ),
  'groq-error-event': chat(
    'an event that is called `error`, and nothing behind it',
    [words(), `event: error\n${frame({ error: { message: 'Tool call validation failed', code: 'tool_use_failed' } })}`],
    failed('Tool call validation failed', TEXT),
  ),
  'minimax-base-resp': chat(
    'a failure in `base_resp`, then `[DONE]`',
    [frame({ choices: null, base_resp: { status_code: 1008, status_msg: 'insufficient balance' } }), DONE],
    failed('insufficient balance'),
  ),
  'detail-error': chat(
    'a failure in `detail`',
    [frame({ detail: 'Internal failure in worker' }), DONE],
    failed('Internal failure'),
  ),
  'unframed-error': chat(
    'JSON without a frame around it, behind some text',
    [words(), '{"error":{"message":"out of memory","code":500}}\n\n', DONE],
    failed('out of memory', TEXT),
  ),
  'error-field': chat(
    'a line that begins with `error:`, then `[DONE]`',
    [words(), 'error: {"code":500,"message":"failed to decode the batch"}\n\n', DONE],
    failed('failed to decode the batch', TEXT),
  ),
  'error-with-status-200': {
    ...chat(
      'JSON with an error, status 200',
      '{"error":{"message":"Model is loading.","code":1}}',
      failed('Model is loading.'),
    ),
    contentType: 'application/json',
  },
  'gemini-error-list': {
    ...chat(
      'HTTP 400 whose body is a list with the error in it',
      '[{"error":{"code":400,"message":"Unknown name \\"reasoning\\": Cannot find field."}}]',
      failed('Unknown name'),
    ),
    status: 400,
    contentType: 'application/json',
  },
  'fastapi-detail': {
    ...chat(
      'HTTP 422 with the place and the words of FastAPI',
      '{"detail":[{"loc":["body","n"],"msg":"must be 1"}]}',
      failed('must be 1'),
    ),
    status: 422,
    contentType: 'application/json',
  },
  'comments-behind-finish': {
    ...chat('a finish reason, then comments for ever', [words(), finish('stop')], {
      ...expected,
      finishReason: 'stop',
    }),
    keepAlive: { data: ': keepalive\n\n', everyMs: 400 },
  },
  'only-comments': {
    ...chat('comments, and never a word', ': queued\n\n', { status: 'failed' }),
    keepAlive: { data: ': queued\n\n', everyMs: 400 },
  },
  'avian-finish-repeated': chat(
    'the finish reason again on the chunk with the usage',
    [
      words(),
      finish('stop'),
      finish('stop', { usage: { prompt_tokens: 1, completion_tokens: 5, total_tokens: 6 } }),
      DONE,
    ],
    { ...expected, finishReason: 'stop' },
  ),
  'databricks-usage-everywhere': chat(
    'usage on every chunk, with nulls in it',
    [
      chunk({ content: TEXT }, {}, { usage: { prompt_tokens: 1, completion_tokens: null, total_tokens: null } }),
      finish('stop', { usage: { prompt_tokens: 1, completion_tokens: 5, total_tokens: 6 } }),
      bare({ usage: { prompt_tokens: 1, completion_tokens: 5, total_tokens: 6 } }),
      DONE,
    ],
    { ...expected, finishReason: 'stop' },
  ),
} as const
