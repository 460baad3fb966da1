import { describe, expect, test } from 'vitest'
import { matchers, Search, type Matcher } from '../../server/extension/matcher.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'

function searched(matcher: Matcher, text: string): Search {
  const search = new Search(matcher)
  search.run(text, text.length, Infinity)
  return search
}

/** Where the first match begins, and whether it is one (`whole`) or may become one (`open`). */
function first(pattern: RegExp, text: string): string | null {
  const { isSure, found, start } = searched(matchers([pattern])[0]!, text)
  if (isSure) return `whole ${found!.start} ${text.slice(found!.start, found!.end)}`
  return start === Infinity ? null : `open ${start}`
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
    expect(() => matchers([pattern])[0]!).toThrow(TypeError)
  })
})

const alphabet = ['a', 'b', ' ']
const texts = (length: number): string[] =>
  length === 0 ? [''] : texts(length - 1).flatMap((text) => alphabet.map((unit) => text + unit))
const shortTexts = [0, 1, 2, 3].flatMap(texts)
const allTexts = [...shortTexts, ...texts(4)]

/**
 * What is sure is so in every longer text, nothing that some longer text makes a match is passed over, and at the end of
 * a text the engine of the language finds the same.
 */
function isSound(pattern: RegExp, all: readonly string[]): void {
  const matcher = matchers([pattern])[0]!
  const known = new Map<string, string | null>()
  const foundIn = (text: string): string | null => {
    const before = known.get(text)
    if (before !== undefined) return before
    const search = searched(matcher, text)
    if (!search.isSure) search.end()
    const found = search.found && `${search.found.start} ${text.slice(search.found.start, search.found.end)}`
    const real = pattern.exec(text)
    expect(found, `${String(pattern)} in ${text}`).toBe(real && `${real.index} ${real[0]}`)
    known.set(text, found)
    return found
  }
  for (const text of all) {
    const { isSure, start } = searched(matcher, text)
    for (const rest of shortTexts) {
      const found = foundIn(text + rest)
      const where = `${String(pattern)} in ${text}·${rest}`
      if (isSure) expect(found, where).toBe(foundIn(text))
      else if (found !== null)
        expect(Number.parseInt(found, 10), where).toBeGreaterThanOrEqual(Math.min(start, text.length))
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
      matchers([pattern])
    } catch {
      continue
    }
    tried += 1
    isSound(pattern, shortTexts)
  }
  if (seeds.length > 1) expect(tried).toBeGreaterThan(seeds.length / 3)
}, 60_000)
