/** Where providers put the thoughts of a model. */
import { bare, chat, chunk, DONE, finish, frame, TEXT, THOUGHT, tokensOf, words } from './oddity.ts'

const expected = { status: 'completed', text: TEXT, reasoning: THOUGHT, finishReason: 'stop' } as const
const end = [finish('stop'), DONE]
const thoughts = (field: (text: string) => object): string =>
  tokensOf(THOUGHT)
    .map((text) => chunk(field(text)))
    .join('')
const detail = (text: string) => ({ type: 'reasoning.text', text, format: 'unknown', index: 0 })

export const REASONING = {
  'deepseek-reasoning': chat(
    '`reasoning_content` beside `content: null`, then the other way round; usage on the chunk with the finish reason',
    [
      chunk({ role: 'assistant', content: null, reasoning_content: '' }),
      thoughts((text) => ({ content: null, reasoning_content: text })),
      words(TEXT, { reasoning_content: null }),
      chunk(
        { content: '', reasoning_content: null },
        { finish_reason: 'stop' },
        { usage: { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10, prompt_cache_hit_tokens: 0 } },
      ),
      DONE,
    ],
    expected,
  ),
  'openrouter-reasoning': chat(
    'comments first; the same thoughts in `reasoning` and in `reasoning_details`; a role on every delta',
    [
      ': OPENROUTER PROCESSING\n\n: OPENROUTER PROCESSING\n\n',
      thoughts((text) => ({ role: 'assistant', content: '', reasoning: text, reasoning_details: [detail(text)] })),
      words(TEXT, { role: 'assistant' }),
      chunk({ role: 'assistant', content: '' }, { finish_reason: 'stop', native_finish_reason: 'STOP' }),
      chunk(
        { role: 'assistant', content: '' },
        { finish_reason: 'stop' },
        { usage: { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10, cost: 0.0001 } },
      ),
      DONE,
    ],
    expected,
  ),
  'vllm-two-fields': chat(
    'the same thoughts in `reasoning` and `reasoning_content`',
    [thoughts((text) => ({ reasoning: text, reasoning_content: text })), words(), ...end],
    expected,
  ),
  'ollama-reasoning': chat(
    '`reasoning`, with an empty `content` beside it',
    [thoughts((text) => ({ role: 'assistant', content: '', reasoning: text })), words(), ...end],
    expected,
  ),
  'snowflake-details': chat(
    'thoughts in `reasoning_details` only, and no finish reason at all',
    [
      thoughts((text) => ({
        content: '',
        refusal: '',
        role: 'assistant',
        tool_calls: null,
        reasoning_details: [detail(text)],
      })),
      words(),
      bare({ id: '', usage: { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10 } }),
      DONE,
    ],
    { ...expected, finishReason: 'unknown' },
  ),
  'mistral-thinking': chat(
    '`content` is a list of parts while the model thinks, then a text',
    [
      chunk({ role: 'assistant', content: '' }),
      thoughts((text) => ({ content: [{ type: 'thinking', thinking: [{ type: 'text', text }] }] })),
      chunk({
        content: [
          { type: 'thinking', thinking: [], closed: true },
          { type: 'text', text: tokensOf(TEXT)[0] },
        ],
      }),
      words(TEXT.slice(tokensOf(TEXT)[0]!.length)),
      ...end,
    ],
    expected,
  ),
  'gemini-thought-mark': chat(
    'thoughts in `content`, told by a mark beside them',
    [thoughts((content) => ({ content, extra_content: { google: { thought: true } } })), words(), ...end],
    expected,
  ),
  'groq-channel': chat(
    'a `channel` beside thoughts and text; usage only in `x_groq`',
    [
      chunk({ role: 'assistant', content: '' }, {}, { x_groq: { id: 'req_1' } }),
      thoughts((text) => ({ reasoning: text, channel: 'analysis' })),
      words(TEXT, { channel: 'final' }),
      finish('stop', { x_groq: { id: 'req_1', usage: { prompt_tokens: 1, completion_tokens: 9, total_tokens: 10 } } }),
      DONE,
    ],
    expected,
  ),
  'minimax-mixed-delta': chat(
    'the last thought and the first word in one delta',
    [
      chunk({ reasoning_content: 'Let me ' }),
      chunk({ reasoning_content: 'think.', content: 'The ' }),
      words(TEXT.slice(4)),
      ...end,
    ],
    expected,
  ),
  'think-tags': chat(
    'thoughts between `<think>` tags in the text, a tag cut in two',
    [words('<thi'), words('nk>'), words(`\n${THOUGHT}\n`), words('</'), words('think>\n\n'), words(), ...end],
    { ...expected },
  ),
  'think-without-opening': chat(
    'the template has opened the tag, so only `</think>` comes',
    [words(THOUGHT), words('</think>'), words('\n\n'), words(), ...end],
    expected,
  ),
  'responses-style-parts': chat(
    'parts of the Responses API in `content`',
    [
      chunk({ content: [{ type: 'reasoning', summary: [{ type: 'summary_text', text: THOUGHT }] }] }),
      chunk({ content: [{ type: 'output_text', text: TEXT }] }),
      ...end,
    ],
    expected,
  ),
  'openrouter-encrypted': chat(
    'an encrypted thought without words, behind the answer',
    [
      words(),
      chunk({
        content: '',
        reasoning_details: [{ type: 'reasoning.encrypted', data: 'c2VjcmV0', id: 'rs_1', index: 0 }],
      }),
      ...end,
    ],
    { status: 'completed', text: TEXT, reasoning: '', finishReason: 'stop' },
  ),
  'bare-chunks': chat(
    'chunks that have nothing but `choices`',
    [
      frame({ choices: [{ delta: { reasoning_content: THOUGHT } }] }),
      frame({ choices: [{ delta: { content: TEXT } }] }),
      ...end,
    ],
    expected,
  ),
} as const
