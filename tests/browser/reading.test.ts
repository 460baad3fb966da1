/** How the page shows an answer while it comes: code, tables, formulas, diagrams, links, pictures, and bursts. */
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import type { Provider } from '../../server/provider/events.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { by, openContext, openTab, reads } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let server: StartedRunnel
const problems: string[] = []
const elsewhere: string[] = []

/** What the answer that runs says next; null: no more. */
let said: (string | null)[] = []
let wake = () => {}
function say(...texts: (string | null)[]): void {
  said.push(...texts)
  wake()
}

const provider: Provider = async function* (_request, signal) {
  signal.addEventListener('abort', () => wake())
  yield { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } }
  while (!signal.aborted) {
    const text = said.shift()
    if (text === null) break
    if (text !== undefined) yield { type: 'delta', key: 't', field: 'text', text }
    else
      await new Promise<void>((resolve) => {
        wake = resolve
      })
  }
  yield { type: 'block_end', key: 't', status: 'completed' }
  yield { type: 'finish', reason: 'stop' }
}

beforeAll(async () => {
  server = await startRunnel({ provider })
  browser = await launchChromium()
  context = await openContext(browser, problems)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  context.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !request.url().startsWith('data:')) elsewhere.push(request.url())
  })
})
afterAll(async () => {
  await browser.close()
  await server.close()
})
afterEach(() => {
  say(null)
  expect([...problems.splice(0), ...elsewhere.splice(0)]).toEqual([])
})

async function asking(...texts: (string | null)[]): Promise<Page> {
  said = []
  say(...texts)
  const { chatId } = await server.ask('Please')
  const page = await openTab(context, server, chatId)
  await page.waitForSelector('.md')
  return page
}

const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText())

test('code grows in colours, is named, copied whole and wrapped; what is finished is not touched again', async () => {
  const page = await asking('```ts\n/* One\n')
  const code = page.locator(by('code'))
  await reads(() => code.locator('.code-name').textContent(), 'TypeScript')
  say(' * comment */ const a: number =')
  await reads(() => code.locator('.hljs-comment').allTextContents(), ['/* One\n'])
  await reads(() => code.locator('pre').textContent(), '/* One\n * comment */ const a: number =')
  const line = `export const words = 'and so on' // ${'x'.repeat(300)}\n`
  say(` 1\n${line.repeat(40)}`)
  await reads(() => code.locator('.markdown-piece').count(), 7)
  await reads(() => code.locator('.hljs-keyword').count(), 79)
  expect(await code.locator('.hljs-comment').first().textContent()).toBe('/* One\n * comment */')

  await page.evaluate(() => {
    const seen: string[] = ((globalThis as { seen?: string[] }).seen = [])
    const pieces = [...document.querySelectorAll('.markdown-piece')].slice(0, -1)
    const watch = new MutationObserver((records) => records.forEach(({ target }) => seen.push(target.nodeName)))
    for (const piece of pieces)
      watch.observe(piece, { subtree: true, childList: true, characterData: true, attributes: true })
  })
  for (let i = 0; i < 10; i++) say('const b = 2 ')
  await reads(async () => (await code.locator('pre').textContent())!.endsWith('const b = 2 '.repeat(10)), true)
  expect(await page.evaluate(() => (globalThis as { seen?: string[] }).seen)).toEqual([])

  const wide = () => code.locator('pre').evaluate((pre) => pre.scrollWidth > pre.clientWidth)
  expect(await wide()).toBe(true)
  await code.locator(by('wrap')).click()
  expect(await wide()).toBe(false)
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false)
  await code.locator(by('copy-code')).click()
  await reads(
    async () => (await copied(page)).replaceAll(line, 'LINE '),
    `/* One\n * comment */ const a: number = 1\n${'LINE '.repeat(40)}${'const b = 2 '.repeat(10)}`,
  )
})

