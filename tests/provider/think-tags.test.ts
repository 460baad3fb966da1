import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ThinkTags } from '../../server/provider/think-tags.ts'

function split(...pieces: string[]): { reasoning: string; text: string; pushed: { reasoning: string; text: string } } {
  const tags = new ThinkTags()
  const all = { reasoning: '', text: '' }
  const take = (): void => {
    all.reasoning += tags.reasoning
    all.text += tags.text
  }
  for (const piece of pieces) {
    tags.push(piece)
    take()
  }
  const pushed = { ...all }
  tags.end()
  take()
  return { ...all, pushed }
}

describe('think tags', () => {
  test.each([
    ['each a token of its own', ['<think>', '\n', 'I see', '.\n', '</think>', '\n\n', 'Yes.']],
    ['cut anywhere', ['<th', 'ink>\nI s', 'ee.\n</', 'thi', 'nk', '>\n', '\nY', 'es.']],
    ['all at once', ['<think>I see.</think>Yes.']],
    ['behind white space', ['\n ', '\n<think>I see.</think>Yes.']],
  ])('%s', (_name, pieces) => {
    expect(split(...pieces)).toMatchObject({ reasoning: 'I see.', text: 'Yes.' })
  })

  test('a text that only speaks of the tag keeps it', () => {
    expect(split('Write `<think>` ', 'and </think>.')).toMatchObject({
      reasoning: '',
      text: 'Write `<think>` and </think>.',
    })
  })

  test('a second tag behind the answer is text', () => {
    expect(split('<think>a</think>b <think>c</think>')).toMatchObject({ reasoning: 'a', text: 'b <think>c</think>' })
  })

  test('plain text comes out at once, and with its white space', () => {
    expect(split('\n\nHello').pushed).toEqual({ reasoning: '', text: '\n\nHello' })
    expect(split('<b>').pushed.text).toBe('<b>')
  })

  test('what looks like a tag and is none comes out', () => {
    expect(split('<thin', 'g>')).toMatchObject({ text: '<thing>' })
    expect(split('<think>a </thin', 'g> b</think>c')).toMatchObject({ reasoning: 'a </thing> b', text: 'c' })
  })

  test('a thought without an end is a thought', () => {
    expect(split('<think>so', ' far</th')).toMatchObject({ reasoning: 'so far</th', text: '' })
  })

  test('a beginning that never became a tag is text at the end', () => {
    expect(split('\n<thi')).toMatchObject({ reasoning: '', text: '\n<thi' })
  })

  test('the result is the same however the text is cut', () => {
    const word = fc.constantFrom('<think>', '</think>', '<', '</', 'think>', ' ', '\n', 'a', '🦊')
    fc.assert(
      fc.property(
        fc.array(word, { maxLength: 12 }),
        fc.infiniteStream(fc.integer({ min: 1, max: 5 })),
        (words, lengths) => {
          const text = words.join('')
          const pieces: string[] = []
          for (let at = 0; at < text.length;) {
            const length = lengths.next().value
            pieces.push(text.slice(at, at + length))
            at += length
          }
          const { reasoning, text: rest } = split(text)
          expect(split(...pieces)).toMatchObject({ reasoning, text: rest })
        },
      ),
      { seed: 20_251_120, numRuns: 2000 },
    )
  })
})
