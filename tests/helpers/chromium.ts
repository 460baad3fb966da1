import { chromium, type Browser } from 'playwright-core'
import { programPath } from './programs.ts'

export type { Browser, BrowserContext, Page } from 'playwright-core'

/** Debian's Chromium, without a window, on a fresh profile that goes when the browser is closed. */
export async function launchChromium({ scrollBars = false } = {}): Promise<Browser> {
  return chromium.launch({
    executablePath: programPath('Chromium', 'RUNNEL_TEST_CHROMIUM', ['chromium', 'chromium-browser', 'google-chrome']),
    headless: true,
    ...(scrollBars && { ignoreDefaultArgs: ['--hide-scrollbars'] }),
    chromiumSandbox: false,
    args: ['--disable-gpu', '--disable-background-networking', '--disable-dev-shm-usage'],
  })
}