test('colours are right or not there, however far above something has begun', async () => {
  const prose = "It's `not` a string, if (so) return\n".repeat(200)
  const longer = "It's `not` a string, if (so) return\n".repeat(1_500)
  const inLine = `const a = '${'x, '.repeat(2_000)}'; return a`
  const page = await asking(
    `\`\`\`js\n/*\n${prose}*/\nreturn 1\nconst t = \`\n${prose.replaceAll('`', '')}\`\nreturn 2\n\`\`\`\n\n`,
    `\`\`\`js\n${inLine}\nreturn 3\n\`\`\`\n\n\`\`\`js\nreturn 4\n/*\n${longer}*/\nreturn 5\n`,
  )
  const codes = page.locator(by('code'))
  const words = (index: number, kind: string) => codes.nth(index).locator(`.hljs-${kind}`).allTextContents()
  await reads(() => words(0, 'keyword'), ['return', 'const', 'return'])
  expect((await words(0, 'comment')).join('')).toBe(`/*\n${prose}*/`)
  expect((await words(0, 'string')).join('')).toBe(`\`\n${prose.replaceAll('`', '')}\``)
  await reads(() => words(1, 'keyword'), ['return', 'return'])
  expect((await words(1, 'string')).join('')).toMatch(/^[x, ]+'$/)
  await reads(() => words(2, 'keyword'), ['return'])
  expect((await words(2, 'comment')).join('')).toMatch(/^\/\*\n(It's `not` a string, if \(so\) return\n){700,}$/)
  expect(await words(2, 'string')).toEqual([])
  // A growing end is no other than the whole.
  say('```\n', null)
  await reads(() => codes.nth(2).locator('pre').textContent(), `return 4\n/*\n${longer}*/\nreturn 5`)
  expect(await words(2, 'keyword')).toEqual(['return'])
})

test('a table scrolls inside itself and is copied for a spreadsheet and as Markdown', async () => {
  const columns = Array.from({ length: 20 }, (_, i) => `Column ${i}`)
  const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`
  const page = await asking(
    row(columns),
    row(['---', '--:', ...columns.slice(2).map(() => '---')]),
    row(['**bold** and `a\\|b`', '-12.5', '=1+1', '[far](https://far.example/a)', '$x^2$', ...columns.slice(5)]),
    null,
  )
  const table = page.locator(by('table'))
  await reads(() => table.locator('td').count(), 20)
  expect(await table.locator('.table-scroll').evaluate((box) => box.scrollWidth > box.clientWidth)).toBe(true)
  expect(await page.evaluate(() => document.documentElement.scrollWidth > innerWidth)).toBe(false)
  const copyAs = async (name: string) => {
    await table.hover()
    await table.locator(by('copy-table')).click()
    await page.getByRole('menuitem', { name }).click()
  }
  await copyAs('spreadsheet')
  const tsv = [columns.join('\t'), ['bold and a|b', '-12.5', "'=1+1", 'far', 'x^2', ...columns.slice(5)].join('\t')]
  await reads(() => copied(page), tsv.join('\n'))
  await copyAs('Markdown')
  await reads(
    () => copied(page).then((text) => text.split('\n').map((line) => line.split(' | ').slice(0, 5))),
    [
      ['| Column 0', 'Column 1', 'Column 2', 'Column 3', 'Column 4'],
      ['| ---', '---:', '---', '---', '---'],
      ['| **bold** and `a\\|b`', '-12.5', '=1+1', '[far](<https://far.example/a>)', '$x^2$'],
    ],
  )
})

test('formulas are drawn once they are whole, in fonts of the server; one that is none stays as it was written', async () => {
  const page = await asking('Let $a^2')
  const math = page.locator('.markdown-math')
  await reads(() => math.allTextContents(), ['a^2'])
  say(' + \\vec{b}$ be, $\\nonsense{$ not.\n\n$$\n\\sqrt{x}\n$$\n', null)
  await reads(() => page.locator('.katex').count(), 2)
  await reads(() => math.locator('visible=true').nth(1).textContent(), '\\nonsense{')
  // The arrow's width is a style that came without an attribute in HTML.
  expect(
    await page
      .locator('.katex svg')
      .first()
      .evaluate((svg) => svg.getBoundingClientRect().width),
  ).toBeLessThan(12)
  await reads(
    () =>
      page.evaluate(() =>
        [...document.fonts].some(({ family, status }) => family === 'KaTeX_Main' && status === 'loaded'),
      ),
    true,
  )
})

test('a diagram is drawn as a picture once it is whole; its source is there, and stays where it is none', async () => {
  const page = await asking(
    '```mermaid\nno diagram\n```\n\n',
    `\`\`\`mermaid\nflowchart LR\n${'A --> B\n'.repeat(3_000)}\`\`\`\n\n`,
    '```mermaid\nflowchart LR\n  A[Moon] -->|pulls| B(W',
  )
  await reads(() => page.locator('.code-name').allTextContents(), ['Mermaid', 'Mermaid', 'Mermaid'])
  say('ater)\n```\n', null)
  const picture = page.locator(`${by('diagram')} img`)
  await picture.waitFor({ timeout: 20_000 })
  expect(
    await picture.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth)),
  ).toBeGreaterThan(100)
  const light = await picture.getAttribute('src')
  expect(light).toMatch(/^data:image\/svg\+xml;charset=utf-8,%3Csvg.*Moon/)
  await reads(() => page.locator('.code-note').count(), 2)
  expect(await page.locator('.code:has(.code-note) pre').first().textContent()).toBe('no diagram')

  await page.emulateMedia({ colorScheme: 'dark' })
  await reads(async () => (await picture.getAttribute('src')) !== light, true)
  const toggle = page.locator(by('diagram-toggle'))
  await toggle.click()
  await reads(() => page.locator('pre').last().textContent(), 'flowchart LR\n  A[Moon] -->|pulls| B(Water)')
  await toggle.click()
  await picture.waitFor()

  // What draws them is nobody: not even as a page of its own has it the origin of this one.
  await page.goto(`${server.url}/diagram.html`)
  expect(await page.evaluate(() => origin)).toBe('null')
})

test('a diagram that takes too long ends with its source and a sentence', async () => {
  const page = await context.newPage()
  await page.clock.install()
  // In the place of what draws: it hears, and never answers.
  await page.route('**/assets/diagram-*.js', (route) =>
    route.request().frame().url().endsWith('/diagram.html')
      ? route.fulfill({
          contentType: 'text/javascript',
          headers: { 'Access-Control-Allow-Origin': '*' },
          body: `addEventListener('message', () => parent.postMessage('asked', '*')); parent.postMessage({ type: 'ready' }, '*')`,
        })
      : route.continue(),
  )
  said = []
  say('```mermaid\nflowchart LR\n  A --> B\n```\n', null)
  const { chatId } = await server.ask('Please')
  await page.addInitScript(() => {
    addEventListener('message', ({ data }) => {
      if (data === 'asked') document.documentElement.dataset['asked'] = 'true'
    })
  })
  await page.goto(`${server.url}/#${chatId}`)
  await page.waitForSelector('[data-asked]')
  await page.clock.fastForward(6_000)
  await reads(
    () => page.locator('.code-note').allTextContents(),
    ['This diagram could not be drawn. This is its source.'],
  )
  expect(await page.locator('.code pre').textContent()).toBe('flowchart LR\n  A --> B')
  expect(await page.locator('iframe').count()).toBe(0)
  await page.close()
})

test('links open apart and know nothing of the page; a picture of elsewhere is a link, one in the text is shown', async () => {
  const pixel = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const page = await asking(
    `[far](https://far.example/a) ![moon](https://far.example/moon.png) ![dot](data:image/png;base64,${pixel})`,
    ' ![svg](data:image/svg+xml;base64,PHN2Zy8+)',
    null,
  )
  await reads(
    () => page.locator('.md img').evaluateAll((all) => all.map((image) => (image as HTMLImageElement).naturalWidth)),
    [1],
  )
  const links = page.locator('.md a')
  const seen = await links.evaluateAll((all) =>
    all.map((link) => ['href', 'target', 'rel'].map((name) => link.getAttribute(name)).concat(link.textContent)),
  )
  const apart = ['_blank', 'noopener noreferrer nofollow']
  expect(seen).toEqual([
    ['https://far.example/a', ...apart, 'far'],
    ['https://far.example/moon.png', ...apart, 'moon'],
  ])
})

test('each block reads in its own direction, code in its', async () => {
  const page = await asking('Words\n\nمرحبا بالعالم\n\n- عنصر\n- ثان\n\n```ts\nconst a = 1\n```\n', null)
  await reads(
    () =>
      page
        .locator('.md .markdown-chunk > *')
        .evaluateAll((all) => all.map((block) => getComputedStyle(block).direction)),
    ['ltr', 'rtl', 'rtl', 'ltr'],
  )
})

/** The largest step in which the text grows by 600 characters, frame by frame, and how long that takes. */
async function growth(page: Page): Promise<{ largest: number; ms: number }> {
  const paced = page.evaluate(async () => {
    const md = document.querySelector('.md')!
    const first = md.textContent.length
    let [last, largest, began] = [first, 0, 0]
    const until = performance.now() + 5_000
    while (performance.now() < until && last < first + 560) {
      await new Promise((resolve) => requestAnimationFrame(resolve))
      const { length } = md.textContent
      if (length > last) began ||= performance.now()
      largest = Math.max(largest, length - last)
      last = length
    }
    return { largest, ms: performance.now() - began }
  })
  say(' word'.repeat(120))
  return paced
}

test('a burst is revealed frame by frame within 150 ms; at once where less motion is wanted', async () => {
  const page = await asking('First words.')
  await reads(() => page.locator('.md').textContent(), 'First words.')
  // Frames may be missing where a machine has other things to do: one burst of ten is enough.
  let seen = await growth(page)
  for (let i = 0; i < 10 && (seen.largest > 300 || seen.ms > 200); i++) seen = await growth(page)
  expect(seen.largest).toBeLessThanOrEqual(300)
  expect(seen.ms).toBeLessThanOrEqual(200)

  await page.emulateMedia({ reducedMotion: 'reduce' })
  seen = await growth(page)
  for (let i = 0; i < 10 && seen.largest < 550; i++) seen = await growth(page)
  expect(seen.largest).toBeGreaterThanOrEqual(550)
})
