import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'
import { chromium, type Browser } from 'playwright-core'

export type { Browser, BrowserContext, Page } from 'playwright-core'

/** Debian's Chromium, without a window, on a fresh profile that goes when the browser is closed. */
export async function launchChromium(): Promise<Browser> {
  return chromium.launch({
    executablePath: chromiumPath(),
    headless: true,
    chromiumSandbox: false,
    args: ['--disable-gpu', '--disable-background-networking', '--disable-dev-shm-usage'],
  })
}

/** The same names as in scripts/needs.mjs, which installs it. */
function chromiumPath(): string {
  const named = process.env['RUNNEL_TEST_CHROMIUM']
  if (named !== undefined && named !== '') return named
  const folders = (process.env['PATH'] ?? '').split(delimiter)
  const paths = ['chromium', 'chromium-browser', 'google-chrome'].flatMap((program) => folders.map((folder) => join(folder, program)))
  const path = paths.find(isExecutable)
  if (path === undefined) throw new Error('Chromium is missing: `npm test` installs it on Debian; elsewhere name it in RUNNEL_TEST_CHROMIUM.')
  return path
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
