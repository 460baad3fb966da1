/** The page where no WebSocket passes: on a stream, and on polls where that is held back. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { launchChromium, type Browser, type WebSocketRoute } from '../helpers/chromium.ts'
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

test('the chip says how the line is, why, and what to do about it', { timeout: 60_000 }, async () => {
  const proxy = await startLine(server.url)
  const problems: string[] = []
  // Nothing is kept: what is to be shown without a line must be there by then.
  const context = await openContext(browser, problems, { serviceWorkers: 'block' })
  const page = await context.newPage()
  // It waits as long as it may between two attempts.
  await page.addInitScript(() => {
    Math.random = () => 0.999
  })
  let line: WebSocketRoute | null = null
  let channel: number | undefined
  const { chatId } = await server.ask('Hello')
  await page.routeWebSocket(/\/ws/, (route) => {
    line = route
    const upstream = route.connectToServer()
    upstream.onMessage((message) => {
      if (String(message).includes('"subscribed"')) {
        const { docs } = JSON.parse(String(message)) as { docs: { doc: string; channel: number }[] }
        channel = docs.find(({ doc }) => doc === chatId)?.channel ?? channel
      }
      route.send(message)
    })
  })
  await page.goto(`${proxy.url}/#${chatId}`)
  const chip = page.locator(by('connection'))
  const why = page.locator(by('connection-why'))
  const says = (words: string) => reads(() => chip.textContent(), words, 20_000)
  await says('Live')
  // A new line has new channels.
  channel = undefined
  proxy.mode = 'refuse'
  proxy.cut()
  // It counts down.
  await says('Reconnecting in 4 s')
  await chip.click()
  await why.getByText('The connection to the server was lost.').waitFor()
  await says('Reconnecting in 3 s')
  // It is read on while the next attempt is made, and fails.
  await says('Reconnecting in 8 s')
  await why.getByText('The connection to the server was lost.').waitFor()
  proxy.mode = 'pass'
  await page.click(by('retry'))
  await why.waitFor({ state: 'detached' })
  await reads(() => page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? null), 'connection')
  await says('Live')
  await chip.click()
  await why.getByText('New text appears here at once.').waitFor()
  expect(await page.locator(by('retry')).count()).toBe(0)

  await expect.poll(() => channel, { timeout: 10_000 }).toBeDefined()
  // As a server says it that cannot send as fast as is written; what has just been followed is not behind.
  await reads(async () => {
    line!.send(JSON.stringify({ type: 'lagging', channel }))
    return [await chip.textContent(), (await why.textContent())?.includes('faster than this connection')]
  }, ['Catching up', true])
  line!.send(JSON.stringify({ type: 'caughtUp', channel }))
  await says('Live')

  proxy.refusesUpgrades = true
  proxy.cut()
  await says('Over HTTP')
  await why.getByText('does not allow a lasting connection').waitFor()
  await page.keyboard.press('Escape')
  await why.waitFor({ state: 'detached' })
  await reads(() => page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? null), 'connection')
  expect(problems).toEqual([])
  await context.close()
  await proxy.close()
})
