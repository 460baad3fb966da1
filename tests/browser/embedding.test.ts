/** The example inside an Express app, as a person sees it: the shop's sign-in, its own page, and Runnel's page below `/assistant/`. */
import { expect, onTestFinished, test } from 'vitest'
import { startExample } from '../examples/example.ts'
import { launchChromium } from '../helpers/chromium.ts'

test(
  'the page below a path, and a page of the host, with the session cookie of the host',
  { timeout: 60_000 },
  async () => {
    const example = await startExample(['examples/express/main.ts'])
    const browser = await launchChromium()
    onTestFinished(() => browser.close())
    const page = await browser.newPage()
    const problems: string[] = []
    page.on('pageerror', (error) => problems.push(String(error)))
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
    await page.click('[data-testid=chats] a:has-text("In the shop")')
    await page.waitForSelector('[data-testid=message][data-role=assistant]:has-text("weather in Lisbon")')
    await page.fill('[data-testid=composer]', 'another tool')
    await page.press('[data-testid=composer]', 'Enter')
    await page.waitForSelector('[data-testid=message][data-role=assistant][data-status=completed] >> nth=1')

    await page.evaluate(async () => {
      const chatId = location.hash.slice(1)
      const form = new FormData()
      form.set('chatId', chatId)
      form.set('file', new File(['What is in it'], 'notes.txt', { type: 'text/plain' }))
      const { id } = (await (await fetch('api/files', { method: 'POST', body: form })).json()) as { id: string }
      const body = JSON.stringify({ content: 'read it with a tool', files: [id] })
      await fetch(`api/chats/${chatId}/messages`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
      })
    })
    const download = page.waitForEvent('download')
    await page.click('[data-testid=download]')
    expect((await download).suggestedFilename()).toBe('notes.txt')
    expect(problems).toEqual([])
  },
)
