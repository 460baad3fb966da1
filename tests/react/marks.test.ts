/** Marks in Markdown: where they stand, that nothing else changes, and that what holds none is left alone. */
import { expect, test } from 'vitest'
import { GrowingMarkdown, markdownHtml, parseMarkdown, type MarkdownNode } from '../../client/markdown/index.ts'
import { markOf } from '../../client/react/markdown/mark-nodes.ts'
import { TextMarks } from '../../client/react/markdown/index.ts'
import { fixtures } from '../shared/markdown-corpus.ts'

/** HTML of a text with marks where `¦` stands in it, and `{…¦` for what a mark stands for. */
function marked(written: string): string {
  const marks: { key: string; at: number; from?: number }[] = []
  let text = ''
  let from: number | undefined
  for (const sign of written)
    if (sign === '{') from = text.length
    else if (sign === '¦') {
      marks.push({ key: String(marks.length + 1), at: text.length, ...(from !== undefined && { from }) })
      from = undefined
    } else text += sign
  const chunks = new TextMarks(marks).chunks(parseMarkdown(text).chunks, text)
  return markdownHtml({ chunks: chunks.map((chunk) => ({ ...chunk, children: chunk.children.map(withNumbers) })) })
}

function withNumbers(node: MarkdownNode): MarkdownNode {
  if (node.type !== 'element') return node
  const mark = markOf(node)
  if (mark) return { ...node, children: [{ type: 'text', key: '0', text: mark.key }] }
  return { ...node, children: node.children.map(withNumbers) }
}

test.each([
  ['in a line', 'High water¦ is at six.¦', '<p>High water<sup>1</sup> is at six.<sup>2</sup></p>'],
  [
    'behind emphasis',
    '**High water**¦ at *six¦*',
    '<p><strong>High water</strong><sup>1</sup> at <em>six</em><sup>2</sup></p>',
  ],
  [
    'behind a link, wherever in it',
    'See [the of¦fice](https://a.example/b(c) "t")¦.',
    '<p>See <a href="https://a.example/b(c)" title="t" rel="noopener noreferrer nofollow">the office</a><sup>1</sup><sup>2</sup>.</p>',
  ],
  [
    'in place of a link',
    'At six{ ([office](https://a.example/?q=a_b))¦. Then {[x](https://b.example)¦',
    '<p>At six<sup>1</sup>. Then <sup>2</sup></p>',
  ],
  [
    'in lists, quotes and tables',
    '- one¦\n- two `co de`¦\n\n1. > said¦\n   > twice¦\n\n| a¦ | b |\n|:--|--:|\n| c | d¦ |\n\n# Head¦',
    '<ul>\n<li>one<sup>1</sup></li>\n<li>two <code>co de</code><sup>2</sup></li>\n</ul>\n<ol>\n<li><blockquote>\n<p>said<sup>3</sup>\ntwice<sup>4</sup></p>\n</blockquote>\n</li>\n</ol>\n<table>\n<thead>\n<tr>\n<th align="left">a<sup>5</sup></th>\n<th align="right">b</th>\n</tr>\n</thead>\n<tbody>\n<tr>\n<td align="left">c</td>\n<td align="right">d<sup>6</sup></td>\n</tr>\n</tbody>\n</table>\n<h1>Head<sup>7</sup></h1>',
  ],
  [
    'beside signs that are words',
    'A \\* b¦ &amp; c¦ 2 * 3¦',
    '<p>A * b<sup>1</sup> &amp; c<sup>2</sup> 2 * 3<sup>3</sup></p>',
  ],
  [
    'in tasks, and beside comments',
    '- [x] a¦\n- [ ] b¦\n\nc¦ <!-- d --> e.¦',
    '<ul>\n<li>☑ a<sup>1</sup></li>\n<li>☐ b<sup>2</sup></li>\n</ul>\n<p>c<sup>3</sup>  e.<sup>4</sup></p>',
  ],
  ['in 日本語¦ and 🌊¦', '日本語¦の🌊¦。', '<p>日本語<sup>1</sup>の🌊<sup>2</sup>。</p>'],
  [
    'behind code, never in it',
    '```js\nlet a¦ = 1\n```\n\nText¦ `b¦[1]`\n\n- c\n  ```\n  d¦\n  ```\n\n$$\ne¦\n$$',
    '<pre><code>let a = 1</code></pre><p><sup>1</sup></p><p>Text<sup>2</sup> <code>b[1]</code><sup>3</sup></p><ul><li>c<pre><code>d</code></pre><sup>4</sup></li></ul><code>e</code><p><sup>5</sup></p>',
  ],
  [
    'for no reference that is code or a formula',
    'Take `a{[1]¦` and $x{[1]¦$ {[1]¦.\n\n```\nb{[1]¦\n```\n\n1. c\n\n       d{[2]¦',
    '<p>Take <code>a[1]</code> and <code>x[1]</code> <sup>3</sup>.</p><pre><code>b[1]</code></pre><ol><li><p>c</p><pre><code>d[2]</code></pre></li></ol>',
  ],
  [
    'in what asks for a footnote, and in the footnote',
    'A note[^moon]¦ here{ [1]¦.¦\n\n[^moon]: said¦\n    more\n[^2]: sun{[2]¦\n\nText¦[^2]',
    '<p>A note<sup>1</sup><sup>1</sup> here<sup>2</sup>.<sup>3</sup></p><p>Text<sup>6</sup><sup>2</sup></p><hr><ol><li><p>said<sup>4</sup>\nmore</p></li><li><p>sun<sup>5</sup></p></li></ol>',
  ],
  [
    'where lines end as on Windows',
    'One¦\r\ntwo{ [1]¦.\r\n\r\nThree¦\rfour¦\r\n\r\n```\r\na\r\n```\r\nFive¦',
    '<p>One<sup>1</sup>\ntwo<sup>2</sup>.</p><p>Three<sup>3</sup>\nfour<sup>4</sup></p><pre><code>a</code></pre><p>Five<sup>5</sup></p>',
  ],
  ['never where the place is not certain', 'A¦ <b title="a>b">here.</b>¦\n\nText¦', undefined],
])('marks stand %s', (_where, written, html) => {
  const shown = marked(written)
  if (html !== undefined) expect(shown.replaceAll(/>\n+</g, '><')).toBe(html.replaceAll(/>\n+</g, '><'))
  else {
    expect(shown).toContain('here.')
    expect(shown).toContain('Text<sup>3</sup>')
  }
})

