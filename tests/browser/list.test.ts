/** The list of chats, and what of a chat is told outside the page. */
import { once } from 'node:events'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import express from 'express'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import {
  answer as fakeAnswer,
  startFakeOpenAI,
  startRunnel,
  type FakeOpenAI,
  type StartedRunnel,
} from '../../testing/index.ts'
import { servePage } from '../../server/http/page.ts'
import { temporaryFolder } from '../store/fixtures.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { pay } from '../helpers/pay-tool.ts'
import { answer, by, openContext, openTab, reads } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let fake: FakeOpenAI
let server: StartedRunnel
const problems: string[] = []

// Each has two or three tabs, and a busy machine is slow to draw them.
vi.setConfig({ testTimeout: 60_000 })

beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url, RUNNEL_MODEL: 'm', tools: [pay] })
  browser = await launchChromium()
  context = await openContext(browser, problems)
  context.setDefaultTimeout(20_000)
})

afterAll(async () => {
  await browser.close()
  await server.close()
  await fake.close()
})

/** All chats, the last active first. */
async function listed(): Promise<{ id: string; pinned: boolean }[]> {
  const all = []
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: string = cursor && `&cursor=${cursor}`
    const { body } = await server.call('GET', `/api/chats?limit=200${page}`)
    all.push(...body.items)
    cursor = body.nextCursor as string | null
  }
  return all
}
const make = async (title: string) => (await server.call('POST', '/api/chats', { title })).body.id as string
const row = (page: Page, id: string) => page.locator(`${by('chats')} [data-chat-id=${id}]`)
const titles = (page: Page) => page.locator(`${by('chats')} .chat-title`).allTextContents()
const mark = async (page: Page, id: string) =>
  (
    await row(page, id)
      .locator(by('mark'))
      .evaluateAll((marks) => marks.map((mark) => mark.getAttribute('data-mark')))
  )[0] ?? null

async function stop(server: Server): Promise<void> {
  server.close()
  server.closeAllConnections()
  await once(server, 'close')
}

async function choose(page: Page, id: string, label: string): Promise<void> {
  await row(page, id).hover()
  await row(page, id).locator(by('chat-menu')).click()
  await page.getByRole('menuitem', { name: label }).click()
}

test('a new chat makes nothing before its first message; an example fills the field, which has the focus', async () => {
  const before = (await server.call('GET', '/api/chats')).body.items.length
  const page = await openTab(context, server, '')
  await page.click(by('new-chat'))
  await page.click(by('new-chat'))
  await page.locator(by('example')).first().click()
  const text = await page.locator(by('example')).first().textContent()
  expect(await page.inputValue(by('composer'))).toBe(text)
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('composer')
  expect((await server.call('GET', '/api/chats')).body.items).toHaveLength(before)
  fake.enqueue(fakeAnswer({ text: 'Gladly.' }))
  await page.keyboard.press('Enter')
  await page.waitForSelector(`${answer}[data-status=completed]`)
  expect((await server.call('GET', '/api/chats')).body.items).toHaveLength(before + 1)
  await page.close()
})

test('a search shows the place and leads to it; keys walk through what was found', async () => {
  const id = await make('Harbour')
  fake.enqueue(fakeAnswer({ text: 'Neptune has fourteen moons, and all of them pull.' }))
  const asked = (await server.call('POST', `/api/chats/${id}/messages`, { content: 'Who pulls?', stream: false })).body
  const page = await openTab(context, server, '')
  await page.keyboard.press('Control+k')
  await page.keyboard.type('neptune')
  const place = page.locator(by('place'))
  await reads(() => place.locator('mark').allTextContents(), ['Neptune'])
  expect(await place.textContent()).toContain('has fourteen moons')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await reads(async () => new URL(page.url()).hash, `#${id}/${asked.id}`)
  await page.waitForSelector(answer)
  await page.fill(by('search'), 'nothing of that kind')
  await page.getByText('No chat has “nothing of that kind”').waitFor()
  await page.press(by('search'), 'Escape')
  await reads(async () => (await titles(page)).includes('Harbour'), true)
  await page.close()
})

