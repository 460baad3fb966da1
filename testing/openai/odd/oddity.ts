import type { KeepAlive } from '../script.ts'

/** A habit of a real provider that no specification has. */
export interface Oddity {
  /** What is odd, in a sentence. */
  about: string
  api: 'chat' | 'responses'
  /** The body of the answer, as such a provider sends it. */
  body: string
  contentType?: string
  /** Of an answer that is none; else 200. */
  status?: number
  /** What is sent behind it for ever. */
  keepAlive?: KeepAlive
  /** What a client should make of it. */
  expected: OddExpected
}

export interface OddExpected {
  status: 'completed' | 'failed'
  text?: string
  reasoning?: string
  toolCalls?: readonly { callId?: string; name: string; arguments: string }[]
  finishReason?: 'stop' | 'length' | 'tool_calls' | 'content_filter' | 'unknown'
  errorMessageContains?: string
}

export const TEXT = 'The answer is 42.'
export const THOUGHT = 'Let me think.'
export const CALL = { callId: 'call_1', name: 'find', arguments: '{"q":"sea"}' }
export const SECOND = { callId: 'call_2', name: 'find', arguments: '{"q":"sky"}' }

/** As tokens come. */
export const tokensOf = (text: string): string[] => text.split(/(?<= )/)

const HEAD = { id: 'chatcmpl-odd', object: 'chat.completion.chunk', created: 1_700_000_000, model: 'odd' }
export const DONE = 'data: [DONE]\n\n'

export const frame = (value: object): string => `data: ${JSON.stringify(value)}\n\n`

/** A chunk with this delta; `choice`: more fields of its choice, `more`: of the chunk. */
export function chunk(delta: object, choice: object = {}, more: object = {}): string {
  return frame({ ...HEAD, choices: [{ index: 0, delta, finish_reason: null, ...choice }], ...more })
}

/** A chunk without choices. */
export function bare(fields: object): string {
  return frame({ ...HEAD, choices: [], ...fields })
}

export const finish = (reason: string, more: object = {}): string => chunk({}, { finish_reason: reason }, more)

/** The text, token by token. */
export const words = (text: string = TEXT, more: object = {}): string =>
  tokensOf(text)
    .map((content) => chunk({ content, ...more }))
    .join('')

/** A fragment of a call. */
export const part = (fields: object, more: object = {}): string => chunk({ tool_calls: [fields], ...more })

/** A call as OpenAI sends it: the id and the name first, then its arguments. */
export function call({ callId, name, arguments: text }: typeof CALL, index = 0): string {
  const [first, rest] = [text.slice(0, 5), text.slice(5)]
  return (
    part({ index, id: callId, type: 'function', function: { name, arguments: '' } }) +
    part({ index, function: { arguments: first } }) +
    part({ index, function: { arguments: rest } })
  )
}

export const chat = (about: string, body: string | string[], expected: OddExpected): Oddity => ({
  about,
  api: 'chat',
  body: typeof body === 'string' ? body : body.join(''),
  expected,
})
