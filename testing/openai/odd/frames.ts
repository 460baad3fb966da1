/** Frames and chunks that are not as they should be. */
import { bare, chat, chunk, DONE, finish, frame, TEXT, tokensOf, words } from './oddity.ts'

const end = [finish('stop'), DONE]
const expected = { status: 'completed', text: TEXT, finishReason: 'stop' } as const
const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const document = {
  object: 'chat.completion',
  model: 'odd',
  choices: [{ index: 0, message: { role: 'assistant', content: TEXT }, finish_reason: 'stop' }],
}

export const FRAMES = {
  'azure-empty-first': chat(
    'first a chunk without choices, id and model: what the filter said of the prompt',
    [
      bare({ id: '', model: '', object: '', created: 0, prompt_filter_results: [{ prompt_index: 0 }] }),
      words(),
      chunk({}, { finish_reason: 'stop', content_filter_results: { hate: { filtered: false, severity: 'safe' } } }),
      DONE,
    ],
    expected,
  ),
  'cloudflare-no-role': chat('no `role` in any delta', [words(), ...end], expected),
  'copilot-id-changes': chat(
    'another id and another model on each chunk',
    [
      ...tokensOf(TEXT).map((content, index) => chunk({ content }, {}, { id: `c${index}`, model: `m${index}` })),
      ...end,
    ],
    expected,
  ),
  'perplexity-cumulative': chat(
    'CRLF; each chunk repeats the whole message so far and the usage; citations; no `[DONE]`',
    tokensOf(TEXT)
      .map((content, index, all) => {
        const last = index === all.length - 1
        return chunk(
          { role: 'assistant', content },
          {
            finish_reason: last ? 'stop' : null,
            message: { role: 'assistant', content: all.slice(0, index + 1).join('') },
          },
          {
            citations: ['https://example.com/42'],
            search_results: [{ title: 'Forty-two', url: 'https://example.com/42' }],
            usage: { prompt_tokens: 1, completion_tokens: index + 1, total_tokens: index + 2 },
          },
        )
      })
      .join('')
      .replaceAll('\n', '\r\n'),
    expected,
  ),
  'together-text-twice': chat(
    'the same words again in `choices[].text`',
    [...tokensOf(TEXT).map((content) => chunk({ role: 'assistant', content }, { text: content })), ...end],
    expected,
  ),
  'choices-by-number': chat(
    '`choices` as an object by number',
    [...tokensOf(TEXT).map((content) => frame({ choices: { 0: { delta: { content } } } })), ...end],
    expected,
  ),
  'delta-as-text': chat(
    'a `delta` that is a text',
    [...tokensOf(TEXT).map((delta) => frame({ choices: [{ index: 0, delta }] })), ...end],
    expected,
  ),
  'sonar-search-results': chat(
    'sources beside the choices, on each chunk',
    [...tokensOf(TEXT).map((content) => chunk({ content }, {}, { citations: ['https://example.com/42'] })), ...end],
    expected,
  ),
  'message-instead-of-delta': chat('`message` in the place of `delta`', [frame(document), DONE], expected),
  'document-instead-of-stream': {
    ...chat('one JSON document, though a stream was asked for', JSON.stringify(document, null, 2), expected),
    contentType: 'application/json',
  },
  'json-lines': chat(
    'JSON lines without frames',
    [...tokensOf(TEXT).map((content) => chunk({ content })), ...end]
      .join('')
      .replaceAll(/^data: /gm, '')
      .replaceAll('\n\n', '\n'),
    expected,
  ),
  'comment-as-data': chat(
    'a comment where data should be',
    ['data: : WAITING FOR THE MODEL\n\n', words(), ...end],
    expected,
  ),
  'empty-data': chat(
    'frames without data in between',
    [words('The answer '), 'data:\n\n', words('is 42.'), ...end],
    expected,
  ),
  'done-with-spaces': chat(
    '`[DONE]` with two spaces before it',
    [words(), finish('stop'), 'data:  [DONE]\n\n'],
    expected,
  ),
  'cr-line-ends': chat('lines that end with CR alone', [words(), ...end].join('').replaceAll('\n', '\r'), expected),
  'no-space-behind-data': chat(
    '`data:` without a space',
    [words(), ...end].join('').replaceAll('data: ', 'data:'),
    expected,
  ),
  'byte-order-mark': chat('a byte order mark before the first frame', ['\ufeff', words(), ...end], expected),
  'openrouter-images': chat(
    'a picture in `images` of the delta',
    [
      words(),
      chunk({ content: '', images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${pixel}` } }] }),
      ...end,
    ],
    expected,
  ),
  'audio-transcript': chat(
    'the words as the transcript of sound',
    [...tokensOf(TEXT).map((transcript) => chunk({ audio: { id: 'audio_1', transcript } })), ...end],
    expected,
  ),
  padding: chat(
    'fields of padding, logprobs, token ids',
    [
      ...tokensOf(TEXT).map((content) =>
        chunk(
          { content, token_ids: [1, 2] },
          { logprobs: { content: [] }, stop_reason: null },
          { obfuscation: 'xxxxxxxx', p: 'abc' },
        ),
      ),
      ...end,
    ],
    expected,
  ),
} as const