test('what is renamed and pinned is so in every tab', async () => {
  const [first, second] = [await make('First of two'), await make('Second of two')]
  // The tab behind draws seldom: the one that is used comes last.
  const [other, page] = [await openTab(context, server, ''), await openTab(context, server, second)]
  await row(page, first).locator('.chat').focus()
  await page.keyboard.press('F2')
  await page.keyboard.type('A better name')
  await page.keyboard.press('Enter')
  for (const tab of [page, other])
    await reads(() => row(tab, first).locator('.chat-title').textContent(), 'A better name')
  await choose(page, first, 'Rename')
  await reads(() => page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? null), 'rename')
  await page.keyboard.type('Not this')
  await page.keyboard.press('Escape')
  expect(await row(page, first).locator('.chat-title').textContent()).toBe('A better name')

  await choose(page, first, 'Pin')
  for (const tab of [page, other]) await reads(async () => (await titles(tab))[0], 'A better name')
  expect(await page.locator('.group').first().textContent()).toBe('Pinned')
  await choose(page, first, 'Unpin')
  await reads(async () => (await page.locator('.group').first().textContent()) === 'Pinned', false)

  await page.close()
  await other.close()
})

test('what is deleted can be taken back for a moment', async () => {
  const [first, second] = [await make('First to go'), await make('Second to go')]
  // The tab behind draws seldom: the one that is used comes last.
  const [other, page] = [await openTab(context, server, ''), await openTab(context, server, second)]
  // Of the open chat: what is shown is a new one, and it is back when it is taken back.
  await choose(page, second, 'Delete')
  await page.getByText('“Second to go” was deleted.').first().waitFor()
  await reads(async () => [await row(page, second).count(), new URL(page.url()).hash], [0, ''])
  await page.getByRole('button', { name: 'Undo' }).click()
  await reads(async () => [await row(page, second).count(), new URL(page.url()).hash], [1, `#${second}`])
  expect((await server.call('GET', `/api/chats/${second}`)).status).toBe(200)
  await choose(page, second, 'Delete')
  await choose(page, first, 'Delete')
  // Another deed ends the moment of the one before.
  await reads(() => row(other, second).count(), 0)
  expect((await server.call('GET', `/api/chats/${second}`)).status).toBe(404)
  await page.close()
  await reads(() => row(other, first).count(), 0)
  await other.close()
})

test('what runs, waits for this user or is unread is marked, in the list and in the title', async () => {
  const [quiet, busy] = [await make('Quiet chat'), await make('Busy chat')]
  const page = await openTab(context, server, quiet)
  await reads(() => page.title(), 'Quiet chat · Runnel')
  const stream = fake.manual()
  await server.ask('Write!', { chatId: busy })
  await stream.request
  stream.send('One ')
  await reads(() => mark(page, busy), 'runs')
  expect(await row(page, busy).locator('.chat').textContent()).toContain('An answer is being written')
  stream.end()
  await reads(() => mark(page, busy), 'unread')
  fake.enqueue(fakeAnswer({ toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }), fakeAnswer({ text: 'Paid.' }))
  const paying = await server.ask('Pay!', { chatId: busy })
  await reads(() => mark(page, busy), 'waits')
  await row(page, busy).locator('.chat').click()
  await reads(() => page.title(), '(!) Busy chat · Runnel')
  await server.call('POST', `/api/messages/${paying.messageId}/tool-calls/c1`, { decision: 'approve' })
  await reads(() => mark(page, busy), null)
  await reads(() => page.title(), 'Busy chat · Runnel')
  await reads(async () => {
    const { items } = (await server.call('GET', '/api/chats')).body
    return items.find((chat: { id: string }) => chat.id === busy).unread
  }, false)
  const next = fake.manual()
  await server.ask('More!', { chatId: busy })
  await next.request
  next.send('Yes')
  await reads(() => page.title(), '● Busy chat · Runnel')
  next.end()
  await reads(() => page.title(), 'Busy chat · Runnel')
  await page.close()
})

