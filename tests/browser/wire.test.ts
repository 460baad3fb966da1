/** The wire panel in a real browser: what it shows of an answer, and that each of its faults is survived. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { answer, by, openContext, openTab, reads } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let fake: FakeOpenAI
let server: StartedRunnel
const problems: string[] = []

beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url })
  browser = await launchChromium()
  context = await openContext(browser, problems)
})
afterAll(async () => {
  await browser.close()
  await server.close()
  await fake.close()
})

const text = (page: Page) => page.locator(`${answer} [data-type=text]`).last().textContent()
const attribute = (page: Page, testId: string, name: string) => page.getAttribute(by(testId), name)
const isOpen = (page: Page) => page.waitForSelector('[data-testid=connection][data-status=open]')

test('it shows what an answer costs, and each fault is survived', async () => {
  const stream = fake.manual()
  const { chatId } = await server.ask('Why are there tides?')
  const page = await openTab(context, server, chatId)
  await page.click(by('wire-button'))
  await page.waitForSelector(by('wire'))
  await isOpen(page)

  const words = Array.from({ length: 40 }, (_, i) => `word${i} and more of it `)
  for (const word of words) stream.send(word)
  const whole = () => words.join('').trimEnd()
  await reads(async () => (await text(page))?.trim(), whole())
  await expect.poll(async () => Number(await attribute(page, 'wire-received', 'data-bytes'))).toBeGreaterThan(100)
  const [received, resent] = [
    Number(await attribute(page, 'wire-received', 'data-bytes')),
    Number(await attribute(page, 'wire-received', 'data-whole')),
  ]
  expect(received).toBeLessThan(5_000)
  expect(resent).toBeGreaterThan(200)
  expect(await page.textContent(by('wire-transport'))).toBe('WebSocket')

  await page.click(by('wire-cut'))
  words.push('after the cut ')
  stream.send('after the cut ')
  await reads(async () => (await text(page))?.trim(), whole())

  await page.click(by('wire-corrupt'))
  words.push('before the damage was seen and mended ')
  stream.send('before the damage was seen and mended ')
  stream.end()
  await page.waitForSelector(`${by('wire-checkpoint')}[data-checkpoint=mended]`)
  await reads(async () => (await text(page))?.trim(), whole())

  const next = fake.manual()
  const { messageId } = await server.ask('And the wind?', { chatId })
  next.send('It blows ')
  await reads(async () => (await text(page))?.trim(), 'It blows')
  await page.click(by('wire-only'))
  await page.getByRole('menuitem', { name: 'HTTP polls' }).click()
  await reads(() => page.textContent(by('wire-transport')), 'HTTP polls')
  next.send('where it ')
  await reads(async () => (await text(page))?.trim(), 'It blows where it')
  await page.click(by('wire-only'))
  await page.getByRole('menuitem', { name: 'Whatever passes' }).click()
  await reads(() => page.textContent(by('wire-transport')), 'WebSocket')
  next.send('wants.')
  next.end()
  await reads(async () => (await text(page))?.trim(), 'It blows where it wants.')
  expect((await server.call('GET', `/api/messages/${messageId}`)).body.output[0].text).toBe('It blows where it wants.')
  await page.getByRole('button', { name: 'Hide what the connection carries' }).first().click()
  expect(await page.locator(by('wire')).count()).toBe(0)
  expect(problems).toEqual([])
}, 60_000)
