import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { build, type Rolldown } from 'vite'
import { launchChromium, type Browser, type Page } from '../tests/helpers/chromium.ts'
import { startHandmade, type ByHand, type Handmade } from '../tests/react/handmade.ts'
import { median, type Figure } from './harness.ts'
import { argumentsText, markdownText } from './markdown/text.ts'

const tokens = 200
/** The first ones make the browser's code warm. */
const warmUp = 60
const everyMs = 25
const rounds = 3

type Kind = 'markdown' | 'pieces'

/** What a token costs the main thread of a page that stands on the hooks, from the socket to the screen, by the length of what is there already. */
export async function reactInBrowser(): Promise<Figure[]> {
  const script = await bundle()
  const server = await startHandmade({ RUNNEL_FLUSH_MS: 10 })
  const browser = await launchChromium()
  try {
    const figures: Figure[] = []
    for (const kind of ['markdown', 'pieces'] as const) {
      // Of each size in turn, so that a machine that gets busier is so for all.
      const costs = new Map<number, number[]>([5, 50, 200].map((kB) => [kB, []]))
      for (let round = 0; round < rounds; round++)
        for (const [kB, list] of costs) list.push(await measure(browser, server, script, kind, kB))
      const least = median(costs.get(5)!)
      for (const [kB, list] of costs) {
        const name = `${kind === 'markdown' ? 'Markdown' : 'text in pieces'} of ${kB} kB`
        figures.push({ name: `${name}: main thread a token`, value: median(list), unit: 'ms' })
        if (kB > 5)
          figures.push({ name: `${name}: against its own at 5 kB`, value: median(list) / least, unit: '×', bound: 2 })
      }
    }
    return figures
  } finally {
    await browser.close()
    await server.close()
  }
}

async function measure(browser: Browser, server: Handmade, script: string, kind: Kind, kB: number): Promise<number> {
  const answer = server.byHand()
  const chat = await call(server, '/api/chats', {})
  await call(server, `/api/chats/${chat.id}/messages`, { content: 'Well?' })
  const text = (kind === 'markdown' ? markdownText : argumentsText)((kB + 6) * 1_000)
  // What comes is the same at each length: from the beginning of a section on.
  const start = kind === 'markdown' ? text.indexOf('\n## ', (kB - 1) * 1_000) + 1 : kB * 1_000
  answer.say(text.slice(0, start - warmUp * 5))
  const context = await browser.newContext({ viewport: { width: 1_000, height: 800 } })
  const tab = await context.newPage()
  await context.route(/\/bench(\.js)?$/, async (route) => {
    const isScript = route.request().url().endsWith('.js')
    await route.fulfill(
      isScript ? { contentType: 'text/javascript', body: script } : { contentType: 'text/html', body: html },
    )
  })
  await tab.goto(`${server.url}/bench#${chat.id},${kind}`)
  await until(tab, kB * 400)
  await say(answer, text.slice(start - warmUp * 5), warmUp)
  await sleep(1_000)
  const session = await context.newCDPSession(tab)
  // CPU time, so that what else runs on the machine does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const busy = async () =>
    (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value
  const before = await busy()
  await say(answer, text.slice(start), tokens)
  await sleep(200)
  const ms = ((await busy()) - before) * 1_000
  answer.end()
  await context.close()
  return ms / tokens
}

/** One at a time, each an update of its own. */
async function say(answer: ByHand, text: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    answer.say(text.slice(i * 5, i * 5 + 5))
    await sleep(everyMs)
  }
}

async function until(tab: Page, length: number): Promise<void> {
  const deadline = Date.now() + 30_000
  while ((await tab.locator('#root').evaluate((root) => root.textContent.length)) < length) {
    if (Date.now() > deadline) throw new Error('The answer does not come on the page.')
    await sleep(50)
  }
}

const html = `<!doctype html><meta charset="utf-8"><body style="margin:0"><div id="view" style="height:100vh;overflow-y:auto;background:#fff"><div id="root"></div></div><script type="module" src="/bench.js"></script>`

async function call(server: Handmade, path: string, body: object): Promise<{ id: string }> {
  const response = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return (await response.json()) as { id: string }
}

async function bundle(): Promise<string> {
  const built = (await build({
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      rolldownOptions: {
        input: fileURLToPath(new URL('react/page.ts', import.meta.url)),
        output: { codeSplitting: false },
        treeshake: { moduleSideEffects: true },
      },
    },
  })) as Rolldown.RolldownOutput
  return built.output[0].code
}
