import { chromium, type Browser } from 'playwright-core'
import { programPath } from './programs.ts'

export type { Browser, BrowserContext, BrowserContextOptions, Page, WebSocketRoute } from 'playwright-core'

/** What the browser does not load: the list below its own address line cost each new window as much time as a page of ours. */
const offHere = ['WebUIOmniboxPopup', 'WebUIOmniboxAimPopup', 'WebUIOmniboxFullPopup']
/** What Playwright switches off itself: only the last switch counts. */
const offInPlaywright = [
  'AvoidUnnecessaryBeforeUnloadCheckSync',
  'DestroyProfileOnBrowserClose',
  'HttpsUpgrades',
  'HttpsFirstBalancedModeAutoEnable',
  'LensOverlay',
  'MediaRouter',
  'PaintHolding',
  'ThirdPartyStoragePartitioning',
  'AvoidCorsURLLoaderRestartOnRedirect',
  'OptimizationHints',
  'NetworkTimeServiceQuerying',
  'AimEnabled',
  'PreconnectToSearch',
]

const options = ({ scrollBars = false } = {}) => ({
  executablePath: programPath('Chromium', 'RUNNEL_TEST_CHROMIUM', ['chromium', 'chromium-browser', 'google-chrome']),
  headless: true,
  ...(scrollBars && { ignoreDefaultArgs: ['--hide-scrollbars'] }),
  chromiumSandbox: false,
  args: [
    '--disable-gpu',
    '--disable-background-networking',
    '--disable-dev-shm-usage',
    `--disable-features=${[...offHere, ...offInPlaywright].join(',')}`,
  ],
})

/** Debian's Chromium, without a window, on a fresh profile that goes when the browser is closed. */
export async function launchChromium(how?: { scrollBars?: boolean }): Promise<Browser> {
  return chromium.launch(options(how))
}

export interface SleepyChromium {
  browser: Browser
  /** As a laptop does that is closed: nothing of it runs. */
  sleep: () => void
  wake: () => void
  close: () => Promise<void>
}

/** The same, with all its processes in the test's hand. */
export async function launchSleepyChromium(): Promise<SleepyChromium> {
  const server = await chromium.launchServer(options())
  const browser = await chromium.connect(server.wsEndpoint())
  const signal = (name: NodeJS.Signals) => void process.kill(-server.process().pid!, name)
  return {
    browser,
    sleep: () => signal('SIGSTOP'),
    wake: () => signal('SIGCONT'),
    close: async () => {
      signal('SIGCONT')
      await browser.close()
      await server.close()
    },
  }
}
