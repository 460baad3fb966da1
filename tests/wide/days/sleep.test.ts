/** A laptop that is closed in the middle of an answer, and a tab that the browser puts to sleep. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../../testing/index.ts'
import { startLine } from '../../../testing/line.ts'
import { answer, by, openContext, question, reads, shows } from '../../browser/tabs.ts'
import { saysHello } from '../../helpers/says-hello.ts'
import { launchSleepyChromium, type SleepyChromium } from '../../helpers/chromium.ts'

const patienceMs = 30_000
let chromium: SleepyChromium
let fake: FakeOpenAI
let server: StartedRunnel

beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    RUNNEL_HEARTBEAT_MS: 1_000,
    RUNNEL_HEARTBEAT_TIMEOUT_MS: 3_000,
  })
  chromium = await launchSleepyChromium()
}, 60_000)
afterAll(async () => {
  await chromium.close()
  await server.close()
  await fake.close()
})

test.each([
  ['a laptop that is closed, and the network hears of it', 'all', 'pass'],
  ['a laptop that is closed, and its network is another one when it is opened', 'all', 'deaf'],
  ['a tab that is frozen', 'tab', 'pass'],
] as const)('%s: the answer is whole, and has one status', async (_, who, mode) => {
  const proxy = await startLine(Number(new URL(server.url).port))
  const problems: string[] = []
  const context = await openContext(chromium.browser, problems)
  const page = await context.newPage()
  const session = await context.newCDPSession(page)
  const stream = fake.manual()
  await page.goto(`http://127.0.0.1:${proxy.port}/`)
  await page.fill(by('composer'), 'Why are there tides?')
  await page.press(by('composer'), 'Enter')
  await stream.request
  stream.send('The moon ')
  await shows(page, `${answer} .growing`, ['The moon '])

  proxy.mode = mode
  if (who === 'all') chromium.sleep()
  else await session.send('Page.setWebLifecycleState', { state: 'frozen' })
  const long = 'pulls the sea. '.repeat(20_000)
  for (let at = 0; at < long.length; at += 10_000) stream.send(long.slice(at, at + 10_000))
  // Longer than the server waits for somebody who says nothing.
  if (who === 'all') await reads(async () => server.runnel.stats().connections, 0, patienceMs)
  stream.send('And so on.')
  stream.end()
  await reads(async () => server.runnel.stats().runs.streaming, 0, patienceMs)

  proxy.mode = 'pass'
  if (who === 'all') chromium.wake()
  else await session.send('Page.setWebLifecycleState', { state: 'active' })
  const text = () => page.evaluate((of) => document.querySelector(of)!.textContent, `${answer} .growing`)
  await reads(async () => (await text()).replace(/\s+/g, ' ').length, `The moon ${long}And so on.`.length, patienceMs)
  expect((await text()).endsWith('pulls the sea. And so on.')).toBe(true)
  await reads(
    () => page.locator(answer).evaluateAll((all) => all.map((one) => one.getAttribute('data-status'))),
    ['completed'],
  )
  await reads(() => page.getAttribute(by('connection'), 'data-status'), 'open', patienceMs)

  // And it goes on.
  const next = fake.manual()
  await page.fill(by('composer'), 'And the sun?')
  await page.press(by('composer'), 'Enter')
  await next.request
  next.send('Half as much.')
  next.end()
  await page.waitForSelector(`${answer}[data-status=completed] >> nth=1`)
  expect(await page.locator(`${question} .bubble`).allTextContents()).toEqual(['Why are there tides?', 'And the sun?'])
  expect(problems).toEqual([])
  await context.close()
  await proxy.close()
})
