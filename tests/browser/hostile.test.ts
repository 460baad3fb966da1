/** Hostile answers on the page itself, with its policy: nothing of them runs, loads from elsewhere, or stands where it should not. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ProviderEvent } from '../../server/provider/events.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { openContext, openTab, playing, reads } from './tabs.ts'
import { diagramVectors, formulaVectors, textVectors, vectors } from './xss-vectors.ts'

let browser: Browser
let context: BrowserContext
let server: StartedRunnel
let texts: readonly string[] = []
const problems: string[] = []
const fired: unknown[] = []
const elsewhere: string[] = []

const provider = playing(() =>
  texts.flatMap((text, i): ProviderEvent[] => [
    { type: 'block_start', key: `${i}`, block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: `${i}`, field: 'text', text },
    { type: 'block_end', key: `${i}`, status: 'completed' },
  ]),
)

beforeAll(async () => {
  server = await startRunnel({ provider })
  browser = await launchChromium()
  context = await openContext(browser, problems)
  // In every frame, the one of the diagrams as well; the page's policy has no say in it.
  await context.exposeBinding('alert', (_source, ...words: unknown[]) => void fired.push(words))
  context.on('page', (page) => page.on('dialog', (dialog) => fired.push(dialog.message())))
  // What a policy has stopped does not come here.
  await context.route(
    (url) => !url.href.startsWith(server.url),
    (route) => {
      elsewhere.push(route.request().url())
      return route.abort()
    },
  )
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

async function showing(...shown: string[]): Promise<Page> {
  texts = shown
  const { chatId } = await server.ask('Please')
  const page = await openTab(context, server, chatId)
  await reads(() => page.locator('.md').count(), shown.length)
  return page
}

/** What is active in what is shown, once a reader has touched all of it. */
async function activity(page: Page): Promise<unknown> {
  const found = await page.evaluate(async () => {
    const found: string[] = []
    const root = document.querySelector('[data-role=assistant]')!
    root.addEventListener('click', (event) => event.preventDefault(), { capture: true })
    for (const link of root.querySelectorAll<HTMLElement>('.md a, .md summary, .md td, .katex'))
      for (const type of ['mouseover', 'focus', 'click'])
        link.dispatchEvent(new MouseEvent(type, { bubbles: true, cancelable: true }))
    const drawn = '.katex, .code figcaption, .table-copy, .icon'
    const allowed =
      /^(a|abbr|b|blockquote|br|caption|code|dd|del|details|div|dl|dt|em|figcaption|figure|h[1-6]|hr|i|img|ins|kbd|li|mark|ol|p|pre|q|s|samp|span|strong|sub|summary|sup|table|tbody|td|tfoot|th|thead|tr|ul|button)$/
    for (const element of root.querySelectorAll<HTMLElement>('.md *')) {
      const name = element.localName
      const isDrawn = element.closest(drawn) !== null
      if (!isDrawn && !allowed.test(name)) found.push(`<${name}>`)
      if (isDrawn && /^(a|img|image|script|style|iframe|object|use|foreignobject)$/i.test(name)) found.push(`<${name}>`)
      for (const { name: attribute, value } of element.attributes) {
        if (/^(on|srcdoc|formaction|action|ping|srcset|poster|popover|id$)/.test(attribute))
          found.push(`${name} ${attribute}`)
        if (
          /^(href|src)$/.test(attribute) &&
          !/^(https?:|mailto:|data:image\/svg\+xml;charset=utf-8,)/.test(new URL(value, document.baseURI).href)
        )
          found.push(value)
        if (attribute === 'src' && !value.startsWith('data:')) found.push(value)
      }
      if (
        name === 'a' &&
        `${element.getAttribute('rel')} ${element.getAttribute('target')}` !== 'noopener noreferrer nofollow _blank'
      )
        found.push('a link that is not apart')
      if (/url\(/.test(getComputedStyle(element).backgroundImage) || getComputedStyle(element).position === 'fixed')
        found.push(`${name} ${element.style.cssText}`)
    }
    if ((Object.prototype as { polluted?: true }).polluted) found.push('polluted')
    await new Promise((resolve) => requestAnimationFrame(resolve))
    return { found, wide: document.documentElement.scrollWidth > innerWidth }
  })
  return { ...found, fired, elsewhere, problems, pages: context.pages().length }
}

const quiet = { found: [], wide: false, fired: [], elsewhere: [], problems: [], pages: 1 }

test('the check sees what is active', async () => {
  const page = await showing('words')
  await page.evaluate(() => {
    document.querySelector('.md')!.innerHTML =
      '<img src=https://evil.example/x.png><p id=page onclick="alert(1)"></p><a href="javascript:alert(1)">x</a>'
  })
  const frame = await page.evaluateHandle(() => document.body.appendChild(document.createElement('iframe')))
  await (await frame.contentFrame())!.evaluate(() => alert(2))
  const seen = (await activity(page)) as typeof quiet
  expect(seen.found).toEqual(
    expect.arrayContaining([
      'p id',
      'p onclick',
      'javascript:alert(1)',
      'https://evil.example/x.png',
      'a link that is not apart',
    ]),
  )
  expect(seen.fired).toEqual([[2]])
  expect(seen.problems.length).toBeGreaterThan(0)
  await page.close()
  for (const list of [fired, elsewhere, problems]) list.length = 0
})

test(`${vectors.length + textVectors.length} texts`, async () => {
  const page = await showing(...vectors, ...textVectors)
  expect(await activity(page)).toEqual(quiet)
  await page.close()
})

test(`${formulaVectors.length} formulas, which stay in their place`, async () => {
  const page = await showing(...formulaVectors.flatMap((text) => [`Inline $${text}$ here`, `$$\n${text}\n$$`]), '$x^2$')
  await reads(() => page.locator('.block:last-of-type .katex').count(), 1)
  expect(await activity(page)).toEqual(quiet)
  // What is seen of them, not how large they would like to be.
  const outside = await page.evaluate(() => {
    const column = document.querySelector('[data-role=assistant]')!.getBoundingClientRect()
    const [x, y] = [column.left / 2, innerHeight / 2]
    return document.elementsFromPoint(x, y).filter((element) => element.closest('.md')).length
  })
  expect(outside).toBe(0)
  await page.close()
})

test(`${diagramVectors.length} diagrams`, { timeout: 60_000 }, async () => {
  const page = await showing(...diagramVectors.map((text) => `\`\`\`mermaid\n${text}\n\`\`\``))
  const over = page.locator('[data-testid=diagram] img, .code-note')
  await reads(() => over.count(), diagramVectors.length, 45_000)
  // What is refused proves little.
  expect(await page.locator('[data-testid=diagram] img').count()).toBeGreaterThan(diagramVectors.length / 2)
  // What Mermaid lets through is stopped by the frame's own policy.
  for (const problem of problems.splice(0)) expect(problem).toMatch(/"img-src data:"|'script-src 'self''/)
  expect(await activity(page)).toEqual(quiet)
  // The pictures as pages of their own would run nothing of it either.
  const active = await page.locator('[data-testid=diagram] img').evaluateAll((all) =>
    all.flatMap((image) => {
      const svg = decodeURIComponent((image as HTMLImageElement).src.replace(/^[^,]*,/, ''))
      const elements = [...new DOMParser().parseFromString(svg, 'image/svg+xml').querySelectorAll('*')]
      return elements.flatMap(({ localName, attributes }) => [
        ...(/^(script|iframe|parsererror)$/.test(localName) ? [localName] : []),
        ...[...attributes]
          .map(({ name, value }) => `${name}=${value}`)
          .filter((text) => /^on|^[^=]*=javascript:/i.test(text)),
      ])
    }),
  )
  expect(active).toEqual([])
  await page.close()
})
