/** The example inside an Express app, as a person sees it: the shop's sign-in, its own page, and Runnel's page below `/assistant/`. */
import { expect, onTestFinished, test } from 'vitest'
import { startExample } from '../examples/example.ts'
import { launchChromium } from '../helpers/chromium.ts'

test('the page below a path, and a page of the host, with the session cookie of the host', { timeout: 60_000 }, async () => {
  const example = await startExample(['examples/express/main.ts'])
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('pageerror', error => problems.push(String(error)))
  await page.goto(example.url)
  await page.fill('[name=name]', 'Ada')
  await page.click('button')
  await page.fill('[name=question]', 'use a tool')
  await page.click('button')
  await page.waitForSelector('#status:text-is("completed")')
  expect(await page.textContent('#answer')).toContain('weather in Lisbon')

  // Without the slash at its end, as people type it.
  await page.goto(`${example.url}/assistant`)
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  expect(page.url()).toBe(`${example.url}/assistant/`)
  await page.click('[data-testid=chat-list] a:has-text("In the shop")')
  await page.waitForSelector('[data-testid=message][data-role=assistant]:has-text("weather in Lisbon")')
  await page.fill('[data-testid=composer]', 'another tool')
  await page.press('[data-testid=composer]', 'Enter')
  await page.waitForSelector('[data-testid=message][data-role=assistant][data-status=completed] >> nth=1')
  expect(problems).toEqual([])
})
