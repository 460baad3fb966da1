/** The page in Chromium, as it is built, against a real server. */
import { setTimeout as sleep } from 'node:timers/promises'
import { answerId, longChat, longChatId } from '../tests/client/long-chat.ts'
import { launchChromium, type Browser, type Page } from '../tests/helpers/chromium.ts'
import { startHandmade, type ByHand, type Handmade } from '../tests/react/handmade.ts'
import { median, post, quantile, type Figure } from './harness.ts'
import { markdownText } from './markdown/text.ts'
import { buildPage, scriptsBeforePaint } from './page/build.ts'
import { coldOpens } from './page/cold.ts'

const tokens = 200
const warmUp = 60
const everyMs = 25
const rounds = 3

export async function pageInBrowser(): Promise<Figure[]> {
  buildPage()
  const server = await startHandmade({ store: await longChat(1_000, { stored: 1_000 }) })
  const browser = await launchChromium()
  try {
    return [
      { name: 'JavaScript before the first paint, gzipped', value: scriptsBeforePaint(), unit: 'kB', bound: 160 },
      ...(await chunkToScreen(browser, server)),
      ...(await costOfToken(browser, server)),
      ...(await longOnes(browser, server)),
      ...(await coldOpens(browser)),
    ]
  } finally {
    await browser.close()
    await server.close()
  }
}

async function chunkToScreen(browser: Browser, server: Handmade): Promise<Figure[]> {
  const figures: Figure[] = []
  for (const isPaced of [false, true]) {
    const { tab, answer, close } = await opened(browser, server, {
      reducedMotion: isPaced ? 'no-preference' : 'reduce',
    })
    await until(tab, 1_000, markdownText(2_000), answer)
    await tab.evaluate(() => {
      const seen: Record<string, number> = Object.assign(globalThis, { seen: {} }).seen
      const marks = /<(\d+)>/g
      new MutationObserver(() => {
        const last = [...document.querySelectorAll('[data-role=assistant]')].at(-1)!
        const found = [...last.textContent.slice(-2_000).matchAll(marks)].map(([, mark]) => mark!)
        // Painted: a task behind the frame.
        requestAnimationFrame(() =>
          setTimeout(() => {
            for (const mark of found) seen[mark] ??= performance.timeOrigin + performance.now()
          }),
        )
      }).observe(document.querySelector('.column')!, { subtree: true, childList: true, characterData: true })
    })
    const left: number[] = []
    for (let i = 0; i < 300; i++) {
      left.push(performance.timeOrigin + performance.now())
      answer.say(`some words \\<${i}> `)
      await sleep(20 + ((i * 7) % 40))
    }
    await sleep(1_000)
    const seen = await tab.evaluate(() => (globalThis as unknown as { seen: Record<string, number> }).seen)
    const took = left.map((at, i) => (seen[i] ?? Infinity) - at)
    const name = `first text on screen after a chunk, ${isPaced ? 'evened out' : 'without the reveal'}`
    figures.push(
      { name: `${name}: p50`, value: median(took), unit: 'ms', ...(!isPaced && { bound: 60 }) },
      { name: `${name}: p99`, value: quantile(took, 0.99), unit: 'ms', bound: isPaced ? 250 : 150 },
    )
    await close()
  }
  return figures
}

async function costOfToken(browser: Browser, server: Handmade): Promise<Figure[]> {
  const figures: Figure[] = []
  const sizes = [5, 200]
  const costs = sizes.map((): { ms: number; p95: number }[] => [])
  for (let round = 0; round < rounds; round++)
    for (const [index, kB] of sizes.entries()) costs[index]!.push(await measure(browser, server, kB))
  const of = (index: number, what: 'ms' | 'p95') => median(costs[index]!.map((cost) => cost[what]))
  for (const [index, kB] of sizes.entries())
    figures.push(
      { name: `a token at ${kB} kB: main thread`, value: of(index, 'ms'), unit: 'ms' },
      { name: `a token at ${kB} kB: p95 frame`, value: of(index, 'p95'), unit: 'ms', bound: 20 },
    )
  figures.push({ name: 'a token at 200 kB against 5 kB', value: of(1, 'ms') / of(0, 'ms'), unit: '×', bound: 2 })
  const slow: number[] = []
  for (let round = 0; round < rounds; round++) slow.push((await measure(browser, server, 50, 4, 360)).p95)
  figures.push({ name: 'CPU × 4, 360 px, 50 kB: p95 frame', value: median(slow), unit: 'ms', bound: 33 })
  return figures
}

