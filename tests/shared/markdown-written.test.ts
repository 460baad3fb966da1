/** What is written with `<` and is no element that may be is seen as it was written: no word of a text is lost. */
import { expect, test } from 'vitest'
import { messageHtml } from '../../server/http/render/html.ts'
import { GrowingMarkdown, parseMarkdown } from '../../shared/markdown/markdown.ts'
import type { MarkdownNode, MarkdownTree } from '../../shared/markdown/nodes.ts'
import type { Message } from '../../shared/schema.ts'
import { vectors } from '../browser/xss-vectors.ts'

const textOf = (node: MarkdownNode): string =>
  node.type === 'text' || node.type === 'math'
    ? node.text
    : node.type === 'element' && /^(td|th|li|p|ul|ol|summary)$/.test(node.tag)
      ? ` ${node.children.map(textOf).join('')} `
      : node.children.map(textOf).join('')
const seenIn = (tree: MarkdownTree) =>
  tree.chunks
    .flatMap(({ children }) => children.map(textOf))
    .join(' ')
    .replaceAll(/\s+/g, ' ')
    .trim()
const wordsOf = (text: string) => text.match(/[\p{L}\p{N}]+/gu) ?? []

function htmlOf(words: string): string {
  const output = [{ id: 'b', type: 'text', status: 'completed', text: words, annotations: [] }]
  return messageHtml({ id: 'msg_a', role: 'assistant', status: 'completed', output } as unknown as Message)
}

/** Markdown, and what is seen of it; null: what is written. */
const table: [string, string | null][] = [
  // Names of elements in words.
  ['Put <title> before <meta> in <head>, and then go on.', null],
  ['The <script> element and the <style> element are not the same.', null],
  ['Use <textarea> or <option>; <svg> and <math> too.', null],
  ['A <div> is a block, a <b> is not, and <p> begins a paragraph.', null],
  ['Close it with </li>, </ul> or </title>.', null],
  ['Close it with\n\n</LI>\n\nor with\n</ul>\n\nand go on', null],
  ['<p>One <b>bold</p>\n</b>\n\n</p>\n\nand more', 'One bold </p> and more'],
  ['Write <your name> and <YOUR_API_KEY> here.', null],
  ['An <img> needs an address.', null],
  ['An <iframe src="https://a.example"> loads a page.', null],
  // Generics.
  ['It gives a Promise<User> back.', null],
  ['A Map<string, List<Order>> of Array<T> and Vec<u8>.', null],
  ['The type List<S> or Set<B> is not bold, and Q<A> is none.', null],
  ['Foo<T extends Bar> and Foo<A extends B> mean types.', null],
  ['std::vector<std::string> and HashMap<K, V>::new()', null],
  ['Record<string, unknown>[] goes on', null],
  // Comparisons.
  ['if x<y and z>w then stop', null],
  ['if a<b and c>d then stop', null],
  ['1 <2 and 3> 2, i<s or s>i', null],
  ['a <= b, c >= d, e <> f, g << h >> i', null],
  ['x<y', null],
  ['it ends with a <', null],
  ['it ends with a <b', null],
  ['a <- b -> c <-> d', null],
  // Markup of other languages.
  ['<project>\n  <name>demo</name>\n</project>', null],
  ['<?xml version="1.0"?>\n<note to="Ann">Call</note>', null],
  ['<!DOCTYPE html>\n<html lang="en">\n<body>Hello</body>\n</html>', null],
  ['Some <![CDATA[raw words]]> here', null],
  ['<?php echo 1; ?>\n\nThat was it.', null],
  ['<Button onClick={() => go()} disabled>Go</Button>', null],
  ['Render <App /> inside <StrictMode>, not <React.Fragment>.', null],
  ['<answer>\nThe **moon** pulls.\n\nAnd more.\n</answer>', '<answer> The moon pulls. And more. </answer>'],
  ['<think>\nLet me see.\n</think>\n\nForty-two.', null],
  ['An <xsl:template match="/"> and a <my-element data-x="1">.', null],
  // What does run elsewhere.
  ['Before <script>alert(1)</script> after', null],
  ['Before\n\n<script>\nalert(1)\n\nalert(2)\n</script>\n\nafter', null],
  ['<style>p { color: red }</style>\n\nafter', null],
  ['Before <style>p {} and no end\n\nafter', null],
  ['<script>alert(1)\n\nafter it', null],
  ['<textarea>\nhalf\n\nafter it', null],
  // Addresses.
  ['Ask <ann@a.example> now', 'Ask ann@a.example now'],
  ['See <https://a.example/x?y=1> now', 'See https://a.example/x?y=1 now'],
  ['See <irc://a.example/x> and <javascript:alert(1)> now', null],
  ['A Map<key:value> is none', null],
  // Elements that may be.
  ['H<sub>2</sub>O and x<SUP>2</SUP>', 'H2O and x2'],
  ['<b>Bold <i>both</b> lean</i> none', 'Bold both lean none'],
  ['one<br>two<br/>three', 'onetwothree'],
  ['Press <kbd class="k">Ctrl</kbd> + <kbd>C</kbd>', 'Press Ctrl + C'],
  ['<b>bold without end', null],
  ['text without beginning</b> here', null],
  [
    '<details>\n<summary>More <Widget></summary>\n\nwords of <title>\n\n</details>\n\nafter',
    'More <Widget> words of <title> after',
  ],
  ['<details open>\n<summary>More</summary>\n<b>one</b> <i>two</i>\n</details>', 'More one two'],
  ['<p align="center">in <foo bar="a &amp; b"> it</p>\n\nafter', 'in <foo bar="a &amp; b"> it after'],
  ['<div class="a">in it</div>\n\nafter', null],
  ['<img src="/x.png" alt="A cat"> is one', 'A cat is one'],
  // In other places.
  ['# The <title> of it\n\nwords', 'The <title> of it words'],
  ['- a Promise<User>\n- a <title>\n  - a <head>', 'a Promise<User> a <title> a <head>'],
  ['> quoted <title>\n> words', 'quoted <title> words'],
  ['| a <th> | b |\n|---|---|\n| Map<K> | x<y and z>w |', 'a <th> b Map<K> x<y and z>w'],
  [
    'A [link of <title> words](https://a.example) and **bold <head> words**',
    'A link of <title> words and bold <head> words',
  ],
  ['*lean <T> on*, ~~gone <U> by~~', 'lean <T> on, gone <U> by'],
  ['`<title>` and &lt;head&gt; and \\<body>', '<title> and <head> and <body>'],
  ['1. Put <header>\n\n   and <Footer/>\n2. two', 'Put <header> and <Footer/> two'],
  ['A note [^1] of it\n\n[^1]: says <title> and more\n', 'A note 1 of it says <title> and more'],
  // Comments.
  ['Before <!-- not for readers --> after', 'Before after'],
  ['<!-- not for readers -->\n\nafter', 'after'],
  ['Before <!-- has no end, so it is none', null],
  ['<!-- has no end\n\nafter it', null],
  ['<p>a</p>\n<!-- one <!-- and <!-- two\n\nafter it', 'a <!-- one <!-- and <!-- two after it'],
  // Long.
  [`if x <y and ${'then more words '.repeat(20)}come`, null],
]

