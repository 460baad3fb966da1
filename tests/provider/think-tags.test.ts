import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ThinkTags } from '../../server/provider/think-tags.ts'

function split(...pieces: string[]): { reasoning: string; text: string; pushed: { reasoning: string; text: string } } {
  const tags = new ThinkTags()
  const all = { reasoning: '', text: '' }
  const take = (): void => {
    if (tags.turned) {
      all.reasoning = all.text
      all.text = ''
    }
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

  test.each([
    ['Let me see. It is four.</think>\n\nFour.', 'Let me see. It is four.', 'Four.'],
    ['</think>Four.', '', 'Four.'],
    ['I see.</thinking>Four.', 'I see.', 'Four.'],
    ['I see.[/THINK]Four.', 'I see.', 'Four.'],
    ['So:\n```js\na</think>b\n```\nthen.</think>Four.', 'So:\n```js\na</think>b\n```\nthen.', 'Four.'],
    ['So:\n\n    a</think>b\n\nthen\n    go.</think>Four.', 'So:\n\n    a</think>b\n\nthen\n    go.', 'Four.'],
    ['It`s odd\n</think>Four.', 'It`s odd\n', 'Four.'],
    ['One.</think>Two.</think>Three.', 'One.', 'Two.</think>Three.'],
  ])('a closing tag that nothing opened makes thoughts of what stands before it: %j', (text, reasoning, rest) => {
    expect(split(text)).toMatchObject({ reasoning, text: rest })
    expect(split(...text.split(''))).toMatchObject({ reasoning, text: rest })
  })

  test.each([
    'Close it by `</think>`, then go on.',
    'So:\n```\n</think>\n```\nDone.',
    'So:\n\n    <b>\n    </think>\n\nDone.',
    '~~~\n</think>\n~~~',
    'In <think> there are thoughts, and </think> ends them.',
    '``a ` b</think>`` done',
    'a </thinks> b [/THINKING] c',
  ])('in code, behind another tag or as another word it is text: %j', (text) => {
    expect(split(text)).toMatchObject({ reasoning: '', text })
    expect(split(...text.split(''))).toMatchObject({ reasoning: '', text })
  })

  test('all pairs count, and a pair of one’s own', () => {
    expect(split('<thinking>a</thinking>b')).toMatchObject({ reasoning: 'a', text: 'b' })
    expect(split('<thought>a</thought>b')).toMatchObject({ reasoning: 'a', text: 'b' })
    expect(split('[THINK]a</think>b[/THINK]c')).toMatchObject({ reasoning: 'a</think>b', text: 'c' })
    const tags = new ThinkTags(['◁think▷'])
    tags.push('◁think▷a◁/think▷b')
    expect(tags).toMatchObject({ reasoning: 'a', text: 'b' })
  })

  test('thoughts that came elsewhere leave only a closing tag before the text', () => {
    const tags = new ThinkTags()
    tags.thought()
    tags.push('\n</thi')
    tags.push('nk>\n\nYes. <think> is a tag, </think> another.')
    expect(tags).toMatchObject({ reasoning: '', text: 'Yes. <think> is a tag, </think> another.', turned: false })
  })

  test('a thought without an end is a thought', () => {
    expect(split('<think>so', ' far</th')).toMatchObject({ reasoning: 'so far</th', text: '' })
  })

  test('a beginning that never became a tag is text at the end', () => {
    expect(split('\n<thi')).toMatchObject({ reasoning: '', text: '\n<thi' })
  })

  test('the result is the same however the text is cut', () => {
    const word = fc.constantFrom(
      '<think>',
      '</think>',
      '[/THINK]',
      '<',
      '</',
      'think>',
      ' ',
      '\n',
      'a',
      '`',
      '```',
      '🦊',
    )
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