test('a list of 230 chats grows as it is scrolled and does not fall back; a chat opened by link has its title', async () => {
  const people = await openContext(browser, problems)
  const ids: string[] = []
  for (let i = 0; i < 230; i++) ids.push(await make(`Number ${i}`))
  // It stands on the fourth page.
  await server.call('PATCH', `/api/chats/${ids[40]!}`, { pinned: true })
  const page = await openTab(people, server, ids[0]!)
  const pinned = page.locator(`${by('chats')} section:has(h2:text("Pinned")) .chat-title`)
  await reads(() => pinned.allTextContents(), ['Number 40'])
  expect(await row(page, ids[41]!).count()).toBe(0)
  // Not read yet, and yet it is there.
  await reads(() => page.locator(`${by('chats')} [aria-current=page]`).textContent(), 'Number 0')
  // By the keyboard: the next page is there before the last row is. Behind these are those of other tests.
  const unpinned = (await listed()).filter(({ pinned }) => !pinned).map(({ id }) => id)
  const focused = () => page.evaluate(() => document.activeElement?.closest<HTMLElement>('.row')?.dataset['chatId'])
  await page
    .locator(`${by('chats')} .chat`)
    .last()
    .focus()
  await reads(
    async () => {
      await page.keyboard.press('End')
      return await focused()
    },
    unpinned.at(-1),
    30_000,
  )
  for (const [key, at] of [
    ['ArrowUp', 1],
    ['ArrowUp', 2],
    ['ArrowDown', 1],
  ] as const) {
    await page.keyboard.press(key)
    await reads(focused, unpinned.at(-1 - at))
  }
  await server.call('PATCH', `/api/chats/${ids[40]!}`, { pinned: false })
  await reads(() => pinned.count(), 0)
  const count = (await titles(page)).length
  expect(count).toBeGreaterThan(229)
  expect(new Set(await titles(page)).size).toBe(new Set((await titles(page)).filter((title) => title)).size)
  await make('One more')
  await reads(async () => [(await titles(page)).length, (await titles(page)).includes('One more')], [count + 1, true])
  await page
    .locator(`${by('chats')} .chat`)
    .last()
    .focus()
  await page.keyboard.press('Home')
  expect(await page.evaluate(() => document.activeElement?.querySelector('.chat-title')?.textContent)).toBe(
    (await titles(page))[0],
  )
  await people.close()
})

test('on a phone the list is a drawer; beside a chat it folds away, and stays so', async () => {
  const id = await make('On a phone')
  const phone = await browser.newContext({ viewport: { width: 360, height: 700 }, hasTouch: true })
  const page = await openTab(phone, server, id)
  expect(await page.locator('.side').count()).toBe(0)
  await page.click('.open-list')
  await page.waitForSelector(by('chats'))
  const isInside = () => page.evaluate(() => document.activeElement?.closest('.side') !== null)
  for (let i = 0; i < 12; i++) {
    expect((await isInside()) || (await page.evaluate(() => document.activeElement === document.body))).toBe(true)
    await page.keyboard.press('Tab')
  }
  await page.focus(by('search'))
  await page.keyboard.press('Escape')
  await reads(() => page.locator('.side').count(), 0)
  await reads(() => page.evaluate(() => document.activeElement?.className.includes('open-list')), true)
  await page.click('.open-list')
  await page.locator(by('scrim')).click({ position: { x: 350, y: 300 } })
  await reads(() => page.locator('.side').count(), 0)
  await page.click('.open-list')
  await row(page, id).locator('.chat').click()
  await reads(() => page.locator('.side').count(), 0)
  await page.setViewportSize({ width: 768, height: 800 })
  await page.waitForSelector(by('chats'))
  await page.click(by('hide-list'))
  await reads(() => page.locator('.side').count(), 0)
  await page.reload()
  await page.waitForSelector('.open-list')
  expect(await page.locator('.side').count()).toBe(0)
  await page.click('.open-list')
  await page.waitForSelector(by('chats'))
  await phone.close()
})

