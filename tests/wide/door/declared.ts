/**
 * In what an answer at the door may differ from the provider's own: the rules
 * of `docs/DOOR.md`, each with the streams that it applies to and the fields
 * that it changes. Whatever differs must be as the stream's own expectation says.
 */
import type { CorpusStream } from '../../helpers/corpus.ts'
import type { Observed } from './clients/observed.ts'
import type { Pair } from './compare.ts'

type Field = Exclude<keyof Observed, 'failure'>
const fields: readonly Field[] = ['text', 'calls', 'finish', 'reasoning', 'refusal', 'failed']

/** What a stream does, beside what OpenAI's own do. */
interface Oddities {
  thoughts: boolean
  parts: boolean
  calls: boolean
  finish: boolean
  noRole: boolean
  choices: boolean
  fails: boolean
}

interface Rule {
  /** The words of `docs/DOOR.md`. */
  words: string
  odd: keyof Oddities
  changes: readonly Field[]
}

export const rules: readonly Rule[] = [
  { words: 'Thoughts are `reasoning_content`', odd: 'thoughts', changes: ['text', 'reasoning'] },
  { words: 'Content is text', odd: 'parts', changes: fields },
  { words: 'Calls are as OpenAI writes them', odd: 'calls', changes: fields },
  { words: 'There is one finish reason', odd: 'finish', changes: fields },
  { words: 'The first chunk has the role', odd: 'noRole', changes: fields },
  { words: 'There is one choice', odd: 'choices', changes: fields },
  { words: 'What breaks off is never whole', odd: 'fails', changes: fields },
]

/** What differs and is not declared; empty: nothing. */
export function undeclared({ direct, door }: Pair, stream: CorpusStream, asksAgain: boolean): string[] {
  const odd = odditiesOf(stream)
  const applying = rules.filter((rule) => odd[rule.odd])
  return fields
    .filter((field) => JSON.stringify(direct[field]) !== JSON.stringify(door[field]))
    .filter(
      (field) =>
        !applying.some(({ changes }) => changes.includes(field)) || !isTrue(field, door, stream.expected, asksAgain),
    )
    .map((field) => `${field}: ${shown(direct[field])} by itself, ${shown(door[field])} at the door`)
}

function shown(value: unknown): string {
  return (JSON.stringify(value) ?? 'nothing').slice(-200)
}

function isTrue(field: Field, door: Observed, expected: CorpusStream['expected'], asksAgain: boolean): boolean {
  // Of what breaks off, each library keeps as much as it will.
  if (door.failed) return field !== 'failed' || isFailure(expected)
  const last = asksAgain && door.calls.length > 0 ? 'Done.' : ''
  switch (field) {
    case 'text':
      return spoken(door.text) === spoken((expected.textWithoutThink ?? expected.text) + last)
    case 'reasoning':
      return spoken(door.reasoning!) === spoken(expected.think || expected.reasoning)
    case 'refusal':
      return door.refusal === expected.refusal
    case 'calls':
      return areCalls(door.calls, expected.toolCalls, asksAgain)
    case 'finish':
      return ['stop', 'length', 'tool_calls', 'content_filter'].includes(String(door.finish).replaceAll('-', '_'))
    case 'failed':
      return true
  }
}

/** White space at the edges of tags and blocks is nobody's. */
function spoken(text: string): string {
  return text.replaceAll(/\s+/g, '')
}

/** Who runs the calls itself leaves out those without whole arguments; who mends their ends hands those on. */
function areCalls(calls: Observed['calls'], expected: Observed['calls'], areRun: boolean): boolean {
  const textOf = ({ name, arguments: given }: Observed['calls'][number]) => JSON.stringify([name, parsed(given)])
  if (areRun) {
    const all = expected.map(textOf)
    const runnable = expected.filter((call) => call.arguments !== '' && !isCut(call)).map(textOf)
    const ran = calls.map(textOf)
    return ran.every((text) => all.includes(text)) && runnable.every((text) => ran.includes(text))
  }
  return (
    calls.length === expected.length &&
    expected.every((call, at) => (isCut(call) ? calls[at]!.name === call.name : textOf(calls[at]!) === textOf(call)))
  )
}

function isCut({ arguments: given }: Observed['calls'][number]): boolean {
  return typeof parsed(given) === 'string'
}

/** A call without arguments is one with none. */
function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return value
  try {
    return JSON.parse(value === '' ? '{}' : value)
  } catch {
    return value
  }
}

function isFailure({ error, done, finishReason }: CorpusStream['expected']): boolean {
  return Boolean(error) || (done !== true && !finishReason)
}

function odditiesOf({ sse, expected }: CorpusStream): Oddities {
  const text = new TextDecoder().decode(sse)
  const choices = text
    .split(/\r?\n/)
    .flatMap((line) => (/^data: ?\{/.test(line) ? [parsed(line.slice(5)) as { choices?: any[] }] : []))
    .flatMap((chunk) => chunk.choices ?? [])
  const deltas = choices.filter(({ index }) => !index).map(({ delta }) => delta ?? {})
  return {
    thoughts: expected.think !== undefined || /"reasoning/.test(text),
    parts: deltas.some(({ content }) => Array.isArray(content)),
    calls: areOdd(deltas.map(({ tool_calls: calls }) => calls ?? [])),
    finish: choices.filter(({ index, finish_reason: reason }) => !index && reason).length !== 1,
    noRole: deltas.length > 0 && !deltas[0].role,
    choices: choices.some(({ index }) => index > 0),
    fails: isFailure(expected),
  }
}

/** OpenAI begins each call at the next index, with id, type and name, which it never repeats, and one in a delta. */
function areOdd(deltas: readonly any[][]): boolean {
  let begun = 0
  let newest = -1
  const whole = new Map<number, string>()
  for (const delta of deltas) {
    if (delta.length > 1) return true
    for (const { index, id, type, function: called } of delta) {
      const isFirst = index === begun
      if (isFirst ? !id || !type || !called?.name : !whole.has(index) || id !== undefined || called?.name !== undefined)
        return true
      // Each is finished before the next begins.
      if (index < newest) return true
      newest = index
      if (isFirst) begun += 1
      whole.set(index, (whole.get(index) ?? '') + (called?.arguments ?? ''))
    }
  }
  // And their arguments are JSON.
  return [...whole.values()].some((text) => typeof parsed(text) === 'string')
}
