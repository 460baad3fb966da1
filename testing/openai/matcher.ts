import { checkFields } from './known-fields.ts'
import { saidIn, type ReceivedRequest } from './received-request.ts'

/** Which requests an answer is for: all that is named must hold. */
export interface Matcher {
  /** The last question: it contains this text, or fits the pattern. */
  user?: string | RegExp
  /** The system prompt, in the same way. */
  system?: string | RegExp
  /** The model: this name, or one that fits the pattern. */
  model?: string | RegExp
  /** These tools are offered; `[]`: none is. */
  tools?: readonly string[]
  /** By their names in lower case: this value, or one that fits the pattern. */
  headers?: Record<string, string | RegExp>
  /** How many questions the request has: 1 is the first of its chat. */
  turn?: number
  /** How many times results of calls have come back since the last question: 0 is the question itself. */
  round?: number
  /** `/v1/responses`; any path, also one that the API does not have. */
  path?: string | RegExp
  /** Anything else. */
  where?: (request: ReceivedRequest) => boolean
}

const FIELDS = ['user', 'system', 'model', 'tools', 'headers', 'turn', 'round', 'path', 'where']

export function checkMatcher(matcher: Matcher): void {
  checkFields('A matcher', matcher, FIELDS)
}

export function matches(matcher: Matcher, request: ReceivedRequest): boolean {
  const said = saidIn(request)
  const { user, system, model, tools, headers = {}, turn, round, path, where } = matcher
  return (
    contains(user, said.user) &&
    contains(system, said.system) &&
    equals(model, request.body.model) &&
    (tools === undefined ||
      (tools.length === 0 ? said.tools.length === 0 : tools.every((name) => said.tools.includes(name)))) &&
    Object.entries(headers).every(([name, value]) =>
      equals(value, String(request.headers[name.toLowerCase()] ?? '')),
    ) &&
    (turn === undefined || turn === said.turn) &&
    (round === undefined || round === said.round) &&
    equals(path, pathOf(request)) &&
    (where === undefined || where(request))
  )
}

/** As one would write it. */
export function matcherText(matcher: Matcher): string {
  const words = Object.entries(matcher).map(
    ([name, value]) =>
      `${name}: ${value instanceof RegExp ? String(value) : typeof value === 'function' ? '…' : JSON.stringify(value)}`,
  )
  return words.length === 0 ? 'any request' : `{ ${words.join(', ')} }`
}

export function pathOf({ path }: ReceivedRequest): string {
  return path.replace(/\?.*$/s, '')
}

function contains(wanted: string | RegExp | undefined, text: string): boolean {
  if (wanted === undefined) return true
  return typeof wanted === 'string' ? text.includes(wanted) : fits(wanted, text)
}

function equals(wanted: string | RegExp | undefined, text: string | undefined): boolean {
  if (wanted === undefined) return true
  return typeof wanted === 'string' ? text === wanted : text !== undefined && fits(wanted, text)
}

/** A pattern with `g` remembers where it was. */
function fits(pattern: RegExp, text: string): boolean {
  return new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, '')).test(text)
}