test('with marks at all places of a text its words stay the same', () => {
  let placed = 0
  for (const { text } of fixtures) {
    const marks = Array.from({ length: 40 }, (_, i) => ({ key: `k${i}`, at: Math.round((text.length * (i + 1)) / 40) }))
    const { chunks } = parseMarkdown(text)
    const shown = new TextMarks(marks).chunks(chunks, text)
    // What stands behind code is a paragraph of marks alone.
    const words = (all: typeof chunks) =>
      all.flatMap(({ children }) => children.filter(({ key }) => !key.startsWith('marks ')).map(wordsOf))
    expect(words(shown)).toEqual(words(chunks))
    placed += JSON.stringify(shown).split('"mark k').length - 1
  }
  expect(placed).toBeGreaterThan(fixtures.length * 10)
})

function wordsOf(node: MarkdownNode): string {
  if (node.type === 'element') return node.children.map(wordsOf).join('')
  return node.type === 'code' ? node.children.map(({ text }) => text).join('') : node.text
}

test('what holds no mark is the same object, and what holds one while it does not change', () => {
  const markdown = new GrowingMarkdown()
  let text = ''
  for (let i = 0; i < 100; i++) text += `Paragraph ${i} of **many**.\n\n`
  markdown.append(text)
  const marks = new TextMarks([
    { key: '1', at: text.indexOf('.') },
    { key: '2', at: text.length + 5 },
  ])
  const before = marks.chunks(markdown.tree.chunks, text)
  expect(before[0]).not.toBe(markdown.tree.chunks[0])
  expect(before[1]).toBe(markdown.tree.chunks[1])
  text += 'Last line'
  const after = marks.chunks(markdown.append('Last line').chunks, text)
  expect(after[0]).toBe(before[0])
  expect(after[1]).toBe(before[1])
  expect(JSON.stringify(after)).toContain('mark 2')
})
