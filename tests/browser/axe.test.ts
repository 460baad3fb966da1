/** axe-core finds nothing on any screen of the page, in both colour schemes. */
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type Page } from '../helpers/chromium.ts'
import { by } from './tabs.ts'

const axe = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

let browser: Browser
let server: StartedRunnel
let chatId: string
beforeAll(async () => {
  server = await startRunnel()
  browser = await launchChromium()
  chatId = (await server.ask('Why are there tides?')).chatId
}, 30_000)
afterAll(async () => {
  await browser.close()
  await server.close()
})

interface Violation {
  id: string
  nodes: { html: string }[]
}

/** What axe-core finds, a line each. It came over the browser's own door: the page's policy forbids all other scripts. */
async function findings(page: Page): Promise<string[]> {
  const violations = (await page.evaluate('axe.run().then(({ violations }) => violations)')) as Violation[]
  return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}

const paper = (page: Page) => page.evaluate(() => getComputedStyle(document.body).backgroundColor)

const nothing = async () => {}
/** How each screen is reached. */
const screens: Record<string, { hash?: () => string; width?: number; reach: (page: Page) => Promise<unknown> }> = {
  'a new chat': { reach: nothing },
  'a chat': { hash: () => chatId, reach: (page) => page.waitForSelector('[data-status=completed]') },
  'a chat on a phone': {
    hash: () => chatId,
    width: 360,
    reach: (page) => page.waitForSelector('[data-status=completed]'),
  },
  'the list on a phone': {
    width: 360,
    reach: async (page) => {
      await page.click('.open-list')
      await page.waitForSelector(`${by('chats')} a`)
    },
  },
  settings: {
    reach: async (page) => {
      await page.click(by('open-settings'))
      await page.waitForSelector(by('settings'))
    },
  },
  keys: {
    reach: async (page) => {
      await page.locator('h1').click()
      await page.keyboard.press('?')
      await page.waitForSelector('[role=dialog]')
    },
  },
  sharing: {
    hash: () => chatId,
    reach: async (page) => {
      await page.getByRole('button', { name: 'Share', exact: true }).click()
      await page.waitForSelector('[role=dialog]')
    },
  },
  'what goes over the line': {
    hash: () => chatId,
    reach: async (page) => {
      await page.click(by('wire-button'))
      await page.waitForSelector(by('wire'))
    },
  },
}

test.each(Object.entries(screens))(
  '%s, light and dark',
  async (_, { hash, width = 1280, reach }) => {
    // Without transitions: no colour is half that of the other scheme.
    const context = await browser.newContext({ viewport: { width, height: 800 }, reducedMotion: 'reduce' })
    const page = await context.newPage()
    await page.emulateMedia({ colorScheme: 'light' })
    await page.goto(`${server.url}/#${hash?.() ?? ''}`)
    await page.waitForSelector('[data-testid=connection][data-status=open]')
    await reach(page)
    await page.evaluate(axe)
    const light = await paper(page)
    expect(await findings(page)).toEqual([])
    await page.emulateMedia({ colorScheme: 'dark' })
    expect(await paper(page)).not.toBe(light)
    expect(await findings(page)).toEqual([])
    await context.close()
  },
  30_000,
)
