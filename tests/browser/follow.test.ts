/** Where a reader stands while an answer grows: at its end until they leave it, and then nowhere else than where they went. */
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest'
import { answerId, longChat, longChatId, questionId } from '../client/long-chat.ts'
import type { CDPSession } from 'playwright-core'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { startHandmade, type Handmade } from '../react/handmade.ts'
import { answer, by, openContext, question, reads } from './tabs.ts'

const runs = 30
// Thirty times each, and other tests beside it.
vi.setConfig({ testTimeout: 60_000 })
const problems: string[] = []
let browser: Browser
let context: BrowserContext
let server: Handmade

beforeAll(async () => {
  server = await startHandmade({ RUNNEL_FLUSH_MS: 10, store: await longChat(120, { chars: 600, stored: 120 }) })
  browser = await launchChromium({ scrollBars: true })
  context = await openContext(browser, problems)
}, 30_000)
afterAll(async () => {
  await browser.close()
  await server.close()
})

/** A page on a chat with an answer to which a line comes every few milliseconds. */
async function growing(hash = '', on = context) {
  const page = await on.newPage()
  await page.goto(`${server.url}/#${hash}`)
  const written = server.byHand()
  let lines = 0
  await ask(page, 'Well?')
  const timer = setInterval(() => written.say(`line ${++lines}\n\n`), 8)
  await reads(
    () =>
      page
        .locator(answer)
        .last()
        .evaluate((last) => last.clientHeight > 1_500),
    true,
  )
  onTestFinished(() => {
    clearInterval(timer)
    written.end()
    return page.close()
  })
  return { page, written }
}

async function ask(page: Page, text: string): Promise<void> {
  await page.fill(by('composer'), text)
  await page.press(by('composer'), 'Enter')
}

/** Watches what is painted until more has come below so often: how far the text that is read was pulled up, and how far from the end it is. */
const watch = (page: Page, times = 2) =>
  page.evaluate(
    (times) =>
      new Promise<{ pulled: number; fromEnd: number }>((resolve) => {
        const view = document.querySelector('.scroll')!
        const read = () => document.elementFromPoint(view.clientWidth / 2, view.getBoundingClientRect().top + 100)!
        let shown = read()
        let { top } = shown.getBoundingClientRect()
        let height = view.scrollHeight
        let pulled = 0
        let grown = 0
        const laidOut = new ResizeObserver(() => {
          pulled = Math.max(pulled, top - shown.getBoundingClientRect().top)
          shown = read()
          ;({ top } = shown.getBoundingClientRect())
          if (view.scrollHeight > height) grown += 1
          height = view.scrollHeight
          if (grown < times) return
          laidOut.disconnect()
          resolve({ pulled: Math.round(pulled), fromEnd: height - view.clientHeight - view.scrollTop })
        })
        laidOut.observe(view.querySelector('.column')!)
      }),
    times,
  )

/** Follows the end: in each of some frames that are painted the last line is there. */
async function follows(page: Page): Promise<void> {
  await page.locator(by('to-end')).waitFor({ state: 'detached' })
  expect((await watch(page)).fromEnd).toBeLessThanOrEqual(2)
}

const sessions = new WeakMap<Page, Promise<CDPSession>>()
function session(page: Page): Promise<CDPSession> {
  const known = sessions.get(page) ?? page.context().newCDPSession(page)
  sessions.set(page, known)
  return known
}

const ways: Record<string, (page: Page, run: number) => Promise<void>> = {
  'the wheel': (page, run) => page.mouse.wheel(0, -(1 + 7 * run)),
  'a key': (page, run) => page.keyboard.press(['PageUp', 'Home'][run % 2]!),
  'a drag of the scroll bar': async (page, run) => {
    const { x, y } = await page.locator('.scroll').evaluate((view) => {
      const { right, top, height } = view.getBoundingClientRect()
      return { x: right - 5, y: top + height - 20 }
    })
    await page.mouse.move(x, y)
    await page.mouse.down()
    for (let moved = 1; moved <= 3; moved++) {
      await page.mouse.move(x, y - moved * (30 + run))
      await page.evaluate(() => new Promise((resolve) => void requestAnimationFrame(resolve)))
    }
    await page.mouse.up()
  },
  'a finger': async (page, run) => {
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', y?: number) =>
      session(page).then((cdp) =>
        cdp.send('Input.dispatchTouchEvent', { type, touchPoints: y === undefined ? [] : [{ x: 600, y }] }),
      )
    await touch('touchStart', 200)
    for (let moved = 1; moved <= 3; moved++) await touch('touchMove', 200 + moved * (10 + run))
    // At rest: nothing rolls on.
    for (let frames = 0; frames < 4; frames++) {
      await page.evaluate(() => new Promise((resolve) => void requestAnimationFrame(resolve)))
      await touch('touchMove', 200 + 3 * (10 + run) + (frames % 2))
    }
    await touch('touchEnd')
  },
  'find-in-page': (page) => page.evaluate(() => document.querySelector('.scroll p')!.scrollIntoView()),
}

