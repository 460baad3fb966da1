import { expect, test } from 'vitest'
import { launchChromium } from '../helpers/chromium.ts'

test('opens a page and leaves nothing open', async () => {
  const browser = await launchChromium()
  try {
    const page = await browser.newPage()
    await page.setContent('<title>here</title>')
    expect(await page.title()).toBe('here')
  } finally {
    await browser.close()
  }
})