test('settings: colours and language at once and for good; `?` shows the keys', async () => {
  const own = await browser.newContext({ locale: 'en-GB', colorScheme: 'light' })
  const page = await openTab(own, server, '')
  const ground = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
  const light = await ground()
  await page.click(by('open-settings'))
  await page.getByText('Dark', { exact: true }).click()
  await reads(async () => (await ground()) === light, false)
  const dark = await ground()
  await page.getByText('Deutsch').click()
  await reads(() => page.locator(by('new-chat')).textContent(), 'Neuer Chat')
  await page.keyboard.press('Escape')
  await page.reload()
  await reads(async () => [await ground(), await page.locator(by('new-chat')).textContent()], [dark, 'Neuer Chat'])
  await page.locator(by('new-chat')).focus()
  await page.keyboard.press('?')
  await reads(
    () =>
      page
        .locator(`${by('keys')} h2`)
        .first()
        .textContent(),
    'Überall',
  )
  await own.close()
})

test('a notice is asked for at the first long answer, comes once for all tabs while none is seen, and leads to its chat', async () => {
  const id = await make('Told by a notice')
  const own = await openContext(browser, problems)
  // Headless tabs are always seen, and show no notices: both are said by the page here.
  await own.addInitScript(() => {
    let state = 'visible'
    Object.defineProperty(Document.prototype, 'visibilityState', { get: () => state })
    // What the browser has been told, in all tabs.
    Object.defineProperty(Notification, 'permission', {
      get: () => localStorage.getItem('test-permission') ?? 'default',
    })
    Notification.requestPermission = async () => {
      localStorage.setItem('test-permission', 'granted')
      return 'granted'
    }
    Object.assign(globalThis, {
      told: [],
      look: (next: string) => {
        state = next
        document.dispatchEvent(new Event('visibilitychange'))
      },
    })
    // Not there before the page is.
    if ('ServiceWorkerRegistration' in globalThis)
      ServiceWorkerRegistration.prototype.showNotification = async (title, options) => {
        ;(globalThis as unknown as { told: string[] }).told.push(`${title}: ${options?.body}`)
      }
  })
  const tabs = [await openTab(own, server, id), await openTab(own, server, '')]
  for (const tab of tabs)
    await reads(
      () => tab.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state ?? null),
      'activated',
    )
  const look = (tab: Page, state: string) => tab.evaluate((next) => (globalThis as any).look(next), state)
  const told = async () =>
    (await Promise.all(tabs.map((tab) => tab.evaluate(() => (globalThis as any).told as string[])))).flat().toSorted()
  const listed = tabs.map(() => 0)
  for (const [at, tab] of tabs.entries())
    tab.on('request', (request) => {
      if (request.url().includes('/api/tasks')) listed[at]! += 1
    })
  const run = async (text: string) => {
    const stream = fake.manual()
    const before = [...listed]
    await server.ask('Write!', { chatId: id })
    await stream.request
    stream.send(text)
    await tabs[0]!.getByText(text).waitFor()
    // Each knows of the run.
    await reads(async () => listed.map((count, at) => count > before[at]!), [true, true])
    return stream
  }
  const bar = by('notice-question')
  await tabs[0]!.clock.install()
  const seen = await run('Seen by one tab')
  await tabs[0]!.clock.fastForward(19_000)
  expect(await tabs[0]!.locator(bar).count()).toBe(0)
  await tabs[0]!.clock.fastForward(2_000)
  await tabs[0]!.click(`${bar} button:has-text("Yes, tell me")`)
  await tabs[0]!.waitForSelector(bar, { state: 'detached' })
  await look(tabs[0]!, 'hidden')
  seen.end()
  await tabs[0]!.waitForSelector(`${answer}[data-status=completed]`)
  await reads(() => tabs[0]!.title(), '✓ Told by a notice · Runnel')
  const unseen = await run('Seen by none')
  await look(tabs[1]!, 'hidden')
  unseen.end()
  await reads(told, ['Told by a notice: The answer is ready.'])
  fake.enqueue(fakeAnswer({ toolCalls: [{ id: 'c1', name: 'pay', arguments: '{}' }] }))
  await server.ask('Pay!', { chatId: id })
  await reads(told, [
    'Told by a notice: The answer is ready.',
    'Told by a notice: The answer is waiting for your approval.',
  ])
  await reads(() => tabs[0]!.title(), '(!) Told by a notice · Runnel')
  await look(tabs[0]!, 'visible')
  await reads(() => tabs[0]!.title(), '(!) Told by a notice · Runnel')
  // A press on a notice, as the browser tells the worker of it, brings a tab of this page alone to the chat.
  const foreign = await own.newPage()
  await foreign.goto(`${server.url}/healthz`)
  await tabs[0]!.evaluate(() => (location.hash = ''))
  await look(tabs[0]!, 'hidden')
  const [worker] = own.serviceWorkers()
  await worker!.evaluate((chatId) => {
    const event = Object.assign(new Event('notificationclick'), {
      notification: { data: { chatId }, close: () => {} },
      // Only a person's press lets a worker bring a tab to the front.
      waitUntil: (done: Promise<unknown>) => void done.catch(() => {}),
    })
    globalThis.dispatchEvent(event)
  }, id)
  await reads(async () => tabs.some((tab) => new URL(tab.url()).hash === `#${id}`), true)
  expect(new URL(foreign.url()).pathname).toBe('/healthz')
  await own.close()
})

