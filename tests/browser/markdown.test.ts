/** Elements of Markdown in a real browser: nothing of it runs or loads, it is the tree, and what did not change is not touched. */
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type * as Library from '../../client/markdown/index.ts'
import { launchChromium, type Browser, type Page } from '../helpers/chromium.ts'
import { fixtures } from '../shared/markdown-corpus.ts'
import { vectors } from './xss-vectors.ts'

let browser: Browser
let page: Page
const requested: string[] = []

declare const library: typeof Library
declare const fired: unknown[]

beforeAll(async () => {
  const entry = fileURLToPath(new URL('../../client/markdown/index.ts', import.meta.url))
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    build: { write: false, lib: { entry, formats: ['iife'], name: 'library' } },
  })) as Rolldown.RolldownOutput[]
  const [code] = built[0]!.output
  browser = await launchChromium()
  page = await browser.newPage()
  await page.route('**', async (route) => {
    requested.push(route.request().url())
    await route.fulfill({ contentType: 'text/html', body: '<!doctype html><body>' })
  })
  await page.addInitScript('globalThis.fired = []; globalThis.alert = (...words) => { fired.push(words) }')
  await page.goto('http://page.example/')
  await page.addScriptTag({ content: code.code })
  requested.length = 0
}, 60_000)
afterAll(() => browser.close())

test(`nothing active comes of ${vectors.length} texts, whole or growing`, async () => {
  const found = await page.evaluate(
    async (texts) => {
      const found: string[] = []
      addEventListener('click', (event) => event.preventDefault(), { capture: true })
      const allowed =
        /^(a|abbr|b|blockquote|br|caption|code|dd|del|details|div|dl|dt|em|h[1-6]|hr|i|ins|kbd|li|mark|ol|p|pre|q|s|samp|span|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|ul)$/
      for (const text of texts) {
        const root = document.createElement('div')
        document.body.append(root)
        const view = new library.MarkdownView(root)
        const markdown = new library.GrowingMarkdown()
        for (let at = 0; at < text.length; at += 3) view.update(markdown.append(text.slice(at, at + 3)))
        view.update(markdown.end())
        for (const element of root.querySelectorAll<HTMLElement>('*')) {
          for (const type of ['mouseover', 'focus', 'click', 'toggle'])
            element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }))
          if (!allowed.test(element.localName) || element.namespaceURI !== 'http://www.w3.org/1999/xhtml')
            found.push(`${text}: <${element.localName}>`)
          for (const { name, value } of element.attributes) {
            if (!/^(href|title|rel|start|align|colspan|rowspan|style|class|data-language)$/.test(name))
              found.push(`${text}: ${name}`)
            if (name === 'class' && !/^markdown-(chunk|piece|math)$/.test(value)) found.push(`${text}: ${value}`)
            if (name === 'href' && !/^(https?|mailto):$/.test(new URL(value, document.baseURI).protocol))
              found.push(`${text}: ${value}`)
          }
        }
        await new Promise((resolve) => setTimeout(resolve, 0))
        root.remove()
      }
      return [...found, ...fired.map((words) => `fired ${JSON.stringify(words)}`)]
    },
    [...vectors, ...vectors.map((vector) => `Before ${vector} after`), vectors.join('\n\n')],
  )
  expect(found).toEqual([])
  expect(requested).toEqual([])
})

test('elements that grew are the elements of the whole', async () => {
  for (const { text } of fixtures) {
    const found = await page.evaluate((text) => {
      const root = document.createElement('div')
      const view = new library.MarkdownView(root)
      const markdown = new library.GrowingMarkdown()
      for (let at = 0; at < text.length; at += 2) view.update(markdown.append(text.slice(at, at + 2)))
      view.update(markdown.end())
      const other = document.createElement('div')
      new library.MarkdownView(other).update(library.parseMarkdown(text))
      return root.isEqualNode(other) ? null : [root.outerHTML, other.outerHTML]
    }, text)
    expect(found).toBeNull()
  }
})

test('what did not change is not touched, a selection stays, and finished code is handed over once', async () => {
  const seen = await page.evaluate(async () => {
    const root = document.createElement('div')
    document.body.append(root)
    const given: string[] = []
    const view = new library.MarkdownView(root, {
      code: (node, element) => {
        given.push(`${node.language} ${element.textContent}`)
        element.replaceChildren('drawn')
      },
      math: (node, element) => element.replaceChildren(`drawn ${node.text}`),
    })
    const markdown = new library.GrowingMarkdown({}, 'First.\n\n```mermaid\nA --> B\n```\n\nSome $x$ and **bo')
    view.update(markdown.tree)
    const changed: string[] = []
    const watch = new MutationObserver((records) => {
      for (const { type, target } of records) changed.push(`${type} ${target.nodeName} ${target.textContent}`)
    })
    const bold = root.querySelector('strong')!.firstChild!
    getSelection()!.selectAllChildren(bold.parentElement!)
    watch.observe(root, { subtree: true, childList: true, characterData: true, attributes: true })
    view.update(markdown.append('ld'))
    await new Promise((resolve) => setTimeout(resolve, 0))
    return { changed, given, selected: getSelection()!.anchorNode === bold.parentElement, text: root.textContent }
  })
  expect(seen).toEqual({
    changed: ['characterData #text bold'],
    given: ['mermaid A --> B'],
    selected: true,
    text: 'First.drawnSome drawn x and bold',
  })
})

test('what comes within one frame is shown once; a text that is set again keeps what it has in common', async () => {
  const seen = await page.evaluate(async () => {
    const root = document.createElement('div')
    document.body.append(root)
    const html: string[] = []
    const note = () => html.push(root.textContent)
    const frame = () => new Promise((resolve) => requestAnimationFrame(resolve))
    const shown = library.renderMarkdown(root, { text: '# Tides\n\nThe' })
    note()
    let updates = 0
    new MutationObserver(() => (updates += 1)).observe(root, { subtree: true, childList: true, characterData: true })
    for (const word of ' **moon** pulls, and the water'.split('')) {
      shown.append(word)
      await Promise.resolve()
    }
    note()
    await frame()
    note()
    shown.set('# Tides\n\nThe **moon** rises **and')
    shown.set('# Tides\n\nThe **moon** rises **and')
    shown.replaceFrom(22, 'falls **')
    await frame()
    note()
    shown.append('end')
    shown.end()
    note()
    shown.set('')
    await frame()
    note()
    shown.append('Other *words')
    await frame()
    note()
    shown.append(' more')
    shown.destroy()
    shown.append(' and more')
    await frame()
    note()
    root.remove()
    return { html, updates }
  })
  expect(seen.html).toEqual([
    'TidesThe',
    'TidesThe',
    'TidesThe moon pulls, and the water',
    'TidesThe moon falls ',
    'TidesThe moon falls **end',
    '',
    'Other words',
    '',
  ])
  // One a frame, and one for each end.
  expect(seen.updates).toBeLessThanOrEqual(6)
})

test('the heading of a text that is set again is the same element', async () => {
  const isSame = await page.evaluate(async () => {
    const root = document.createElement('div')
    document.body.append(root)
    const shown = library.renderMarkdown(root, { text: '# Tides\n\nThe moon.\n\nAnd more' })
    const heading = root.querySelector('h1')
    shown.set('# Tides\n\nThe moon.\n\nAnd other words')
    shown.end()
    const isSame = root.querySelector('h1') === heading && root.textContent === 'TidesThe moon.And other words'
    shown.destroy()
    root.remove()
    return isSame
  })
  expect(isSame).toBe(true)
})
