/** The page where no WebSocket passes: on a stream, and on polls where that is held back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { launchChromium, type Browser } from '../helpers/chromium.ts'
import { startLine } from '../../testing/line.ts'
import { answer, by, openContext, reads } from './tabs.ts'

let browser: Browser
let fake: FakeOpenAI
let server: StartedRunnel

beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await server.close()
  await fake.close()
})

test.each([
  ['stream', null],
  ['poll', 0],
] as const)('an answer grows on the page: %s', { timeout: 40_000 }, async (transport, holdsAfter) => {
  const proxy = await startLine(Number(new URL(server.url).port))
  Object.assign(proxy, { refusesUpgrades: true, holdsAfter })
  const problems: string[] = []
  const context = await openContext(browser, problems)
  const page = await context.newPage()
  const stream = fake.manual()
  await page.goto(`http://127.0.0.1:${proxy.port}/`)
  await page.waitForSelector('[data-testid=connection][data-status=open]', { timeout: 15_000 })
  expect(server.runnel.stats().transports).toMatchObject({ websocket: 0, [transport]: 1 })
  await page.fill(by('composer'), 'Hello')
  await page.press(by('composer'), 'Enter')
  await stream.request
  stream.send('The moon')
  await reads(async () => (await page.locator(answer).textContent())?.includes('The moon'), true)
  stream.send(' pulls the sea.')
  await reads(async () => (await page.locator(answer).textContent())?.includes('The moon pulls the sea.'), true)
  stream.end()
  await page.waitForSelector(`${answer}[data-status=completed]`)
  expect(problems).toEqual([])
  await context.close()
  // A page that goes says so.
  await expect.poll(() => server.runnel.stats().transports[transport], { timeout: 5_000 }).toBe(0)
  await proxy.close()
})
