import type { IncomingHttpHeaders } from 'node:http'

/** The fields that tests look at most; all others are there too. */
export interface RequestBody {
  [field: string]: unknown
  model?: string
  stream?: boolean
  /** Chat Completions. */
  messages?: Record<string, unknown>[]
  /** Responses. */
  input?: Record<string, unknown>[]
  tools?: Record<string, unknown>[]
}

/** A request as it arrived. Times are `performance.now()`. */
export interface ReceivedRequest {
  method: string
  /** With the query, from `/v1` on. */
  path: string
  headers: IncomingHttpHeaders
  /** Of the client: equal ports are one connection. */
  port: number | undefined
  /** The JSON object that was sent; empty if it was none. */
  body: RequestBody
  receivedAt: number
  /** When the client hung up before its answer was over. */
  hungUpAt: number | undefined
  /** Resolves with `hungUpAt`; never, if the client waits for the end. */
  hungUp: Promise<number>
}

/** What a request says, in either API. */
export interface Said {
  /** The last question. */
  user: string
  system: string
  /** How many questions there are: 1 is the first. */
  turn: number
  /** How many times results of calls have come back since the last question. */
  round: number
  /** The names of the tools that are offered. */
  tools: string[]
}

type Fields = Record<string, unknown>

export function saidIn({ body }: Pick<ReceivedRequest, 'body'>): Said {
  const input: unknown = body.messages ?? body.input
  const items = (
    typeof input === 'string' ? [{ role: 'user', content: input }] : Array.isArray(input) ? input : []
  ).filter((item): item is Fields => typeof item === 'object' && item !== null)
  const of = (...roles: string[]) => items.filter((item) => roles.includes(String(item.role)))
  const last = items.findLastIndex((item) => item.role === 'user')
  const isResult = (item: Fields | undefined) => item?.role === 'tool' || String(item?.type).endsWith('_output')
  return {
    user: last < 0 ? '' : textOf(items[last]!.content),
    system: [textOf(body.instructions), ...of('system', 'developer').map(({ content }) => textOf(content))]
      .filter((text) => text !== '')
      .join('\n'),
    turn: of('user').length,
    round: items.filter((item, index) => index > last && isResult(item) && !isResult(items[index - 1])).length,
    tools: (Array.isArray(body.tools) ? body.tools : []).map((tool: Fields) =>
      String((tool.function as Fields | undefined)?.name ?? tool.name ?? tool.type),
    ),
  }
}

/** A request in one line, for a person who wonders why it was not expected. */
export function requestLine(request: ReceivedRequest): string {
  const { user, turn, round, tools } = saidIn(request)
  const words = [
    `${request.method} ${request.path}`,
    ...(request.body.model === undefined ? [] : [`model ${JSON.stringify(request.body.model)}`]),
    ...(turn === 0 ? [] : [`turn ${turn}`]),
    ...(round === 0 ? [] : [`round ${round}`]),
    ...(tools.length === 0 ? [] : [`tools [${tools.join(', ')}]`]),
    ...(user === '' ? [] : [`user ${JSON.stringify(user.length > 200 ? `${user.slice(0, 200)}…` : user)}`]),
  ]
  return words.join(', ')
}

function textOf(content: unknown): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part: Fields) => (typeof part?.text === 'string' ? part.text : '')).join('')
}