async function measure(browser: Browser, server: Handmade, kB: number, slowdown = 1, width = 1_000) {
  const { tab, answer, close } = await opened(browser, server, { viewport: { width, height: 800 } })
  const text = markdownText((kB + 12) * 1_000)
  // What comes is the same at each length: from the beginning of a section on.
  const start = text.indexOf('\n## ', (kB - 1) * 1_000) + 1
  await until(tab, kB * 400, text.slice(0, start - warmUp * 5), answer)
  await say(answer, text.slice(start - warmUp * 5), warmUp)
  await sleep(1_000)
  const session = await tab.context().newCDPSession(tab)
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  // CPU time, so that what else runs on the machine does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const busy = async () =>
    (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value
  const before = await busy()
  await say(answer, text.slice(start), tokens)
  await sleep(200)
  const ms = ((await busy()) - before) * 1_000
  const frames = await watchFrames(tab)
  await say(answer, text.slice(start + tokens * 5), tokens)
  const p95 = quantile(await frames(), 0.95)
  await close()
  return { ms: ms / tokens, p95 }
}

async function longOnes(browser: Browser, server: Handmade): Promise<Figure[]> {
  server.next([markdownText(1_000_000)])
  const { id } = await ask(server)
  await sleep(3_000)
  const figures: Figure[] = []
  for (const [name, chatId, shown] of [
    ['a chat of 1,000 answers', longChatId, `[data-message-id="${answerId(999)}"] p`],
    ['an answer of 1 MB', id, '[data-role=assistant][data-status=completed] .markdown-chunk'],
  ] as const) {
    const took: number[] = []
    for (let round = 0; round < rounds; round++) {
      const context = await browser.newContext()
      const tab = await context.newPage()
      const began = performance.now()
      await tab.goto(`${server.url}/#${chatId}`)
      await tab.locator(shown).last().waitFor()
      await isAtEnd(tab)
      took.push(performance.now() - began)
      if (round === rounds - 1) {
        await allOfIt(tab)
        figures.push({ name: `${name}: open, at its end`, value: median(took), unit: 'ms', bound: 1_500 })
        figures.push({ name: `${name}: scroll, p95 frame`, value: await scrolled(tab), unit: 'ms', bound: 33 })
        const count = await tab.locator('[data-message-id]').count()
        figures.push({ name: `${name}: messages in the page`, value: count, unit: '' })
      }
      await context.close()
    }
  }
  return figures
}

/** Up and down by the wheel, as fast as somebody who looks for something. */
async function scrolled(tab: Page): Promise<number> {
  await tab.locator('.scroll').hover()
  const frames = await watchFrames(tab)
  for (let i = 0; i < 150; i++) {
    await tab.mouse.wheel(0, i < 100 ? -400 : 700)
    await sleep(16)
  }
  return quantile(await frames(), 0.95)
}

async function isAtEnd(tab: Page): Promise<void> {
  await tab.evaluate(
    () =>
      new Promise<void>((resolve) => {
        const frame = () => {
          const view = document.querySelector('.scroll')!
          const isThere = view.scrollTop > 0 && view.scrollHeight - view.clientHeight - view.scrollTop <= 2
          if (isThere) setTimeout(resolve)
          else requestAnimationFrame(frame)
        }
        requestAnimationFrame(frame)
      }),
  )
}

/** Older ones come by themselves. */
async function allOfIt(tab: Page): Promise<void> {
  const deadline = Date.now() + 120_000
  while ((await tab.locator('[data-testid=older]').count()) > 0 && Date.now() < deadline) await sleep(200)
  await sleep(1_000)
}

async function watchFrames(tab: Page): Promise<() => Promise<number[]>> {
  await tab.evaluate(() => {
    const watched = Object.assign(globalThis, { frames: [] as number[], isOver: false })
    let last = performance.now()
    const frame = (now: number) => {
      watched.frames.push(now - last)
      last = now
      if (!watched.isOver) requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
  return () =>
    tab.evaluate(() => {
      const watched = globalThis as unknown as { frames: number[]; isOver: boolean }
      watched.isOver = true
      return watched.frames.slice(2)
    })
}

async function ask(server: Handmade): Promise<{ id: string }> {
  const chat = (await post(`${server.url}/api/chats`, {})) as { id: string }
  await post(`${server.url}/api/chats/${chat.id}/messages`, { content: 'Well?' })
  return chat
}

async function opened(browser: Browser, server: Handmade, options: Parameters<Browser['newContext']>[0]) {
  const answer = server.byHand()
  const { id } = await ask(server)
  const context = await browser.newContext(options)
  const tab = await context.newPage()
  await tab.goto(`${server.url}/#${id}`)
  const close = async () => {
    answer.end()
    await context.close()
  }
  return { tab, answer, close }
}

async function until(tab: Page, length: number, text: string, answer: ByHand): Promise<void> {
  answer.say(text)
  const deadline = Date.now() + 30_000
  while (
    (await tab
      .locator('[data-role=assistant]')
      .last()
      .evaluate((root) => root.textContent.length)) < length
  ) {
    if (Date.now() > deadline) throw new Error('The answer does not come on the page.')
    await sleep(50)
  }
  await sleep(500)
}

/** One at a time, each an update of its own. */
async function say(answer: ByHand, text: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) {
    answer.say(text.slice(i * 5, i * 5 + 5))
    await sleep(everyMs)
  }
}
