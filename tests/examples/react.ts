/** The React example, as its README says, in Chromium: asks, stops, asks again, and shows what is there after a reload. */
import { execFile } from 'node:child_process'
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build, createServer, preview, type InlineConfig, type ProxyOptions } from 'vite'
import { expect, onTestFinished } from 'vitest'
import { launchChromium, type Page } from '../helpers/chromium.ts'
import { startHandmade, type ByHand, type Handmade } from '../react/handmade.ts'

const execute = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))

const sources = [
  { find: /^@runnel\/client$/, replacement: join(root, 'client/index.ts') },
  { find: /^@runnel\/client\/(.*)$/, replacement: join(root, 'client/$1/index.ts') },
]

/** Its page from Vite's dev server, or built: on the sources, or on the client as it is packed (`tarball`). */
export async function driveReactExample(how: 'in development' | 'built', tarball?: string): Promise<void> {
  const server = await startHandmade()
  onTestFinished(() => server.close())
  const url = await serveReactExample(how, server.url, tarball)
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  await walk(await browser.newPage(), url, server)
}

/** Until the test ends. Answers with the page's address; `runnel` is where the page's calls go. */
export async function serveReactExample(
  how: 'in development' | 'built',
  runnel: string,
  tarball?: string,
): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-react-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await cp(join(root, 'examples/react'), folder, { recursive: true })
  if (tarball === undefined) await symlink(join(root, 'node_modules'), join(folder, 'node_modules'))
  else await execute('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error', tarball], { cwd: folder })
  process.env['SERVER_URL'] = runnel
  onTestFinished(() => void delete process.env['SERVER_URL'])
  const config: InlineConfig = {
    root: folder,
    logLevel: 'error',
    cacheDir: join(folder, '.vite'),
    resolve: { alias: tarball === undefined ? sources : [] },
    server: {
      host: '127.0.0.1',
      port: 0,
      fs: { strict: false },
      proxy: { '/ws': { target: runnel, ws: true, configure: endWithBrowser } },
    },
    preview: { host: '127.0.0.1', port: 0 },
  }
  if (how === 'built') await build(config)
  const vite = how === 'built' ? await preview(config) : await (await createServer(config)).listen()
  onTestFinished(() => vite.close())
  return vite.resolvedUrls!.local[0]!
}

/** Vite leaves a line to Runnel behind whose browser goes while it is made, or before it has been read to its end. */
const endWithBrowser: ProxyOptions['configure'] = (proxy) =>
  proxy.on('proxyReqWs', (call, _, browser) =>
    call.on('upgrade', (_, line) => {
      if (browser.destroyed) line.destroy()
      else browser.once('close', () => line.destroy())
    }),
  )

async function walk(page: Page, url: string, server: Handmade): Promise<void> {
  const problems: string[] = []
  page.on('pageerror', (error) => problems.push(String(error)))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') problems.push(message.text())
  })
  const answers = page.locator('article')
  const waitFor = async (selector: string) => {
    await page
      .locator(selector)
      .first()
      .waitFor({ timeout: 15_000 })
      .catch(async (cause: unknown) => {
        const shown = await page.locator('body').innerHTML()
        throw new Error(`${selector} does not come.\n${problems.join('\n')}\n${shown}`, { cause })
      })
  }
  const first: ByHand = server.byHand()
  await page.goto(url)
  await waitFor('input[name=words]')
  await page.fill('input[name=words]', 'Why are there tides?')
  await page.click('text=Send')
  await waitFor('article[data-status]')
  first.say('The **moon** pulls.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\nAnd so')
  await waitFor('article >> strong >> text=moon')
  await waitFor('article td >> text=2')
  await page.click('text=Stop')
  await waitFor('article[data-status=stopped]')
  expect(await page.locator('h2').textContent()).toBe('Why are there tides?')

  server.next(['Another answer.'])
  await page.click('text=Again')
  await waitFor('article >> text=Another answer.')
  await page.click('text=2/2')
  await waitFor('article >> strong >> text=moon')
  expect(await answers.count()).toBe(1)

  await page.reload()
  await waitFor('article >> text=Another answer.')
  expect(page.url()).toContain('#chat_')
  expect(problems).toEqual([])
}