test(`the table has ${table.length} kinds`, () => expect(table.length).toBeGreaterThanOrEqual(40))

test.each(table)('%j', (text, expected) => {
  const seen = seenIn(parseMarkdown(text))
  const wanted = expected ?? text.replaceAll(/\s+/g, ' ').trim()
  expect(seen).toBe(wanted)
  expect(
    wordsOf(
      htmlOf(text)
        .replaceAll(/<[^>]*>/g, ' ')
        .replaceAll('&lt;', '<')
        .replaceAll('&gt;', '>')
        .replaceAll('&amp;', '&'),
    ),
  ).toEqual(expect.arrayContaining(wordsOf(wanted).filter((word) => !/^x2|onetwo|H2O/.test(word))))
})

test.each(table)('%j at each length loses no word that was seen', (text, expected) => {
  const markdown = new GrowingMarkdown()
  let before: string[] = []
  for (const [index, unit] of text.split('').entries()) {
    const words = wordsOf(seenIn(markdown.append(unit)))
    // The last one may go on.
    const left = [...words]
    for (const word of before.slice(0, -1)) {
      const place = left.indexOf(word)
      expect(place, `${word} of ${JSON.stringify(text.slice(0, index))}, then ${JSON.stringify(words)}`).not.toBe(-1)
      left.splice(place, 1)
    }
    before = words
  }
  expect(seenIn(markdown.end())).toBe(expected ?? text.replaceAll(/\s+/g, ' ').trim())
})

test('what may be dangerous takes nothing that stands around it along', () => {
  for (const vector of vectors.filter((vector) => !vector.includes('\n')))
    for (const text of [`Before it. ${vector} After it.`, `Before it.\n\nHere ${vector}\n\nAfter it.`])
      expect(seenIn(parseMarkdown(text)), vector).toMatch(/^Before it\..*After it\.$/)
})
