/** JSON as text: indents it without changing any value, and finds where it is wrong. */

const tokens = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g

/** The indented text; null if it is not JSON. Numbers stay as they were written, however long they are. */
export function prettyJson(text: string): string | null {
  try {
    JSON.parse(text)
  } catch {
    return null
  }
  let depth = 0
  let last = ''
  const parts: string[] = []
  const newLine = () => `\n${'  '.repeat(Math.min(depth, 40))}`
  for (const [token] of text.matchAll(tokens)) {
    const closes = token === '}' || token === ']'
    const isEmpty = closes && (last === '{' || last === '[')
    if (closes) depth -= 1
    if (closes ? !isEmpty : last === '{' || last === '[') parts.push(newLine())
    if (token === '{' || token === '[') depth += 1
    parts.push(token)
    if (token === ',') parts.push(newLine())
    if (token === ':') parts.push(' ')
    last = token
  }
  return parts.join('')
}

export type JsonFaultKind = 'value' | 'name' | 'colon' | 'comma' | 'text' | 'more' | 'end'

export interface JsonFault {
  readonly kind: JsonFaultKind
  /** From 1. */
  readonly line: number
  readonly column: number
}

/** The first mistake; null: it is JSON. */
export function jsonFault(text: string): JsonFault | null {
  try {
    JSON.parse(text)
    return null
  } catch {
    const { at, kind } = firstFault(text)
    const before = text.slice(0, at).split('\n')
    return { kind, line: before.length, column: Array.from(before.at(-1)!).length + 1 }
  }
}

const space = /[ \t\n\r]*/y
// oxlint-disable-next-line no-control-regex
const string = /"(?:[^"\\\u0000-\u001F]|\\(?:["\\/bfnrt]|u[\dA-Fa-f]{4}))*"/y
const plain = /(?:true|false|null|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\w.+-])/y

type Wants = 'value' | 'first value' | 'name' | 'first name' | 'colon' | 'comma' | 'nothing'

/** Walks through the text once, with a stack of what is open, so any depth works. */
function firstFault(text: string): { at: number; kind: JsonFaultKind } {
  const open: ('{' | '[')[] = []
  let wants: Wants = 'value'
  let at = 0
  const skips = (what: RegExp) => {
    what.lastIndex = at
    if (!what.test(text)) return false
    at = what.lastIndex
    return true
  }
  const over = (): Wants => (open.length === 0 ? 'nothing' : 'comma')
  for (;;) {
    skips(space)
    const next = text[at]
    if (next === undefined) return { at, kind: 'end' }
    const closes = next === '}' ? '{' : next === ']' ? '[' : null
    const mayClose = wants === 'comma' || wants === (next === '}' ? 'first name' : 'first value')
    if (closes !== null && closes === open.at(-1) && mayClose) {
      at += 1
      open.pop()
      wants = over()
    } else if (wants === 'nothing') return { at, kind: 'more' }
    else if (wants === 'comma') {
      if (next !== ',') return { at, kind: 'comma' }
      at += 1
      wants = open.at(-1) === '{' ? 'name' : 'value'
    } else if (wants === 'colon') {
      if (next !== ':') return { at, kind: 'colon' }
      at += 1
      wants = 'value'
    } else if (wants === 'name' || wants === 'first name') {
      if (next !== '"') return { at, kind: 'name' }
      if (!skips(string)) return { at, kind: 'text' }
      wants = 'colon'
    } else if (next === '{' || next === '[') {
      open.push(next)
      at += 1
      wants = next === '{' ? 'first name' : 'first value'
    } else if (next === '"') {
      if (!skips(string)) return { at, kind: 'text' }
      wants = over()
    } else if (skips(plain)) wants = over()
    else return { at, kind: 'value' }
  }
}