test('without a line the page opens all the same; behind an update it is never the old one', async () => {
  const folder = join(temporaryFolder(), 'page')
  cpSync(new URL('../../dist/page', import.meta.url), folder, { recursive: true })
  // Below a path, as a proxy may have it.
  const serve = async (port: number) => {
    const listener = express().use('/chat', servePage(folder)).listen(port, '127.0.0.1')
    await once(listener, 'listening')
    return listener
  }
  const old = await serve(0)
  const { port } = old.address() as AddressInfo
  const url = `http://127.0.0.1:${port}/chat/`
  const own = await browser.newContext()
  const page = await own.newPage()
  await page.goto(url)
  const worker = () =>
    page.evaluate(async () => (await navigator.serviceWorker.getRegistration())?.active?.state ?? null)
  await reads(worker, 'activated')
  await stop(old)
  await page.reload()
  await page.waitForSelector(by('composer'))
  await page.waitForSelector(`${by('connection')}:not([data-status=open])`)
  await page.waitForSelector(by('new-chat'))

  // An update: other files, and so another worker.
  for (const [file, from, to] of [
    ['index.html', '<title>Runnel</title>', '<title>Newer</title>'],
    ['worker.js', '[\\"assets', '[\\"favicon.svg\\",\\"assets'],
  ] as const) {
    const text = readFileSync(join(folder, file), 'utf8')
    expect(text).toContain(from)
    writeFileSync(join(folder, file), text.replace(from, to))
  }
  const next = await serve(port)
  const answered = await page.goto(url)
  expect(await answered!.text()).toContain('<title>Newer</title>')
  // Of the old build nothing is kept.
  await reads(
    () => page.evaluate(async () => (await caches.keys()).map((name) => name.includes('favicon.svg'))),
    [true],
  )
  await stop(next)
  const offline = await page.reload()
  expect(await offline!.text()).toContain('<title>Newer</title>')
  await page.waitForSelector(by('composer'))
  await own.close()
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
