import { describe, expect, test } from 'vitest'
import { partialPattern } from '../../server/extension/partial-pattern.ts'

/** Where the first match begins, and whether it is one (`whole`) or may become one (`open`). */
function first(pattern: RegExp, text: string): string | null {
  const found = partialPattern(pattern).exec(text)!
  if (found.index === text.length) return null
  const open = found.some((group, i) => i > 0 && group !== undefined)
  return open ? `open ${found.index}` : `whole ${found.index} ${found[0]}`
}

test.each<[RegExp, string, string | null]>([
  [/secret/, 'no', null],
  [/secret/, 'a sec', 'open 2'],
  [/secret/, 'a secret', 'whole 2 secret'],
  [/secret/, 'a sesecre', 'open 4'],
  [/SECRET/i, 'a sec', 'open 2'],
  [/sk-\d+/, 'sk-12', 'open 0'],
  [/sk-\d+/, 'sk-12.', 'whole 0 sk-12'],
  [/sk-\d{4}/, 'sk-1234', 'whole 0 sk-1234'],
  [/sk-\d+?/, 'sk-1', 'whole 0 sk-1'],
  [/abcd|ab/, 'abc', 'open 0'],
  [/abcd|ab/, 'abx', 'whole 0 ab'],
  [/ab|abcd/, 'abc', 'whole 0 ab'],
  [/\bkey\b/, 'key', 'open 0'],
  [/\bkey\b/, 'key!', 'whole 0 key'],
  [/\bkey\b/, 'keys', null],
  [/key$/, 'key', 'open 0'],
  [/key$/, 'keys', null],
  [/^key$/m, 'a\nkey\n', 'whole 2 key'],
  [/foo(?!bar)/, 'fooba', 'open 0'],
  [/foo(?!bar)/, 'foobar', null],
  [/foo(?!bar)/, 'foobaz', 'whole 0 foo'],
  [/foo(?=\s|$)/, 'foo', 'open 0'],
  [/foo(?=\s|$)/, 'foo ', 'whole 0 foo'],
  [/foo(?=\s|$)/, 'food', null],
  [/(?:(?=abcx)a|b){2}/, 'abc', 'open 0'],
  [/<(?:(?!>>)[^])*>>/, 'a <b>', 'open 2'],
  [/<(?:(?!>>)[^])*>>/, 'a <b>> c', 'whole 2 <b>>'],
  [/(?<year>\d{4})-(\d\d)/, 'in 2024-', 'open 3'],
  [/[\]a-c]{2,3}x/, ']b', 'open 0'],
  [/😀!/u, '😀', 'open 0'],
  [/\u{1f600}+!/u, '😀😀', 'open 0'],
  [/a{x}]/, 'a{x', 'open 0'],
])('%s in %j: %s', (pattern, text, expected) => {
  expect(first(pattern, text)).toBe(expected)
})

describe('refuses', () => {
  test.each([/(a)\1/, /(?<n>a)\k<n>/, /(?<=a)b/, /(?<!a)b/, /a*/, /a?|b/, /\b/, /(?=a)/, /a|/, /[\q{abc}]/v, /a/y, /\01/])('%s', pattern => {
    expect(() => partialPattern(pattern)).toThrow(TypeError)
  })
})

const alphabet = ['a', 'b', ' ']
const texts = (length: number): string[] => length === 0 ? [''] : texts(length - 1).flatMap(text => alphabet.map(unit => text + unit))
const allTexts = [0, 1, 2, 3, 4].flatMap(texts)

/** What the pattern matches first, told by the text alone. */
function outcome(pattern: RegExp, text: string): string {
  const found = pattern.exec(text)
  return found ? `${found.index} ${found[0]}` : 'none'
}

// What is said to be whole is so in every longer text, and nothing that some longer text makes a match is passed over.
test.each([
  /ab/, /a+b/, /a+?b/, /(?:ab)+/, /(?:ab)*a/, /a(?:b a|b)/, /(?:a|ab)b/, /\bab?\b/, /a$/, /a(?=b|$)/, /a(?! b)/, /(?:(?!b )[^])b/, /(?:(?=ab )a|b){2}/,
  /^a|b{2}/, /a{2,3}/, /a{2,3}?b?/, /\Ba/, /a\B/, /(?:a(?=b)b?)+/, /a(?!(?!b))/, /a(?=(?! ))/, / (?:a|b$)/, /(?:a?b?){2}a/, /(?:\ba|b)+ /,
])('%s is sound in all texts of three letters', pattern => {
  const partial = partialPattern(pattern)
  for (const text of allTexts) {
    partial.lastIndex = 0
    const found = partial.exec(text)!
    const open = found.some((group, i) => i > 0 && group !== undefined)
    for (const rest of allTexts) {
      const said = outcome(pattern, text + rest)
      if (!open) expect(found.index < text.length ? `${found.index} ${found[0]}` : 'not before the end', `${text}·${rest}`).toBe(found.index < text.length ? said : Number.parseInt(said) < text.length ? said : 'not before the end')
      else if (said !== 'none') expect(Number.parseInt(said), `${text}·${rest}`).toBeGreaterThanOrEqual(found.index)
    }
  }
})
