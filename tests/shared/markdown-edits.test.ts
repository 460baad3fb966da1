/** An edit may change what something far before it means: the tree is the whole text's all the same. */
import { isDeepStrictEqual } from 'node:util'
import { expect, test } from 'vitest'
import { GrowingMarkdown, parseMarkdown } from '../../shared/markdown/markdown.ts'
import { seeded } from './markdown-corpus.ts'

const seed = Number(process.env['RUNNEL_FUZZ_SEED'] ?? Math.floor(Math.random() * 1_000_000))

/** What stays, what stands behind it, and what comes in its place. */
test.each([
  // Another comment begins, so that the first is none, or it does no more.
  ['<!--\n\nI\n\ne\n', '<!--', ''],
  ['<!--\n>\n\ne', '\n<!--', ''],
  ['<!--\n```\n```\n~~~', '<!--', ''],
  ['<!--\n\na\n\nb\n\nc\n\n', '<!--', '-->\n\nd'],
  ['<!--\n\n<\n<!--', '<!--', ''],
  // A formula, a definition and a tag have no blank line in them.
  ['$$\n# a\n# b\n# c\n# d', '\n\nx\n\ny', '\n$$\n\nz'],
  ['\\[\n# a\n# b\n# c\n# d', '\n\nx\n\ny', '\n\\]\n\nz'],
  ['[a]: /x "t\n# a\n# b\n# c\n# d', '\n\nx\n\n[a]', '"\n\n[a]'],
  ['[a]: /x "t\n# a\n# b\n# c\n# d\n', '', '"\n\n[a]'],
  ['[a]: /x\n"t\n# a\n# b\n# c\n# d\n', '', '"\n\n[a]'],
  ['<b title="\n# a\n# b\n# c\n# d', '\n\nx\n\ny', '">\n\nz'],
  // Blank lines before all.
  ['', '\n1\n', 'b\n1\n'],
  // The line that ended a paragraph is not known again.
  ['![x\n<br>| a | b |\n- > ```', '\n\na\n', ''],
  ['*b`**\n]\n', '|---|---|\n\n*\n', ''],
  // The same words, indented in another way by what stands behind them.
  ['<?\n    d\n-', ' o', '\n'],
  // What begins a list would be the line under a table's head, had that as many columns.
  ['h\n', '', "'\n- |-\n"],
  ['|\n\t>\n-\n', '', 'x'],
  // A tab behind its mark: the line ends no fence.
  ['```\n```\t\n$', '', ''],
  // An element that ended early.
  ['<p><p></p>\n\n', '</p\n', '</p\n>'],
])('%j with %j, then %j', (kept, was, now) => {
  const markdown = new GrowingMarkdown({}, kept + was)
  expect(markdown.replaceFrom(kept.length, now)).toEqual(parseMarkdown(kept + now, { isGrowing: true }))
  expect(markdown.end()).toEqual(parseMarkdown(kept + now))
})

test.each([
  ['<!--\n\na\n\nb\n\nc', 'd'],
  ['$$\n# a\n# b\n', 'c'],
  ['<!--\n', '\n]\n<a f="<!--'],
  ['<!--\n\n<\n[<!--', ']:'],
])('%j, which seemed to be all, and then %j', (text, more) => {
  const markdown = new GrowingMarkdown({}, text)
  expect(markdown.end()).toEqual(parseMarkdown(text))
  expect(markdown.append(more)).toEqual(parseMarkdown(text + more, { isGrowing: true }))
})

test('a long list of definitions without a blank line defines them all, also while it grows', () => {
  const text = `[a0] and [a199]\n\n${Array.from({ length: 200 }, (_, i) => `[a${i}]: https://a.example/${i}\n`).join('')}`
  const markdown = new GrowingMarkdown()
  for (let at = 0; at < text.length; at += 97)
    expect(markdown.append(text.slice(at, at + 97))).toEqual(parseMarkdown(text.slice(0, at + 97), { isGrowing: true }))
  expect(markdown.end()).toEqual(parseMarkdown(text))
  expect(JSON.stringify(markdown.tree).match(/"href":"[^"]*"/g)).toEqual([
    '"href":"https://a.example/0"',
    '"href":"https://a.example/199"',
  ])
})

const marks = (
  '<!-- --> $$ \\[ \\] <a_href=" "> <b > [a]: /x _"t " #_h -_ 1._ *_ |_a_|_b_| |---|---| | ``` ~~~ >_ ____c __ [^1]:_ [^1] ' +
  '[a] <pre> </pre> <details> </details> <p> </p> === --- *** word \\ < <title> ` ** -_[_]_ &amp; <br> ( ) [ ![ ~~'
)
  .split(' ')
  .map((mark) => mark.replaceAll('_', ' '))
marks.push(...Array.from({ length: 7 }, () => '\n'), '\n\n', '\n\n', '\n\n', '\t', '_')

test(`texts of nothing but marks, edited and gone on with (seed ${seed})`, { timeout: 60_000 }, () => {
  const random = seeded(seed)
  const below = (end: number) => Math.floor(random() * end)
  const some = (most: number) => Array.from({ length: below(most) }, () => marks[below(marks.length)]!).join('')
  for (let round = 0; round < 300; round++) {
    const markdown = new GrowingMarkdown()
    const steps: [number, string][] = []
    let now = ''
    for (let step = 0; step < 8; step++) {
      const isEdit = step > 0 && random() < 0.5
      const from = isEdit ? below(now.length + 1) : now.length
      const text = some(step === 0 ? 40 : 10) + (isEdit && random() < 0.6 ? now.slice(from + below(8)) : '')
      steps.push([from, text])
      now = now.slice(0, from) + text
      const tree = markdown.replaceFrom(from, text)
      const whole = parseMarkdown(now, { isGrowing: true })
      if (!isDeepStrictEqual(tree, whole)) expect(tree, `steps ${JSON.stringify(steps)}`).toEqual(whole)
      if (random() < 0.1) expect(markdown.end()).toEqual(parseMarkdown(now))
    }
  }
})