test.each(Object.entries(ways))('%s leaves the end at once, and being there joins it again', async (_, leave) => {
  const { page } = await growing()
  await page.locator('.scroll').hover()
  for (let run = 0; run < runs; run++) {
    await follows(page)
    await leave(page, run)
    const { pulled, fromEnd } = await watch(page)
    expect([run, pulled > 1]).toEqual([run, false])
    expect(fromEnd).toBeGreaterThan(2)
    expect(Number(await page.getAttribute(by('to-end'), 'data-lines'))).toBeGreaterThan(0)
    if (run % 3 === 0)
      // As often as a person would: the end moves away.
      while (await page.isVisible(by('to-end'))) await page.mouse.wheel(0, 1e6)
    else if (run % 3 === 1) await page.click(by('to-end'))
    else await page.keyboard.press('End')
  }
})

/** How far the page is from its end, once nothing has moved for some frames. */
const fromEndAtRest = (page: Page) =>
  page.evaluate(
    () =>
      new Promise<number>((resolve) => {
        const view = document.querySelector('.scroll')!
        let last = ''
        let still = 0
        const frame = () => {
          const now = `${view.scrollTop} ${view.scrollHeight}`
          still = now === last ? still + 1 : 0
          last = now
          if (still > 5) resolve(view.scrollHeight - view.clientHeight - view.scrollTop)
          else requestAnimationFrame(frame)
        }
        frame()
      }),
  )

test('a chat opens at its end, whatever its length', async () => {
  const hashes = [longChatId]
  for (const lines of [1, 400, 40]) {
    server.next(
      Array.from(
        { length: lines },
        (_, line) => `- some words of line ${line}\n\n\`\`\`\n${'code\n'.repeat(line % 9)}\`\`\`\n`,
      ),
    )
    hashes.push(await chatWith('Well?'))
  }
  const page = await context.newPage()
  onTestFinished(() => page.close())
  await page.goto(server.url)
  for (let run = 0; run < runs; run++) {
    const chatId = hashes[run % hashes.length]!
    await page.evaluate((hash) => {
      location.hash = hash
    }, chatId)
    const last = chatId === longChatId ? `[data-message-id="${answerId(119)}"]` : answer
    await page.locator(`${last} .md p, ${last} .md li`).last().waitFor()
    expect([run, await fromEndAtRest(page)]).toEqual([run, expect.closeTo(0, -0.4)])
    await page.locator(`${last} .message-acts`).last().waitFor()
  }
})

