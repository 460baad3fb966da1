/** A growing text in pieces: joined they are the text, finished ones stay, and an append costs what is new. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { TextPieces, type Piece } from '../../client/pieces.ts'

const all = (pieces: TextPieces): Piece[] => [...pieces.finished, pieces.open]
const joined = (pieces: TextPieces) =>
  all(pieces)
    .map(({ text }) => text)
    .join('')

const words = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 50 }),
  fc.constantFrom('\n', 'a'.repeat(1_500), '{"k":1},', '👩‍👩‍👧', '👍🏽', 'e\u0301', '\r\n', ' ', 'x'.repeat(4_100)),
)

test('joined they are the text, whatever is appended or changed; pieces before a change are the same objects', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(words, fc.nat(), fc.boolean()), { maxLength: 60 }), (steps) => {
      const pieces = new TextPieces()
      let text = ''
      for (const [added, at, isEdit] of steps) {
        const from = isEdit && text !== '' ? at % text.length : text.length
        const before = [...pieces.finished]
        text = text.slice(0, from) + added
        pieces.replaceFrom(from, added)
        expect(joined(pieces)).toBe(text)
        expect(pieces.length).toBe(text.length)
        before.forEach((piece, i) => {
          if (piece.start + piece.text.length <= from) expect(pieces.finished[i]).toBe(piece)
        })
        let start = 0
        for (const piece of all(pieces)) {
          expect(piece.start).toBe(start)
          start += piece.text.length
        }
      }
    }),
    { numRuns: 60 },
  )
})

test('the same pieces, in whatever steps the text came', () => {
  const text = `${'word '.repeat(3_000)}\n${'{"a":"👩‍👩‍👧"},'.repeat(2_000)}${'line\n'.repeat(2_000)}${'é'.repeat(9_000)}`
  const whole = all(new TextPieces(text))
  for (const step of [1, 7, 1_999, 5_000]) {
    const pieces = new TextPieces()
    for (let at = 0; at < text.length; at += step) pieces.append(text.slice(at, at + step))
    expect(all(pieces)).toEqual(whole)
  }
})

test('a piece ends at a line break, and one without is cut between two characters as people see them', () => {
  const family = '👩‍👩‍👧'
  for (const unit of ['a', '👍🏽', family, 'e\u0301', '🇵🇹', '\r\n'.repeat(1)]) {
    const pieces = new TextPieces(unit.repeat(20_000))
    expect(pieces.finished.length).toBeGreaterThan(1)
    for (const { text } of pieces.finished) {
      expect(text.length).toBeLessThanOrEqual(4_000)
      expect(text.length % unit.length, JSON.stringify(unit)).toBe(0)
    }
  }
  const lines = new TextPieces('twenty characters ..\n'.repeat(1_000))
  for (const { text } of lines.finished) expect(text.endsWith('\n')).toBe(true)
})

test('200 kB without a line break: an append costs what is new, and so do lines', () => {
  for (const token of ['{"key":12345},', 'a b c d e f\n', 'abcdefghijklm']) {
    const pieces = new TextPieces()
    const cost = (kB: number) => {
      const before = pieces.work
      const end = pieces.length + kB * 1_000
      while (pieces.length < end) pieces.append(token)
      return pieces.work - before
    }
    const first = cost(20)
    cost(160)
    const last = cost(20)
    expect(last).toBeLessThanOrEqual(first * 1.2)
    // Each unit is taken in once and looked at a few times.
    expect(pieces.work).toBeLessThan(4 * pieces.length)
  }
})
