import canonicalize from 'canonicalize'
import { expect, test } from 'vitest'
import { jsonPieces } from '../../shared/json-pieces.ts'
import { Random } from '../fuzz/random.ts'

const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Date.now() % 2 ** 31)

function randomJson(random: Random, depth = 0): unknown {
  const kind = random.integer(0, depth > 4 ? 4 : 7)
  if (kind === 0) return null
  if (kind === 1) return random.integer(0, 1) === 0
  if (kind === 2) return [0, -0, 1e21, 1e-7, 0.1, -5, 2 ** 53, random.integer(0, 999_999) / 7][random.integer(0, 7)]
  if (kind <= 4) return randomText(random)
  const size = random.integer(0, 5)
  if (kind === 5) return Array.from({ length: size }, () => randomJson(random, depth + 1))
  return Object.fromEntries(Array.from({ length: size }, () => [randomText(random), randomJson(random, depth + 1)]))
}

function randomText(random: Random): string {
  const parts = ['a', '"', '\\', '\n', '\u0000', '\u2028', 'é', '漢', '😀', '€', '\ufb33', '1']
  const text = Array.from({ length: random.integer(0, 4) }, () => parts[random.integer(0, parts.length - 1)]!).join('')
  // Some are longer than a piece, with pairs at each of its edges.
  return random.integer(0, 19) === 0 ? (text + '😀x').repeat(9_000) : text
}

test('pieces are what JSON.stringify writes, and canonical ones what RFC 8785 asks for', () => {
  console.log(`RUNNEL_FUZZ_SEED=${seed}`)
  const random = new Random(seed)
  for (let i = 0; i < 300; i++) {
    const value = { value: randomJson(random), left: undefined }
    const pieces = [...jsonPieces(value)]
    expect(pieces.join('')).toBe(JSON.stringify(value))
    for (const piece of pieces) expect(piece.isWellFormed()).toBe(true)
    expect([...jsonPieces(value, 'canonical')].join('')).toBe(canonicalize(value))
  }
})

test('no piece is much longer than the others, whatever the value', () => {
  for (const value of [['x'.repeat(1_000_000)], Array(100_000).fill('word'), { a: { b: '\u0001'.repeat(200_000) } }]) {
    const pieces = [...jsonPieces(value)]
    expect(Math.max(...pieces.map(({ length }) => length))).toBeLessThan(200_000)
    expect(pieces.join('')).toBe(JSON.stringify(value))
  }
})

test('a lone surrogate has no canonical form', () => {
  expect(() => [...jsonPieces({ text: 'a\ud83d' }, 'canonical')]).toThrow('lone surrogate')
  expect([...jsonPieces({ text: 'a\ud83d' })].join('')).toBe(JSON.stringify({ text: 'a\ud83d' }))
})
