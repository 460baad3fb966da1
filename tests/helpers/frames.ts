/** Bodies of made-up providers, written down frame by frame. */

/** A frame with this JSON. */
export const json = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

/** A chunk of Chat Completions. */
export const delta = (fields: object, finish: unknown = null): string =>
  json({ id: 'c', object: 'chat.completion.chunk', choices: [{ index: 0, delta: fields, finish_reason: finish }] })

export const text = (content: string): string => delta({ content })

export const ends = (reason: unknown = 'stop'): string => delta({}, reason)

export const call = (fields: object): string => delta({ tool_calls: [fields] })

export const done = 'data: [DONE]\n\n'

/** An event of the Responses API. */
export const event = (type: string, fields: object = {}): string => `event: ${type}\n${json({ type, ...fields })}`

export const completed = (output: unknown[] = [], fields: object = {}): string =>
  event('response.completed', { response: { status: 'completed', output, ...fields } })

export const messageItem = (content: unknown[] = []): object => ({
  type: 'message',
  id: 'm',
  role: 'assistant',
  content,
})

/** The smallest picture. */
export const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** The same body as other servers send it: with the mark of the end behind it, and with other line ends. */
export function* variantsOf(body: string): Generator<[how: string, body: string]> {
  yield ['as it is', body]
  yield ['with CRLF', body.replaceAll('\n', '\r\n')]
  if (!/\[DONE\]/i.test(body)) yield ['with [DONE] behind', `${body.endsWith('\n\n') ? body : `${body}\n\n`}${done}`]
}
