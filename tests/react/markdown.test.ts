/** Markdown in React: it is the tree, what is finished is left alone, and nothing active comes of it. */
import { createElement as h, memo, StrictMode, useLayoutEffect, useRef } from 'react'
import { renderToString } from 'react-dom/server'
import { afterAll, afterEach, expect, test, vi } from 'vitest'
import { eventually, hydrate, mount } from './page.ts'
import { markdownText } from '../../bench/markdown/text.ts'
import { fixtures } from '../shared/markdown-corpus.ts'
import { vectors } from '../browser/xss-vectors.ts'
import { GrowingMarkdown, MarkdownView, parseMarkdown } from '../../client/markdown/index.ts'
import { Markdown, type MarkdownComponents } from '../../client/react/markdown/index.ts'

/** The same elements, made without React. */
function expected(text: string): HTMLElement {
  const root = document.createElement('div')
  new MarkdownView(root).update(parseMarkdown(text))
  return root
}

/** HTML in Markdown that a browser would read as another tree. */
const misnested = [
  '<p>a<ul><li>b</li></ul></p>',
  '<p>a <b>b <h2>c</h2></b></p>',
  '<h1>a<h2>b</h2></h1>',
  '<h1><b>a<h2>b</h2></b></h1>',
  '<a href="/x">a <b><a href="/y">b</a></b></a>',
  '<ul><li>a<li>b</li></li></ul>',
  '<ul><li><b>a<li>b</li></b></li></ul>',
  '<dl><dt>a<dd>b</dd></dt></dl>',
  '<table><tr><td>a</td></tr><tr><td>b</td></tr></table>',
  '<table><thead><tr><th>a</th></tr></thead> <tr> <td>b</td> </tr></table>',
  '<table>a<tr><td>b</td></tr></table>',
  '<table><td>a</td></table>',
  '<tr><td>a</td></tr>',
  '<table><tbody>a<tr>b<td>c<table><tr><td>d</td></tr></table></td></tr></tbody></table>',
  '<table><caption>a</caption><tbody><tr><td><p>b<p>c</p></p></td></tr></tbody></table>',
  '[a <b>b</b> <a href="/x">c</a>](/y)',
]

const words = (element: Element) => element.textContent?.replaceAll(/\s+/g, '')

const problems: unknown[][] = []
const said = vi.spyOn(console, 'error').mockImplementation((...words) => void problems.push(words))
afterAll(() => said.mockRestore())
// React says where a browser would read other elements than it is given.
afterEach(() => expect(problems.splice(0)).toEqual([]))

const shown = (element: Element) => element.firstElementChild!.innerHTML

test('it is the elements of the whole text, at once and grown', async () => {
  const page = mount(h(Markdown, { text: '' }))
  let same = 0
  for (const text of [...fixtures.map((fixture) => fixture.text), markdownText(9_000), ...misnested]) {
    for (let at = 0; at < text.length; at += Math.ceil(text.length / 7))
      page.render(h(StrictMode, null, h(Markdown, { text: text.slice(0, at), isGrowing: true })))
    page.render(h(StrictMode, null, h(Markdown, { text })))
    await eventually(() => expect(words(page.element)).toBe(words(expected(text))))
    // What does not fit where it stands is another element here.
    if (text.includes('<')) continue
    same++
    expect(shown(page.element)).toBe(expected(text).innerHTML)
  }
  expect(same).toBeGreaterThan(2)
})

test('text that is cut, replaced, or grows after its end is the text that it is', async () => {
  const page = mount(h(Markdown, { text: 'a' }))
  const steps: [string, boolean][] = [
    ['# One\n\ntwo **thr', true],
    ['# One\n\ntwo **three**', false],
    ['# One\n\ntwo **three** and `fo', true],
    ['# Other', false],
    ['', true],
    ['- x\n- y', false],
  ]
  for (const [text, isGrowing] of steps) {
    page.render(h(Markdown, { text, isGrowing }))
    const root = document.createElement('div')
    const markdown = new GrowingMarkdown({}, text)
    new MarkdownView(root).update(isGrowing ? markdown.tree : markdown.end())
    await eventually(() => expect(shown(page.element)).toBe(root.innerHTML))
  }
})

test('what is finished stays the same element, and its components are not rendered again', async () => {
  const renders: string[] = []
  const Link = memo(({ href, children }: { href?: string; children?: React.ReactNode }) => {
    renders.push(href!)
    return h('a', { href, target: '_blank' }, children)
  })
  const Code = ({ text, node }: { text: string; node: { language: string } }) => {
    renders.push(node.language)
    return h('pre', null, text)
  }
  const components = { code: Code, elements: { a: Link } } as unknown as MarkdownComponents
  let text = '[one](https://one.example)\n\n```ts\nconst a = 1\n```\n\n'
  const page = mount(h(Markdown, { text, isGrowing: true, components }))
  await eventually(() => expect(page.element.querySelectorAll('a, pre')).toHaveLength(2))
  const first = [...page.element.querySelectorAll('a, pre')]
  renders.length = 0
  for (let i = 0; i < 200; i++) {
    text += `Paragraph ${i} with **bold** words.\n\n`
    page.render(h(Markdown, { text, isGrowing: true, components }))
  }
  text += '[two](https://two.example)'
  page.render(h(Markdown, { text, components }))
  await eventually(() => expect(page.element.querySelectorAll('a')).toHaveLength(2))
  expect(page.element.querySelectorAll('p')).toHaveLength(202)
  expect([...page.element.querySelectorAll('a, pre')].slice(0, 2)).toEqual(first)
  expect(new Set(renders)).toEqual(new Set(['https://two.example']))
})

