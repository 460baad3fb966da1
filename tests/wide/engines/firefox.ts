import puppeteer, { type Page } from 'puppeteer-core'
import { programPath } from '../../helpers/programs.ts'
import type { Engine, Tab } from './engine.ts'

/** Debian's Firefox, without a window, on a fresh profile, over WebDriver BiDi. It ends with this process. */
export async function launchFirefox(): Promise<Engine> {
  const browser = await puppeteer.launch({
    browser: 'firefox',
    executablePath: programPath('Firefox', 'RUNNEL_TEST_FIREFOX', ['firefox-esr', 'firefox']),
    headless: true,
  })
  return {
    name: await browser.version(),
    open: async (url) => {
      const page = await browser.newPage()
      await page.goto(url)
      return tabOf(page)
    },
    close: () => browser.close(),
  }
}

function tabOf(page: Page): Tab {
  return {
    evaluate: async <Args extends unknown[], Result>(look: (...args: Args) => Result, ...args: Args) =>
      (await page.evaluate(look as (...args: unknown[]) => unknown, ...args)) as Result,
    click: (selector) => page.click(selector),
    type: (selector, text) => page.type(selector, text),
    key: (name) => page.keyboard.press(name),
    reload: async () => void (await page.reload()),
    close: () => page.close(),
  }
}
