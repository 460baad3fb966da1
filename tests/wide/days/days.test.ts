/** Hard days of one page in Chromium: a minute without a network, ten tabs, and a server that is killed. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI, startRunnel } from '../../../testing/index.ts'
import { startLine, type Line } from '../../../testing/line.ts'
import { answer, by, openContext, question, reads, shows } from '../../browser/tabs.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../../helpers/chromium.ts'
import { saysHello } from '../../helpers/says-hello.ts'
import { freePort } from '../../helpers/programs.ts'
import { ChildNode } from '../../many/children.ts'

const patienceMs = 40_000
let browser: Browser
const problems: string[] = []

beforeAll(async () => {
  browser = await launchChromium()
}, 60_000)
afterAll(async () => {
  await browser.close()
})

async function newContext(): Promise<BrowserContext> {
  const context = await openContext(browser, problems)
  onTestFinished(() => context.close())
  return context
}

async function start() {
  const fake = await startFakeOpenAI(saysHello)
  onTestFinished(() => fake.close())
  const server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url })
  onTestFinished(() => server.close())
  return { fake, server }
}

async function ask(page: Page, words: string): Promise<void> {
  await page.fill(by('composer'), words)
  await page.press(by('composer'), 'Enter')
}

const isLive = `${by('connection')}[data-status=open]`
const chip = (page: Page) => page.getAttribute(by('connection'), 'data-status')
const questions = (page: Page) => page.locator(`${question} .bubble`).allTextContents()

test('a minute without a network: two questions wait where they are seen, and are asked once, in order', async () => {
  const { server } = await start()
  const ways: Record<string, (context: BrowserContext, proxy: Line, isAway: boolean) => unknown> = {
    'the machine says so': (context, _, isAway) => context.setOffline(isAway),
    'what is asked arrives, and nothing comes back': (_, proxy, isAway) => {
      proxy.mode = isAway ? 'mute' : 'pass'
    },
    // Nor does anything ever tell that it did not arrive.
    'what is asked is lost': async (context, proxy, isAway) => {
      proxy.mode = isAway ? 'deaf' : 'pass'
      if (isAway) await context.route('**/api/**', () => {})
      else await context.unroute('**/api/**')
    },
    'nobody is there': (_, proxy, isAway) => {
      proxy.mode = isAway ? 'refuse' : 'pass'
      if (isAway) proxy.cut()
    },
  }
  const results = Object.entries(ways).map(async ([name, setAway]) => {
    const proxy = await startLine(Number(new URL(server.url).port))
    onTestFinished(() => proxy.close())
    const context = await newContext()
    const page = await context.newPage()
    await page.goto(`http://127.0.0.1:${proxy.port}/`)
    await page.waitForSelector(by('composer'))
    await ask(page, 'before')
    await page.waitForSelector(`${answer}[data-status=completed]`, { timeout: patienceMs })
    const chatId = new URL(page.url()).hash.slice(1)
    await page.waitForSelector(isLive)
    await setAway(context, proxy, true)
    const back = sleep(60_000)
    await ask(page, 'one')
    await ask(page, 'two')
    await reads(() => page.locator(`${by('outgoing')} .waiting-text`).allTextContents(), ['one', 'two'], patienceMs)
    // They say that they wait, and for what.
    await reads(() => page.locator(`${by('outgoing')}[data-waiting=true]`).count(), 2, patienceMs)
    await reads(async () => (await chip(page)) !== 'open', true, patienceMs)
    await back
    expect([name, await page.locator(`${by('outgoing')} .waiting-text`).allTextContents()]).toEqual([
      name,
      ['one', 'two'],
    ])
    await setAway(context, proxy, false)
    await reads(() => page.locator(by('outgoing')).count(), 0, patienceMs)
    await reads(() => questions(page), ['before', 'one', 'two'], patienceMs)
    await reads(() => page.locator(`${answer}[data-status=completed]`).count(), 3, patienceMs)
    await page.waitForSelector(isLive)
    const { items } = (await server.call('GET', `/api/chats/${chatId}/messages`)).body
    expect([name, items.length]).toEqual([name, 6])
  })
  // Each to its end, also where another fails.
  for (const result of await Promise.allSettled(results)) if (result.status === 'rejected') throw result.reason
  expect(problems).toEqual([])
}, 180_000)

test('ten tabs follow one answer, are one person, and leave nothing behind', async () => {
  const { fake, server } = await start()
  const context = await newContext()
  const first = await context.newPage()
  const stream = fake.manual()
  await first.goto(server.url)
  await ask(first, 'Why are there tides?')
  await stream.request
  stream.send('The moon ')
  await shows(first, `${answer} .growing`, ['The moon '])
  const others = await Promise.all(
    Array.from({ length: 9 }, async () => {
      const page = await context.newPage()
      await page.goto(first.url())
      return page
    }),
  )
  const tabs = [first, ...others]
  for (const tab of tabs)
    await reads(() => tab.locator(by('presence')).allTextContents(), ['You, in 9 more tabs'], patienceMs)
  stream.send('pulls the sea.')
  for (const tab of tabs)
    await reads(() => tab.locator(`${answer} .growing`).allTextContents(), ['The moon pulls the sea.'], patienceMs)
  expect(server.runnel.stats().connections).toBe(10)
  // One stops it, and is gone at once: all say so, once.
  await others[4]!.click(by('stop'))
  await others[4]!.waitForSelector(`${answer}[data-status=stopped]`)
  await others[4]!.close()
  const left = tabs.filter((tab) => tab !== others[4])
  for (const tab of left) {
    await tab.waitForSelector(`${answer}[data-status=stopped]`)
    await reads(() => tab.locator(by('presence')).allTextContents(), ['You, in 8 more tabs'], patienceMs)
  }
  for (const tab of left) await tab.close()
  const held = () => {
    const { connections, viewers, rooms, eventStreams, answers, outboxBytes } = server.runnel.stats()
    return Promise.resolve({ connections, viewers, rooms, eventStreams, answers, outboxBytes })
  }
  await reads(held, { connections: 0, viewers: 0, rooms: 0, eventStreams: 0, answers: 0, outboxBytes: 0 }, patienceMs)
  expect(problems).toEqual([])
})

test('a server that is killed in the middle of an answer, and comes back on its database: so does the page', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-days-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const fake = await startFakeOpenAI(saysHello)
  onTestFinished(() => fake.close())
  const settings = {
    PORT: await freePort(),
    DATABASE_URL: `sqlite:${join(folder, 'runnel.sqlite')}`,
    LOG_LEVEL: 'error',
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_FLUSH_MS: 10,
  }
  const killed = await new ChildNode().start(settings)
  const page = await (await newContext()).newPage()
  const stream = fake.manual()
  await page.goto(killed.url)
  await ask(page, 'Why are there tides?')
  await stream.request
  stream.send('The moon pulls ')
  await shows(page, `${answer} .growing`, ['The moon pulls '])
  await page.fill(by('composer'), 'half a question')
  await killed.kill()
  await reads(async () => (await chip(page)) !== 'open', true, patienceMs)
  // What was read stays.
  expect(await page.locator(`${answer} .growing`).allTextContents()).toEqual(['The moon pulls '])
  const again = await new ChildNode().start(settings)
  expect(again.url).toBe(killed.url)
  await page.waitForSelector(isLive, { timeout: patienceMs })
  await reads(
    () => page.locator(answer).evaluateAll((all) => all.map((one) => one.getAttribute('data-status'))),
    ['interrupted'],
    patienceMs,
  )
  await reads(async () => (await page.textContent(answer))!.includes('This answer was interrupted.'), true)
  expect(await page.locator(`${answer} .growing`).allTextContents()).toEqual(['The moon pulls '])
  expect(await page.inputValue(by('composer'))).toBe('half a question')
  expect(await page.locator(by('stop')).count()).toBe(0)
  const next = fake.manual()
  await page.press(by('composer'), 'Enter')
  await next.request
  next.send('The sun, too.')
  next.end()
  await page.waitForSelector(`${answer}[data-status=completed]`)
  expect(await questions(page)).toEqual(['Why are there tides?', 'half a question'])
  expect(problems).toEqual([])
})
