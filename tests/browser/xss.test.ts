/** `format=html` in a real browser, without the policy that would hide a hole: nothing of a message runs, loads or can be clicked to run. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { messageHtml } from '../../server/http/render/html.ts'
import type { Block, Message } from '../../shared/schema.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { vectors } from './xss-vectors.ts'

let browser: Browser
let context: BrowserContext
let page: Page
let html = ''
const requested: string[] = []
const address = 'http://message.example/'

beforeAll(async () => {
  browser = await launchChromium()
  context = await browser.newContext()
  await context.addInitScript(
    'globalThis.fired = []; globalThis.alert = (...words) => { globalThis.fired.push(words) }',
  )
  await context.route('**', async (route) => {
    requested.push(route.request().url())
    await route.fulfill({ contentType: 'text/html; charset=utf-8', body: html })
  })
  page = await context.newPage()
})
afterAll(() => browser.close())

/** What is active in the page that the browser made of a document. */
async function activity(body: string): Promise<{ fired: number; found: string[]; requests: string[] }> {
  html = body
  requested.length = 0
  await page.goto(address)
  // Hovers and clicks what can be, as a reader would, without leaving.
  const { fired, found } = await page.evaluate(async () => {
    const found: string[] = []
    addEventListener('click', (event) => event.preventDefault(), { capture: true })
    for (const element of document.querySelectorAll<HTMLElement>('body *')) {
      if (element instanceof HTMLDetailsElement) element.open = true
      for (const type of ['mouseover', 'focus', 'click'])
        element.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }))
    }
    await new Promise((resolve) => setTimeout(resolve, 0))
    const allowed =
      /^(a|abbr|article|b|blockquote|body|br|caption|code|dd|del|details|dl|dt|em|h[1-6]|hr|i|ins|kbd|li|mark|ol|p|pre|q|s|samp|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|ul)$/
    for (const element of document.querySelectorAll('body, body *')) {
      if (!allowed.test(element.localName) || element.namespaceURI !== 'http://www.w3.org/1999/xhtml')
        found.push(`<${element.localName}>`)
      for (const { name, value } of element.attributes) {
        if (!/^(href|title|rel|start|align|colspan|rowspan|role|open|data-status)$/.test(name))
          found.push(`${element.localName} ${name}`)
        if (name === 'href' && !/^(https?|mailto):$/.test(new URL(value, document.baseURI).protocol)) found.push(value)
        if (name === 'href' && element.getAttribute('rel') !== 'noopener noreferrer nofollow') found.push('rel')
      }
    }
    if (document.head.querySelectorAll('*').length !== 2) found.push('head')
    return { fired: (globalThis as unknown as { fired: unknown[] }).fired.length, found }
  })
  return { fired, found, requests: requested.filter((url) => url !== address && !url.endsWith('/favicon.ico')) }
}

const quiet = { fired: 0, found: [], requests: [] }

function message(...output: Block[]): Message {
  return {
    id: 'msg_a',
    chatId: 'chat_a',
    parentId: null,
    role: 'assistant',
    status: 'completed',
    createdAt: 0,
    schema: 1,
    output,
  }
}
const text = (words: string): Block => ({ id: 'b', type: 'text', status: 'completed', text: words, annotations: [] })

test('the check sees what is active', async () => {
  const seen = await activity(
    '<!doctype html><body><script>alert(1)</script><a href="javascript:alert(1)" onclick="alert(2)">x</a><img src="https://evil.example/x.png">',
  )
  expect(seen.fired).toBe(2)
  expect(seen.found).toEqual(expect.arrayContaining(['<script>', 'a onclick', 'javascript:alert(1)', '<img>']))
  expect(seen.requests).toEqual(['https://evil.example/x.png'])
})

test(`nothing active comes of ${vectors.length} texts`, async () => {
  expect(vectors.length).toBeGreaterThan(100)
  expect(new Set(vectors).size).toBe(vectors.length)
  const bad: unknown[] = []
  for (const vector of vectors) {
    const seen = await activity(messageHtml(message(text(vector), text(`Before ${vector} after`))))
    if (JSON.stringify(seen) !== JSON.stringify(quiet)) bad.push({ vector, ...seen })
  }
  expect(bad).toEqual([])
}, 60_000)

test('nothing active comes of them in any other field, nor of all in one text', async () => {
  for (const vector of vectors) {
    const url = /(?:javascript|data|vbscript):[^\s>"]*/i.exec(vector)?.[0] ?? vector
    expect(
      await activity(
        messageHtml({
          ...message(
            { id: 'b0', type: 'reasoning', status: 'completed', text: vector, origin: 'field', startedAt: 0 },
            {
              id: 'b1',
              type: 'tool_call',
              status: 'completed',
              callId: 'c',
              name: vector,
              arguments: vector,
              output: vector,
              error: vector,
              executor: 'server',
            },
            { id: 'b2', type: 'refusal', status: 'completed', text: vector },
            { id: 'b3', type: 'source', status: 'completed', title: vector, url, snippet: vector, sourceType: vector },
            { id: 'b4', type: 'file', status: 'completed', name: vector, mimeType: vector, url },
            { id: 'b5', type: 'embed', status: 'completed', url },
            { id: 'b6', type: 'progress', status: 'in_progress', text: vector, done: false },
          ),
          status: 'failed',
          error: { code: 'x', message: vector, retryable: false },
        }),
      ),
      vector,
    ).toEqual(quiet)
  }
  expect(await activity(messageHtml(message(text(vectors.join('\n\n')))))).toEqual(quiet)
  expect(await activity(messageHtml(message(text(vectors.join(' ')))))).toEqual(quiet)
}, 60_000)
