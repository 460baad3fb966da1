/** What nobody should see for a moment while Markdown grows. */
import { expect, test } from 'vitest'
import { GrowingMarkdown } from '../../shared/markdown/markdown.ts'
import type { MarkdownNode, MarkdownTree } from '../../shared/markdown/nodes.ts'

const textOf = (node: MarkdownNode): string =>
  node.type === 'text' || node.type === 'math' ? node.text : node.children.map(textOf).join('')
const shapeOf = (node: MarkdownNode): string =>
  node.type === 'text'
    ? ''
    : node.type === 'element'
      ? `${node.tag}(${node.children.map(shapeOf).filter(Boolean).join()})`
      : node.type
const nodesOf = (tree: MarkdownTree) => tree.chunks.flatMap(({ children }) => children)

/** Every length of a text: what may be seen of none of them. */
test.each<[string, RegExp]>([
  ['Some **bold** words and __more__ of them', /[*_]/],
  ['Some *leaning* words, _and_ more', /[*_]/],
  ['***Both*** of them', /\*/],
  ['**Bold with *leaning* inside** it', /\*/],
  ['~~Gone~~ words', /~/],
  ['Some `code` here and ``two`` there', /`/],
  ['**Bold `code` in** it', /[*`]/],
  ['A [link](https://a.example/x "Title") here', /[[\]()"]|https/],
  ['An ![image](https://a.example/x.png) here', /[![\]()]|https/],
  ['**[Link](https://a.example)** here', /[*[\]()]|https/],
  ['H<sub>2</sub>O', /[<>]|sub/],
  ['A <https://a.example> address', /[<>]/],
  ['# Heading\n\ntext', /#/],
  ['Heading\n=====\n\ntext', /=/],
  ['Heading\n---\n\ntext', /-/],
  ['one\n\n---\n\ntwo', /-/],
  ['one\n\n***\n\ntwo', /\*/],
  ['- one\n- two\n  - three\n', /-/],
  ['* one\n* **two**\n', /\*/],
  ['1. one\n2. two\n10. ten\n', /\d/],
  ['- [ ] open\n- [x] done\n', /[[\]-]/],
  ['> quote\n> more\n', />/],
  ['| a | b |\n|---|:-:|\n| 1 | **2** |\n', /[|:*-]/],
  ['```ts\nlet x\n```\n\ntext', /`|^ts/],
  ['~~~~\nlet x\n~~~~\n\ntext', /~/],
  ['- a\n  ```\n  let x\n  ```\n', /`/],
  ['Before\n\n$$\nx^2\n$$\n\nafter', /\$/],
  ['So $x^2$ is', /\$x\^2\$/],
  ['Fish &amp; chips', /&a|amp/],
  ['[a]: https://a.example\n\n[a] here', /https/],
  ['<details>\n<summary>More</summary>\n\nwords\n\n</details>\n', /[<>]|details|summary/],
])('%j shows no %s', (text, never) => {
  const markdown = new GrowingMarkdown()
  for (const [index, unit] of text.split('').entries()) {
    const seen = nodesOf(markdown.append(unit)).map(textOf).join('\n')
    expect(seen, `at ${index + 1}`).not.toMatch(never)
  }
})

/** Shapes that a text may have on its way, in order. */
test.each<[string, string[]]>([
  ['# One', ['h1()']],
  ['One\n===\n', ['p()', 'h1()']],
  [
    '| a | b |\n|---|---|\n| 1 | 2 |',
    ['table(thead(tr(th())))', 'table(thead(tr(th(),th())))', 'table(thead(tr(th(),th())),tbody(tr(td(),td())))'],
  ],
  ['```js\nx\n```', ['code']],
  ['- a\n- b', ['ul(li())', 'ul(li(),li())']],
  ['**a** b', ['p(strong())']],
  ['[a](b) c', ['p()', 'p(a())']],
  ['$$\nx\n$$\n', ['math']],
])('%j becomes %j and nothing else', (text, shapes) => {
  const markdown = new GrowingMarkdown()
  const seen: string[] = []
  for (const unit of text) {
    const shape = nodesOf(markdown.append(unit)).map(shapeOf).join(' ')
    if (shape !== '' && shape !== seen.at(-1)) seen.push(shape)
  }
  expect(seen).toEqual(shapes)
})

test('a text that is whole means what it says', () => {
  const markdown = new GrowingMarkdown({}, 'a **b')
  expect(nodesOf(markdown.tree).map(shapeOf)).toEqual(['p(strong())'])
  expect(nodesOf(markdown.end()).map(textOf)).toEqual(['a **b'])
  expect(nodesOf(markdown.append('c')).map(shapeOf)).toEqual(['p(strong())'])
})

test.each(['2 * 3 is 6', 'snake_case_name', 'a < b and c > d', 'It costs $5 and $6.', '[1] is a source', 'x ~ y'])(
  '%j stays as it is at each length',
  (text) => {
    const markdown = new GrowingMarkdown()
    let before = ''
    for (const unit of text) {
      const seen = nodesOf(markdown.append(unit)).map(textOf).join('')
      expect(seen.startsWith(before.slice(0, -1)), `${JSON.stringify(before)} → ${JSON.stringify(seen)}`).toBe(true)
      before = seen
    }
    expect(nodesOf(markdown.end()).map(textOf).join('')).toBe(text)
  },
)

test('a formula that the repair has closed is not whole: nothing draws half of it', () => {
  const mathOf = (text: string) =>
    new GrowingMarkdown({}, text).tree.chunks.flatMap(({ children }) => children).flatMap(mathIn)
  expect(mathOf('Let $a^2')).toMatchObject([{ text: 'a^2', closed: false }])
  expect(mathOf('Let **$a^2$ and $b^')).toMatchObject([{ closed: true }, { closed: false }])
  expect(mathOf('Let $a^2$')).toMatchObject([{ closed: true }])
})

const mathIn = (node: MarkdownNode): MarkdownNode[] =>
  node.type === 'math' ? [node] : 'children' in node ? node.children.flatMap(mathIn) : []
