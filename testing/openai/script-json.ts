/** What is expected, as JSON: for programs that are not JavaScript, and for files. */
import { answer, recorded, type AnswerOptions } from './answer.ts'
import { checkFields } from './known-fields.ts'
import { checkMatcher, type Matcher } from './matcher.ts'
import { odd, type OddityName } from './odd/index.ts'
import { httpError, type ErrorFields } from './replies.ts'
import type { Expected } from './expectations.ts'
import { checkScript, type Script } from './script.ts'

/** Reads a recorded body that an entry names. */
export type ReadBody = (path: string) => Uint8Array

type Fields = Record<string, unknown>

/**
 * One entry, or a list of them: `on`, `times` (a number or "always"), and one of the fields of `answer()`, `error`,
 * `odd`, `recorded` (a file, or `{ "text": … }`), `script`. Throws, and adds nothing, where one is none.
 */
export function expectFromJson(
  scope: { on(matcher: Matcher, script: Script): Expected },
  given: unknown,
  readBody: ReadBody = noFiles,
): number {
  const list = Array.isArray(given) ? given : [given]
  const entries = list.map((entry, index) => {
    try {
      return entryOf(entry, readBody)
    } catch (error) {
      throw new TypeError(`Entry ${index + 1}: ${error instanceof Error ? error.message : String(error)}`, {
        cause: error,
      })
    }
  })
  for (const { matcher, script, times } of entries) {
    const expected = scope.on(matcher, script)
    if (times === Infinity) expected.always()
    else expected.times(times)
  }
  return entries.length
}

function entryOf(given: unknown, readBody: ReadBody): { matcher: Matcher; script: Script; times: number } {
  if (typeof given !== 'object' || given === null) throw new TypeError('It is no object.')
  const { on = {}, times = 1, ...what } = given as Fields
  const count = times === 'always' ? Infinity : times
  if (typeof count !== 'number' || !(count > 0))
    throw new TypeError('times must be a number of 1 or more, or "always".')
  const matcher = matcherOf(on as Fields)
  checkMatcher(matcher)
  return { matcher, script: scriptOf(what, readBody), times: count }
}

function scriptOf(what: Fields, readBody: ReadBody): Script {
  if ('error' in what) {
    const { status = 500, message = 'An error.', headers = {}, ...fields } = what.error as Fields
    return httpError(status as number, String(message), headers as Record<string, string>, fields as ErrorFields)
  }
  if ('odd' in what) return odd(what.odd as OddityName)
  if ('recorded' in what) {
    const { recorded: source, cuts = 'whole', ...delivery } = what
    const text = typeof source === 'string' ? readBody(source) : String((source as Fields).text)
    return recorded(text, cuts as 'whole', delivery)
  }
  if ('script' in what) {
    checkFields('An entry with a script', what, ['script'])
    checkScript(what.script as Script)
    return what.script as Script
  }
  return answer(what as AnswerOptions)
}

/** `"/weather/i"` is a pattern. */
function matcherOf(given: Fields): Matcher {
  const pattern = (value: unknown): unknown => {
    const [, source, flags] = typeof value === 'string' ? (/^\/(.+)\/([a-z]*)$/s.exec(value) ?? []) : []
    return source === undefined ? value : new RegExp(source, flags)
  }
  // A path begins with a slash, too.
  const isPath = (name: string, value: unknown) => name === 'path' && /^\/v1\/[^?]*[^/]$/.test(String(value))
  return Object.fromEntries(
    Object.entries(given).map(([name, value]) => [
      name,
      name === 'headers'
        ? Object.fromEntries(Object.entries(value as Fields).map(([header, wanted]) => [header, pattern(wanted)]))
        : isPath(name, value)
          ? value
          : pattern(value),
    ]),
  ) as Matcher
}

function noFiles(path: string): never {
  throw new TypeError(`${path}: nobody reads files here; give { "recorded": { "text": … } }.`)
}
