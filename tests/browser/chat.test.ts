/** The page in a real browser against a real server: what a person with two tabs sees. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Message } from '../../shared/schema.ts'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'

let browser: Browser
let context: BrowserContext
let fake: FakeOpenAI
let server: StartedRunnel
const problems: string[] = []

beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url })
  browser = await launchChromium()
  context = await browser.newContext()
  context.on('weberror', (error) => problems.push(String(error.error())))
  // What the page's policy forbids is said on the console only.
  context.on('console', (message) => {
    if (message.text().includes('Content Security Policy')) problems.push(message.text())
  })
})

afterAll(async () => {
  await browser.close()
  await server.close()
  await fake.close()
})

const answer = '[data-testid=message][data-role=assistant]'

async function openTab(hash = ''): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.url}/${hash}`)
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  return page
}

async function ask(page: Page, text: string): Promise<void> {
  await page.fill('[data-testid=composer]', text)
  await page.press('[data-testid=composer]', 'Enter')
  await page.waitForSelector(`${answer}[data-status=streaming]`)
}

/** Waits until what `look` reads in the page is `wanted`. (`waitForFunction` evaluates a string, which the page's policy forbids.) */
async function reads<T>(look: () => Promise<T>, wanted: T): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const found = await look()
    if (found === wanted) return
    if (Date.now() > deadline) expect(found).toBe(wanted)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

/** Waits until the answer shows exactly this text. */
async function shows(page: Page, text: string): Promise<void> {
  await reads(
    () =>
      page.evaluate(
        (selector) => document.querySelector(selector)?.textContent ?? null,
        `${answer} [data-type=text] .growing`,
      ),
    text,
  )
}

/** The hash that leads another tab to this one's chat. */
async function chatHash(page: Page): Promise<string> {
  await reads(async () => new URL(page.url()).hash.startsWith('#chat_'), true)
  return new URL(page.url()).hash
}

async function hasStatus(page: Page, status: string): Promise<void> {
  await page.waitForSelector(`${answer}[data-status=${status}]`)
}

async function canonical(page: Page): Promise<Message> {
  const id = await page.getAttribute(answer, 'data-message-id')
  return (await server.call('GET', `/api/messages/${id}`)).body
}

test('two tabs follow one answer; a refresh in the middle loses and doubles nothing', async () => {
  const stream = fake.manual()
  const first = await openTab()
  await ask(first, 'Why are there tides?')
  const second = await openTab(await chatHash(first))
  stream.send('The moon ')
  stream.send('pulls 😀 ')
  await shows(first, 'The moon pulls 😀 ')
  await shows(second, 'The moon pulls 😀 ')
  await first.reload()
  await shows(first, 'The moon pulls 😀 ')
  stream.send('the water.')
  stream.end()
  for (const page of [first, second]) {
    await shows(page, 'The moon pulls 😀 the water.')
    await hasStatus(page, 'completed')
    expect(await page.isVisible('[data-testid=stop]')).toBe(false)
  }
  expect((await canonical(first)).output[0]).toMatchObject({
    text: 'The moon pulls 😀 the water.',
    status: 'completed',
  })
  await first.close()
  await second.close()
})

test('Stop in tab B ends tab A, and what the provider sends afterwards is not shown', async () => {
  const stream = fake.manual()
  const a = await openTab()
  await ask(a, 'Tell me a long story.')
  stream.send('Once upon a time')
  await shows(a, 'Once upon a time')
  const b = await openTab(await chatHash(a))
  await shows(b, 'Once upon a time')
  await b.click('[data-testid=stop]')
  await hasStatus(a, 'stopped')
  await hasStatus(b, 'stopped')
  stream.send(' there was more')
  stream.end()
  expect((await canonical(a)).output[0]).toMatchObject({ text: 'Once upon a time', status: 'incomplete' })
  await shows(a, 'Once upon a time')
  await a.close()
  await b.close()
})

test('what waits stands behind the answer in every tab, and is sent or removed from there', async () => {
  const stream = fake.manual()
  const a = await openTab()
  await ask(a, 'How deep is the sea?')
  stream.send('Deep')
  await shows(a, 'Deep')
  const hash = await chatHash(a)
  const b = await openTab(hash)
  const chatId = (await canonical(a)).chatId
  for (const content of ['And the lake?', 'And the pond?']) await server.ask(content, { chatId, whenBusy: 'queue' })
  const waiting = (page: Page) => page.locator('[data-testid=waiting] .waiting-text')
  for (const page of [a, b])
    await expect
      .poll(() => waiting(page).allTextContents(), { timeout: 10_000 })
      .toEqual(['And the lake?', 'And the pond?'])
  await b.locator('[data-testid=waiting] >> nth=0 >> [data-testid=remove-waiting]').click()
  await expect.poll(() => waiting(a).allTextContents(), { timeout: 10_000 }).toEqual(['And the pond?'])
  const next = fake.manual()
  await a.locator('[data-testid=send-now]').click()
  await next.request
  next.send('Shallow')
  next.end()
  for (const page of [a, b]) {
    await expect.poll(() => page.locator('.bubble').last().textContent(), { timeout: 10_000 }).toBe('And the pond?')
    await expect.poll(() => waiting(page).count(), { timeout: 10_000 }).toBe(0)
  }
  stream.end()
  await a.close()
  await b.close()
})

test('a tab that was offline catches up when it is back', async () => {
  const stream = fake.manual()
  const page = await openTab()
  await ask(page, 'And the sun?')
  stream.send('It pulls ')
  await shows(page, 'It pulls ')
  await context.setOffline(true)
  await page.waitForSelector('[data-testid=connection]:has-text("Offline")', { timeout: 14_000 })
  await page.click('[data-testid=connection]')
  await page.waitForSelector('[data-testid=connection-why]:has-text("has no network") [data-testid=retry]')
  stream.send('too, ')
  stream.send('half as much.')
  await context.setOffline(false)
  await page.waitForSelector('[data-testid=connection][data-status=open]', { timeout: 14_000 })
  await shows(page, 'It pulls too, half as much.')
  stream.end()
  await hasStatus(page, 'completed')
  await page.close()
}, 30_000)

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