async function chatWith(content: string): Promise<string> {
  const post = async (path: string, body: object) =>
    (await (
      await fetch(server.url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).json()) as { id: string }
  const { id } = await post('/api/chats', {})
  await post(`/api/chats/${id}/messages`, { content })
  return id
}

test('what is sent, changed or asked again is brought into view, from wherever one reads', async () => {
  const page = await context.newPage()
  onTestFinished(() => page.close())
  server.next(['line\n\n'.repeat(200)])
  await page.goto(`${server.url}/#${await chatWith('First?')}`)
  await page.locator(`${answer} .md p`).last().waitFor()
  for (let run = 0; run < runs; run++) {
    await page.keyboard.press(run % 2 === 0 ? 'PageUp' : 'Home')
    await page.locator(by('to-end')).waitFor()
    await ask(page, `Question ${run}?`)
    const asked = page.locator(question, { hasText: `Question ${run}?` })
    await asked.waitFor()
    await reads(() => asked.evaluate(isInView), true, 2_000)
    await page.locator(by('to-end')).waitFor({ state: 'detached' })
    await page
      .locator(`${answer}[data-status=completed]`)
      .nth(run + 1)
      .waitFor()
  }
  const isAtEnd = () =>
    page.evaluate(() => {
      const { scrollHeight, scrollTop, clientHeight } = document.querySelector('.scroll')!
      return scrollHeight > 2 * clientHeight && scrollHeight - scrollTop - clientHeight <= 2
    })
  // Who has just left the end sees the last question, its answer and their buttons still.
  const leave = async () => {
    await page.mouse.move(400, 300)
    await page.mouse.wheel(0, -60)
    await page.locator(by('to-end')).waitFor()
  }
  await leave()
  server.next(['another line\n\n'.repeat(200)])
  await page.locator(answer).last().locator(by('regenerate')).click()
  await page.locator(`${answer} .md p`, { hasText: 'another line' }).last().waitFor()
  await reads(isAtEnd, true, 2_000)
  await page.locator(by('to-end')).waitFor({ state: 'detached' })
  await page.locator(by('previous-sibling')).last().click()
  await leave()
  server.next(['a third line\n\n'.repeat(200)])
  await page.locator(question).last().locator(by('edit')).click()
  await page.fill(by('edit-text'), 'Last again?')
  await page.press(by('edit-text'), 'Enter')
  await page.locator(`${answer} .md p`, { hasText: 'a third line' }).last().waitFor()
  await reads(isAtEnd, true, 2_000)
  await page.locator(by('to-end')).waitFor({ state: 'detached' })
})

function isInView(element: Element): boolean {
  const { top, bottom } = element.getBoundingClientRect()
  const view = document.querySelector('.scroll')!.getBoundingClientRect()
  return top >= view.top - 1 && bottom <= view.bottom + 1
}

test('older messages come by themselves, and what is read stays where it is', async () => {
  const page = await context.newPage()
  onTestFinished(() => page.close())
  // The end comes first: nothing older is asked for before it is on show.
  const asked: string[] = []
  const [held, older] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  await page.route(/\/messages\?/, async (route) => {
    asked.push(route.request().url())
    await (asked.length === 1 ? held : older).promise
    await route.continue()
  })
  await page.goto(`${server.url}/#${longChatId}`)
  await page.locator(`[data-message-id="${answerId(119)}"] .skeleton`).waitFor()
  await page.evaluate(async () => {
    for (let i = 0; i < 5; i++) await new Promise((resolve) => void requestAnimationFrame(resolve))
  })
  expect(asked).toHaveLength(1)
  held.resolve()
  await page.locator(`[data-message-id="${answerId(119)}"] p`).waitFor()
  await page.keyboard.press('Home')
  // From the upper edge on, where browsers hold nothing themselves.
  await reads(() => page.locator('.scroll').evaluate((scroller) => scroller.scrollTop), 0)
  const watched = page.evaluate(async (count) => {
    const column = document.querySelector('.column')!
    const shown = () => column.querySelectorAll('[data-message-id]').length
    const first = column.querySelector('[data-message-id]')!
    const { top } = first.getBoundingClientRect()
    let moved = 0
    return await new Promise<number>((resolve) => {
      const laidOut = new ResizeObserver(() => {
        moved = Math.max(moved, Math.abs(first.getBoundingClientRect().top - top))
        if (shown() < count) return
        laidOut.disconnect()
        resolve(moved)
      })
      laidOut.observe(column)
    })
  }, 240)
  older.resolve()
  expect(await watched).toBeLessThanOrEqual(1)
  expect(await page.locator(by('older')).count()).toBe(0)
  // What browsers look at in each frame: ten messages as one.
  const remembered = await page.evaluate(
    () =>
      Array.from(document.querySelectorAll('.column *')).filter((element) =>
        getComputedStyle(element).getPropertyValue('contain-intrinsic-block-size').startsWith('auto'),
      ).length,
  )
  expect(remembered).toBeLessThanOrEqual(24)
  // All of it is there to be found, and who has found something stays with it.
  await page.keyboard.press('End')
  expect(
    await page.evaluate(() => {
      const { find } = window as unknown as { find: (...how: unknown[]) => boolean }
      const isFound = find('Answer 7:', true, false, true)
      // Chromium's window does so by itself; without one nobody does.
      getSelection()!.anchorNode!.parentElement!.scrollIntoView({ block: 'center' })
      return isFound
    }),
  ).toBe(true)
  await reads(() => page.locator(`[data-message-id="${answerId(7)}"] p`).evaluate(isInView), true)
  await page.locator(by('to-end')).waitFor()
})

test('an address leads to a message, however far up', async () => {
  const page = await context.newPage()
  onTestFinished(() => page.close())
  for (const id of [questionId(40), answerId(80), questionId(5)]) {
    await page.goto(`${server.url}/#${longChatId}/${id}`)
    const named = page.locator(`[data-message-id="${id}"]`)
    await named.waitFor()
    await fromEndAtRest(page)
    await reads(
      () =>
        named.evaluate((element) =>
          Math.round(
            element.getBoundingClientRect().top - document.querySelector('.scroll')!.getBoundingClientRect().top,
          ),
        ),
      16,
    )
  }
})

test('keys of the conversation work from the field, which keeps its own', async () => {
  const page = await context.newPage()
  onTestFinished(() => page.close())
  server.next(['line\n\n'.repeat(200)])
  await page.goto(`${server.url}/#${await chatWith('First?')}`)
  await page.locator(`${answer} .md p`).last().waitFor()
  await page.fill(by('composer'), 'some words')
  const above = () => page.locator('.scroll').evaluate((view) => view.scrollTop)
  const below = () => page.locator('.scroll').evaluate((view) => view.scrollHeight - view.clientHeight - view.scrollTop)
  await page.keyboard.press('Home')
  expect(await below()).toBeLessThanOrEqual(2)
  await page.keyboard.type('Before ')
  expect(await page.inputValue(by('composer'))).toBe('Before some words')
  await page.keyboard.press('PageUp')
  expect(await below()).toBeGreaterThan(200)
  await page.keyboard.press('PageDown')
  await page.locator(by('to-end')).waitFor({ state: 'detached' })
  await page.fill(by('composer'), '')
  await page.keyboard.press('Home')
  expect(await above()).toBe(0)
  await page.keyboard.press('End')
  await page.locator(by('to-end')).waitFor({ state: 'detached' })
  await page.locator('.skip').focus()
  await page.keyboard.press('Enter')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('composer')
  expect(page.url()).toContain('#chat_')
})

test('nothing jumps while an answer is asked for and streams, and one place says how it goes', async () => {
  const page = await context.newPage()
  onTestFinished(() => page.close())
  await page.goto(`${server.url}/#${await chatWith('First?')}`)
  await page.locator(`${answer}[data-status=completed]`).waitFor()
  await page.evaluate(() => {
    const seen = Object.assign(globalThis, { shifts: [] as unknown[], said: [] as string[], feet: [] as number[] })
    new PerformanceObserver((list) => {
      for (const entry of list.getEntries() as (PerformanceEntry & { value: number; sources: { node: Element }[] })[])
        seen.shifts.push(
          entry.value,
          entry.sources.map(({ node }) => node?.className),
        )
    }).observe({ type: 'layout-shift' })
    const foot = document.querySelector('.foot')!
    new ResizeObserver(() => seen.feet.push(foot.getBoundingClientRect().height)).observe(foot)
    const status = document.querySelector('[role=status]')!
    new MutationObserver(() => seen.said.push(status.textContent.trim())).observe(status, {
      subtree: true,
      childList: true,
      characterData: true,
    })
  })
  const written = server.byHand()
  await page.mouse.move(0, 0)
  await ask(page, 'And then?')
  await page.locator(`${answer}[data-status=streaming]`).waitFor()
  for (const text of [
    '# Tides\n\n',
    'The moon. '.repeat(30),
    '\n\n| a | b |\n|--|--|\n| 1 | 2 |\n\n',
    '```ts\nlet a\n```\n\n',
    '- one\n- two\n'.repeat(20),
  ])
    for (let at = 0; at < text.length; at += 8) {
      written.say(text.slice(at, at + 8))
      await page.evaluate(() => new Promise((resolve) => void requestAnimationFrame(resolve)))
    }
  written.end()
  await page.locator(`${answer}[data-status=completed]`).nth(1).waitFor()
  expect(await page.locator('[role=status]').count()).toBe(1)
  const { shifts, said, feet } = await page.evaluate(() => {
    const { shifts, said, feet } = globalThis as unknown as { shifts: unknown[]; said: string[]; feet: number[] }
    return { shifts, said, feet }
  })
  expect(new Set(feet).size, `the composer was as high as ${feet.join(', ')}`).toBe(1)
  expect(said).toEqual(['An answer is being written.', 'The answer is complete.'])
  const total = shifts.reduce<number>((sum, value) => sum + (typeof value === 'number' ? value : 0), 0)
  expect([total <= 0.02, shifts]).toEqual([true, expect.anything()])
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
