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

/** Debian's Chromium, without a window, on a fresh profile that goes when the browser is closed. */
export async function launchChromium({ scrollBars = false } = {}): Promise<Browser> {
  return chromium.launch({
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
}
