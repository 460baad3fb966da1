import { describe, expect, test } from 'vitest'
import { partialPattern } from '../../server/extension/partial-pattern.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'

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
  [/😀[^!]+!/u, '😃 no', null],
  [/^🔑[^!]+!/mu, '😃\n🔑 no', 'open 3'],
  [/a{x}]/, 'a{x', 'open 0'],
])('%s in %j: %s', (pattern, text, expected) => {
  expect(first(pattern, text)).toBe(expected)
})

describe('refuses', () => {
  test.each([
    /(a)\1/,
    /(?<n>a)\k<n>/,
    /(?<=a)b/,
    /(?<!a)b/,
    /a*/,
    /a?|b/,
    /\b/,
    /(?=a)/,
    /a|/,
    /[\q{abc}]/v,
    /a/y,
    new RegExp('\\01'),
  ])('%s', (pattern) => {
    expect(() => partialPattern(pattern)).toThrow(TypeError)
  })
})

const alphabet = ['a', 'b', ' ']
const texts = (length: number): string[] =>
  length === 0 ? [''] : texts(length - 1).flatMap((text) => alphabet.map((unit) => text + unit))
const shortTexts = [0, 1, 2, 3].flatMap(texts)
const allTexts = [...shortTexts, ...texts(4)]

/** What is said to be whole is so in every longer text, and nothing that some longer text makes a match is passed over. */
function isSound(pattern: RegExp, all: readonly string[]): void {
  const partial = partialPattern(pattern)
  for (const text of all) {
    partial.lastIndex = 0
    const said = partial.exec(text)!
    const open = said.some((group, i) => i > 0 && group !== undefined)
    for (const rest of shortTexts) {
      const found = pattern.exec(text + rest)
      const where = `${String(pattern)} in ${text}·${rest}`
      if (open || said.index === text.length) expect(found?.index ?? Infinity, where).toBeGreaterThanOrEqual(said.index)
      else expect(found && `${found.index} ${found[0]}`, where).toBe(`${said.index} ${said[0]}`)
    }
  }
}

test.each([
  /ab/,
  /a+b/,
  /a+?b/,
  /(?:ab)+/,
  /(?:ab)*a/,
  /a(?:b a|b)/,
  /(?:a|ab)b/,
  /\bab?\b/,
  /a$/,
  /a(?=b|$)/,
  /a(?! b)/,
  /(?:(?!b )[^])b/,
  /(?:(?=ab )a|b){2}/,
  /^a|b{2}/,
  /a{2,3}/,
  /a{2,3}?b?/,
  /\Ba/,
  /a\B/,
  /(?:a(?=b)b?)+/,
  /a(?!(?!b))/,
  /a(?=(?! ))/,
  / (?:a|b$)/,
  /(?:a?b?){2}a/,
  /(?:\ba|b)+ /,
])('%s is sound in all texts of three letters', (pattern) => isSound(pattern, allTexts))

function randomSource(random: Random, depth: number): string {
  const inner = () => randomSource(random, depth - 1)
  return random.weighted<() => string>([
    [6, () => random.pick(['a', 'b', ' ', '.', '[ab]', '[^a]', '\\w', '\\s'])],
    [2, () => random.pick(['\\b', '\\B', '^', '$'])],
    [depth > 0 ? 5 : 0, () => inner() + inner()],
    [depth > 0 ? 2 : 0, () => `(?:${inner()}|${inner()})`],
    [
      depth > 0 ? 3 : 0,
      () => `(${inner()})${random.pick(['*', '+', '?', '{2}', '{1,2}', '{0,2}', '{2,}'])}${random.pick(['', '?'])}`,
    ],
    [depth > 0 ? 2 : 0, () => `(?${random.pick(['=', '!'])}${inner()})`],
  ])()
}

const seeds = chosenSeeds(150)

test(`patterns made at random are sound (${seeds.length} seeds)`, () => {
  let tried = 0
  for (const seed of seeds) {
    const random = new Random(seed)
    // The first letter is there so that few match the empty text.
    const pattern = new RegExp(
      `[ab]?${randomSource(random, 3)}${randomSource(random, 2)}`,
      random.pick(['', 'm', 's', 'u', 'i']),
    )
    try {
      partialPattern(pattern)
    } catch {
      continue
    }
    tried += 1
    isSound(pattern, shortTexts)
  }
  if (seeds.length > 1) expect(tried).toBeGreaterThan(seeds.length / 3)
}, 60_000)