test('a long text comes in turns, both its ends first; all that a server has rendered stays', async () => {
  const text = Array.from({ length: 150 }, (_, n) => `Words ${n}`).join('\n\n')
  const whole = expected(text)
  const all = parseMarkdown(text).chunks.length
  const commits: boolean[][] = []
  const firsts: Element[] = []
  const chunksOf = (root: Element) => Array.from(root.querySelectorAll('.markdown-chunk'))
  function Watched() {
    const root = useRef<HTMLDivElement>(null)
    useLayoutEffect(() => {
      firsts.push(...chunksOf(root.current!))
      commits.push(firsts.map((chunk) => chunk.childElementCount > 0))
    }, [])
    return h('div', { ref: root }, h(Markdown, { text }))
  }

  const page = mount(h(Watched))
  await eventually(() => expect(commits).toHaveLength(1))
  await eventually(() => expect(firsts.every((chunk) => chunk.childElementCount > 0)).toBe(true))
  expect(all).toBeGreaterThan(3)
  expect(commits.splice(0)).toEqual([Array.from({ length: all }, (_, index) => index < 1 || index >= all - 2)])
  // In the places that were kept for them.
  expect(chunksOf(page.element)).toEqual(firsts.splice(0))
  expect(page.element.firstElementChild!.firstElementChild!.innerHTML).toBe(whole.innerHTML)

  const html = renderToString(h(Watched))
  const mismatches: string[] = []
  const served = hydrate(html, h(Watched), mismatches)
  expect(words(served.element)).toBe(words(whole))
  await eventually(() => expect(commits).toHaveLength(1))
  expect(commits[0]!.every(Boolean)).toBe(true)
  expect(mismatches).toEqual([])
})

test(`nothing active comes of ${vectors.length} texts`, async () => {
  const page = mount(h(Markdown, { text: '' }))
  const parsed = document.createElement('div')
  for (const text of [...vectors, vectors.join('\n\n')]) {
    page.render(h(Markdown, { text }))
    const wanted = words(expected(text))
    await eventually(() => expect(words(page.element)).toBe(wanted))
    parsed.innerHTML = renderToString(h(Markdown, { text }))
    expect(words(parsed)).toBe(wanted)
    expect(parsed.querySelector('script, iframe, svg, img, style, form, object, embed, math, link, base')).toBeNull()
    for (const element of [...page.element.querySelectorAll('*'), ...parsed.querySelectorAll('*')])
      for (const { name } of element.attributes)
        expect(name).toMatch(/^(href|title|rel|start|align|colspan|rowspan|style|class|data-language)$/)
  }
})

test('blocks at the top find their direction by themselves, where that is asked for', () => {
  const text = '# Title\n\nWords\n\n- one\n- two\n\n```ts\ncode\n```\n\n| a |\n|---|\n| b |'
  const parsed = document.createElement('div')
  const directions = (components?: MarkdownComponents) => {
    parsed.innerHTML = renderToString(h(Markdown, { text, components }))
    return [...parsed.querySelectorAll('[dir]')].map((element) => `${element.localName} ${element.getAttribute('dir')}`)
  }
  expect(directions({ dir: 'auto' })).toEqual(['h1 auto', 'p auto', 'ul auto', 'table auto'])
  expect(directions()).toEqual([])
})

test('a picture that the text holds may be shown by a policy: one of pixels, and no other data', () => {
  const parsed = document.createElement('div')
  const options = { image: (src: string) => src }
  const pictures = (src: string) => {
    parsed.innerHTML = renderToString(h(Markdown, { text: `![a](${src})`, options }))
    return [...parsed.querySelectorAll('img, a')].map((element) => element.getAttribute('src'))
  }
  const png = 'data:image/png;base64,iVBORw0KGgo='
  expect(pictures(png)).toEqual([png])
  expect(pictures('/files/a.png')).toEqual(['/files/a.png'])
  for (const src of [
    'data:image/svg+xml;base64,PHN2Zy8+',
    'data:image/svg+xml,%3Csvg/%3E',
    'data:text/html;base64,PHA+',
    'data:image/png,x',
    'data:image/png;base64,x"onerror=1',
    'javascript:alert(1)',
    '//far.example/a.png',
  ])
    expect(pictures(src)).toEqual([])
  expect(renderToString(h(Markdown, { text: `[a](${png})`, options }))).not.toContain('href')
})
