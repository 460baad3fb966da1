/** Saying something, in a real browser: drafts, files, what waits, models and tools, and a line that goes away. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import type { Provider } from '../../server/provider/events.ts'
import { defineTool } from '../../server/extension/tool.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { answer, by, openContext, openTab, playing, question, reads, shows, textEvents } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let server: StartedRunnel
const problems: string[] = []
/** What the models were asked. */
const asked: { model: string; tools: string[] }[] = []

const plays = playing((words) => textEvents(`Answer to ${words}`))
const provider: Provider = (request, signal) => {
  asked.push({ model: request.model, tools: (request.tools ?? []).map(({ name }) => String(name)) })
  return plays(request, signal)
}
const tool = (name: string) =>
  defineTool({ name, description: `Does ${name}.`, parameters: z.object({}), execute: () => 'done' })

beforeAll(async () => {
  server = await startRunnel({
    providers: { house: { provider, models: ['small', { id: 'large', name: 'The large one' }, 'third'] } },
    tools: [tool('look_up'), tool('draw')],
    RUNNEL_MAX_FILE_BYTES: 100_000,
  })
  browser = await launchChromium()
  context = await openContext(browser, problems)
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

const field = by('composer')
const newChat = async (): Promise<string> => (await server.call('POST', '/api/chats', { title: 'Tides' })).body.id
const countOfChats = async (): Promise<number> => (await server.call('GET', '/api/chats')).body.items.length
const questions = (page: Page, ...texts: string[]) => shows(page, `${question} .bubble`, texts)
const waiting = (page: Page, ...texts: string[]) => shows(page, `${by('waiting')} .waiting-text`, texts)
const text = (page: Page) => page.inputValue(field)

async function say(page: Page, words: string): Promise<void> {
  await page.fill(field, words)
  await page.press(field, 'Enter')
}

/** The address of the chat that a new one has become. */
async function chatOf(page: Page): Promise<string> {
  await reads(async () => new URL(page.url()).hash.startsWith('#chat_'), true)
  return new URL(page.url()).hash.slice(1)
}

async function open(chatId: string): Promise<Page> {
  const page = await openTab(context, server, chatId)
  await page.waitForSelector(field)
  return page
}

async function openNew(): Promise<Page> {
  const page = await context.newPage()
  await page.goto(server.url)
  await page.waitForSelector(field)
  return page
}

test('a new chat is made with its first message and called by its first line, once however often Enter is pressed', async () => {
  const before = await countOfChats()
  const page = await openNew()
  await page.fill(field, 'Why are there tides?\nIn short.')
  expect(await countOfChats()).toBe(before)
  await page.locator(field).evaluate((element) => {
    for (let press = 0; press < 3; press++)
      element.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))
  })
  await questions(page, 'Why are there tides?\nIn short.')
  await page.waitForSelector(`${answer}[data-status=completed]`)
  expect(await countOfChats()).toBe(before + 1)
  expect(await text(page)).toBe('')
  expect((await server.call('GET', `/api/chats/${await chatOf(page)}`)).body.title).toBe('Why are there tides?')
  await page.close()
})

test('what is written while a new chat is made goes along, and the field is never away', async () => {
  const page = await openNew()
  const written = Promise.withResolvers<void>()
  await page.route('**/messages', async (route) => {
    await written.promise
    await route.continue()
  })
  await page.evaluate(() => {
    const seen = Object.assign(globalThis, { fields: [] as number[] })
    const count = () => seen.fields.push(document.querySelectorAll('#composer').length)
    new MutationObserver(count).observe(document.body, { subtree: true, childList: true })
  })
  await say(page, 'How deep?')
  await reads(() => text(page), '')
  await page.keyboard.type('And how')
  written.resolve()
  const chatId = await chatOf(page)
  await page.waitForSelector(`${answer}[data-status=completed]`)
  await page.keyboard.type(' wide?')
  await reads(() => text(page), 'And how wide?')
  expect(await page.evaluate(() => (globalThis as unknown as { fields: number[] }).fields)).not.toContain(0)
  await page.keyboard.press('Enter')
  await questions(page, 'How deep?', 'And how wide?')
  expect(new URL(page.url()).hash).toBe(`#${chatId}`)
  await page.close()
})

test('Enter of an input method, and with Shift, sends nothing; the field grows up to a third of the window', async () => {
  const page = await open(await newChat())
  await page.fill(field, 'にほん')
  await page.locator(field).dispatchEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true })
  await page.press(field, 'Shift+Enter')
  await page.locator(field).pressSequentially('two')
  expect(await text(page)).toBe('にほん\ntwo')
  expect(await page.locator(question).count()).toBe(0)
  const height = () => page.locator(field).evaluate((element) => element.clientHeight)
  const ofTwo = await height()
  await page.fill(field, 'line\n'.repeat(8))
  expect(await height()).toBeGreaterThan(ofTwo * 2)
  await page.fill(field, 'line\n'.repeat(80))
  const { height: window } = page.viewportSize()!
  expect(await height()).toBeLessThanOrEqual(window / 3 + 1)
  await page.fill(field, '')
  await page.close()
})

test('a draft is kept over a reload, in its chat alone, and neither tab takes the words of the other', async () => {
  const [one, other] = [await newChat(), await newChat()]
  const page = await open(one)
  await page.fill(field, 'half a question')
  await page.evaluate((id) => (location.hash = id), other)
  await reads(() => text(page), '')
  await page.evaluate((id) => (location.hash = id), one)
  await reads(() => text(page), 'half a question')
  await page.reload()
  await reads(() => text(page), 'half a question')
  // Fifty are kept, the newest ones, and none for more than a month.
  const names = () => page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith('runnel-draft/')))
  await page.evaluate(() => {
    const put = (name: string, days: number) =>
      localStorage.setItem(
        `runnel-draft/local/${name}/t`,
        JSON.stringify({ text: name, at: Date.now() - days * 86_400_000 }),
      )
    put('old', 31)
    for (let i = 0; i < 60; i++) put(`recent${i}`, 29)
  })
  await page.reload()
  await reads(() => text(page), 'half a question')
  expect(await names()).toHaveLength(50)
  expect((await names()).filter((name) => name.includes('/old/'))).toEqual([])
  await page.evaluate(() => {
    for (const name of Object.keys(localStorage)) if (name.includes('/recent')) localStorage.removeItem(name)
  })
  // A second tab takes it up, and from its first key on it has its own.
  const second = await open(one)
  await reads(() => text(second), 'half a question')
  await second.fill(field, 'another one')
  await page.fill(field, 'half a question, and more')
  await Promise.all([page.reload(), second.reload()])
  await reads(() => text(page), 'half a question, and more')
  await reads(() => text(second), 'another one')
  // What is sent is gone, over a reload, too, and for who only took it up.
  const third = await open(one)
  await reads(() => text(third), 'half a question, and more')
  await page.press(field, 'Enter')
  await questions(page, 'half a question, and more')
  await reads(() => text(third), '')
  expect(await text(second)).toBe('another one')
  await second.press(field, 'Enter')
  await questions(second, 'half a question, and more', 'another one')
  for (const tab of [page, second, third]) {
    await tab.reload()
    await tab.waitForSelector(field)
    await reads(() => text(tab), '')
    await tab.close()
  }
})

test('the oldest drafts make room for a new one', async () => {
  const page = await open(await newChat())
  await page.evaluate(() => {
    localStorage.clear()
    // Of the last minute: what is older than a month goes in any case.
    for (let i = 0; i < 60; i++)
      localStorage.setItem(
        `runnel-draft/someone/chat_${i}/tab`,
        JSON.stringify({ text: `words ${i}`, at: Date.now() - 60_000 + i }),
      )
  })
  await page.fill(field, 'And these')
  const kept = () => page.evaluate(() => Object.keys(localStorage).filter((name) => name.startsWith('runnel-draft/')))
  await reads(async () => (await kept()).length, 50)
  expect((await kept()).some((name) => name.includes('/chat_10/'))).toBe(false)
  expect((await kept()).some((name) => name.includes('/chat_11/'))).toBe(true)
  await page.fill(field, '')
  await page.evaluate(() => localStorage.clear())
  await page.close()
})

test('files come by the button, a paste and a drop; one that is too large says so, and is not in the way', async () => {
  const page = await open(await newChat())
  const chips = `${by('attachment')}[data-status=ready] .attachment-name`
  const uploads: string[] = []
  page.on('request', (request) => {
    if (request.method() === 'POST' && request.url().endsWith('/api/files')) uploads.push(request.resourceType())
  })
  await page.setInputFiles(by('file-input'), [
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('words') },
    { name: 'film.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(150_000) },
  ])
  for (const [event, name] of [
    ['paste', 'pasted.png'],
    ['drop', 'dropped.txt'],
  ] as const)
    await page.locator(field).evaluate(
      (element, { event, name }) => {
        const files = new DataTransfer()
        files.items.add(new File(['bytes'], name))
        const init = { bubbles: true, cancelable: true }
        element.dispatchEvent(
          event === 'paste'
            ? new ClipboardEvent('paste', { ...init, clipboardData: files })
            : new DragEvent('drop', { ...init, dataTransfer: files }),
        )
      },
      { event, name },
    )
  await shows(page, chips, ['notes.txt', 'pasted.png', 'dropped.txt'])
  const refused = `${by('attachment')}[data-status=failed]`
  await shows(page, `${refused} .attachment-fault`, [
    'Not attached: it is 0.2 MB large, and the limit is 0.1 MB. Attach a smaller file.',
  ])
  await page.click(`${refused} button`)
  await page.getByRole('button', { name: 'Remove pasted.png' }).click()
  await say(page, 'Read these')
  await questions(page, 'Read these')
  await shows(page, `${question} ${by('file')} .file-name`, ['notes.txt', 'dropped.txt'])
  expect(await page.locator(by('attachment')).count()).toBe(0)
  // The browser tells the progress of these alone.
  expect(new Set(uploads)).toEqual(new Set(['xhr']))
  // Read and saved by keyboard.
  const preview = page.locator(`${question} ${by('preview')}`).first()
  await preview.focus()
  await page.keyboard.press('Enter')
  await shows(page, `${question} .long-text`, ['words'])
  await page.keyboard.press('Tab')
  const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')])
  expect(download.suggestedFilename()).toBe('notes.txt')
  await page.close()
})

test('files of a new chat go with its first message; what is refused brings back words and files, and makes no second chat', async () => {
  const before = await countOfChats()
  const page = await openNew()
  await page.setInputFiles(by('file-input'), [
    { name: 'notes.txt', mimeType: 'text/plain', buffer: Buffer.from('words') },
    { name: 'film.bin', mimeType: 'application/octet-stream', buffer: Buffer.alloc(150_000) },
  ])
  await page.fill(field, 'What is in them?')
  expect(await countOfChats()).toBe(before)
  await page.press(field, 'Enter')
  await page.waitForSelector(`${by('attachment')}[data-status=failed]`)
  await reads(() => text(page), 'What is in them?')
  await page.getByRole('button', { name: 'Remove film.bin' }).click()
  await page.press(field, 'Enter')
  await questions(page, 'What is in them?')
  await page.locator(`${question} ${by('file')}`, { hasText: 'notes.txt' }).waitFor()
  expect(await page.locator(`${question} ${by('file')}`).count()).toBe(1)
  expect(await countOfChats()).toBe(before + 1)
  await page.close()
})

test('what waits is moved, changed whole, removed, put back and sent now; the keyboard stays where it is', async () => {
  const page = await open(await newChat())
  await say(page, 'wait')
  await page.waitForSelector(by('stop'))
  const long = `long ${'word '.repeat(400)}end`
  await page.setInputFiles(by('file-input'), { name: 'a.txt', mimeType: 'text/plain', buffer: Buffer.from('words') })
  await page.waitForSelector(`${by('attachment')}[data-status=ready]`)
  for (const words of ['first', long, 'third']) await say(page, words)
  await reads(() => page.locator(by('waiting')).count(), 3)
  await reads(async () => (await page.locator('.waiting-text').first().textContent()) === 'first', true)
  const item = (index: number, testId: string) => page.locator(by('waiting')).nth(index).locator(by(testId))
  await item(2, 'move-up').focus()
  await page.keyboard.press('Enter')
  await reads(() => page.locator('.waiting-text').nth(1).textContent(), 'third')
  expect(await page.evaluate(() => document.activeElement?.getAttribute('data-testid'))).toBe('move-up')
  await page.keyboard.press('Enter')
  await reads(() => page.locator('.waiting-text').nth(0).textContent(), 'third')
  // The whole of it is changed, not the beginning that is listed.
  await item(2, 'edit-waiting').click()
  await reads(() => page.inputValue(by('waiting-text')), long)
  await page.fill(by('waiting-text'), 'second')
  await page.press(by('waiting-text'), 'Enter')
  await waiting(page, 'third', 'first', 'second')
  await item(1, 'remove-waiting').click()
  await waiting(page, 'third', 'second')
  await page.getByRole('button', { name: 'Undo' }).click()
  await waiting(page, 'third', 'first', 'second')
  expect(await page.locator('.waiting-files').allTextContents()).toEqual([expect.stringContaining('1')])
  // What cannot be put back where it was has its words in the field.
  await item(0, 'remove-waiting').click()
  await waiting(page, 'first', 'second')
  await page.route('**/messages', (route) =>
    route.fulfill({ status: 403, json: { error: { code: 'forbidden', message: 'No.' } } }),
  )
  await page.getByRole('button', { name: 'Undo' }).click()
  await reads(() => text(page), 'third')
  await page.unroute('**/messages')
  await page.press(field, 'Enter')
  await waiting(page, 'first', 'second', 'third')
  await item(1, 'send-now').click()
  await reads(async () => (await page.locator(`${question} .bubble`).allTextContents())[1], 'second')
  await questions(page, 'wait', 'second', 'first', 'third')
  await shows(page, `${question} ${by('file')} .file-name`, ['a.txt'])
  await page.close()
})

test('Stop stands in the place of Send while the field is empty; what was refused brings its words back', async () => {
  const chatId = await newChat()
  const page = await open(chatId)
  await say(page, 'wait')
  await page.waitForSelector(by('stop'))
  await page.fill(field, 'more')
  await page.waitForSelector(by('send'))
  expect(await page.locator(by('stop')).count()).toBe(0)
  await page.fill(field, '')
  await page.click(by('stop'))
  await page.waitForSelector(`${answer}[data-status=stopped]`)
  await page.waitForSelector(by('send'))
  await page.route('**/messages', (route) =>
    route.request().method() === 'POST'
      ? route.fulfill({ status: 429, json: { error: { code: 'rate_limited', message: 'Too fast.' } } })
      : route.continue(),
  )
  await say(page, 'once more')
  await page.waitForSelector('.composer .fault')
  expect(await text(page)).toBe('once more')
  await page.unroute('**/messages')
  await page.press(field, 'Enter')
  await questions(page, 'wait', 'once more')
  expect(await page.locator('.composer .fault').count()).toBe(0)
  await page.close()
})

test('an arrow in the empty field changes the last question', async () => {
  const page = await open(await newChat())
  await say(page, 'How deep?')
  await page.waitForSelector(`${answer}[data-status=completed]`)
  // Not what an input method makes of the key, nor what means something else.
  const goThrough = await page.locator(field).evaluate((element) => {
    const press = (init: KeyboardEventInit) =>
      element.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowUp', bubbles: true, cancelable: true, ...init }))
    return [{ isComposing: true }, { keyCode: 229 }, { shiftKey: true }].map(press)
  })
  expect(goThrough).toEqual([true, true, true])
  await page.fill(field, 'a')
  await page.press(field, 'ArrowUp')
  await page.fill(field, '')
  expect(await page.locator(by('edit-text')).count()).toBe(0)
  await page.press(field, 'ArrowUp')
  await reads(() => page.inputValue(by('edit-text')), 'How deep?')
  await page.press(by('edit-text'), 'Escape')
  await reads(() => page.evaluate(() => document.activeElement?.id), 'composer')
  await page.close()
})

test('a model and tools are chosen for a chat and remembered there', async () => {
  const page = await open(await newChat())
  await page.click(by('model'))
  await page.locator(by('models')).getByText('The large one').click()
  await page.click(by('tools'))
  await page.getByRole('checkbox', { name: /draw/ }).uncheck()
  await page.keyboard.press('Escape')
  await reads(() => page.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'tools')
  await page.reload()
  await shows(page, `${by('model')} bdi`, ['The large one'])
  await say(page, 'with these')
  await page.waitForSelector(`${answer}[data-status=completed]`)
  expect(asked.at(-1)).toEqual({ model: 'large', tools: ['look_up'] })
  await page.close()
})

test('several models are asked side by side', async () => {
  const page = await open(await newChat())
  await page.click(by('model'))
  await page.check(by('several-models'))
  for (const name of ['small', 'third', 'The large one']) {
    const row = page.locator(by('models')).getByRole('checkbox', { name })
    if ((await row.getAttribute('aria-checked')) !== 'true') await row.click()
  }
  await page.keyboard.press('Escape')
  const before = asked.length
  await say(page, 'all of you')
  await reads(() => page.locator(by('column')).count(), 3)
  await reads(async () => asked.length - before, 3)
  expect(new Set(asked.slice(before).map(({ model }) => model))).toEqual(new Set(['small', 'large', 'third']))
  await page.close()
})

test('instructions and parameters of a chat are read, checked and kept', async () => {
  const chatId = await newChat()
  const page = await open(chatId)
  await page.click(by('chat-settings'))
  await page.getByLabel('Instructions').fill('Be brief.')
  await page.getByLabel('Temperature').fill('7')
  await page.click(by('save-settings'))
  await page.waitForSelector('.settings .fault >> text=from 0 to 2')
  expect(await page.evaluate(() => document.activeElement?.id)).toBe('settings-temperature')
  await page.getByLabel('Temperature').fill('0.5')
  await page.getByText('Other parameters').click()
  await page.getByLabel('As JSON').fill('{"seed": 7')
  await page.click(by('save-settings'))
  await page.waitForSelector('.settings .fault >> text=not a JSON object')
  await page.getByLabel('As JSON').fill('{"seed": 7}')
  await page.click(by('save-settings'))
  await page.waitForSelector(by('settings-form'), { state: 'detached' })
  expect((await server.call('GET', `/api/chats/${chatId}`)).body).toMatchObject({
    system: 'Be brief.',
    params: { temperature: 0.5, seed: 7 },
  })
  await page.close()
})

test('without a line two questions wait, over a reload, too, and are asked once and in order when it is back', async () => {
  const page = await open(await newChat())
  await say(page, 'before')
  await page.waitForSelector(`${answer}[data-status=completed]`)
  const outgoing = `${by('outgoing')}[data-waiting=true] .waiting-text`
  await page.route('**/api/**', (route) => route.abort())
  await say(page, 'one')
  await say(page, 'two')
  await shows(page, outgoing, ['one', 'two'])
  expect(await text(page)).toBe('')
  // One is taken back, changed, and goes behind the other.
  await page.locator(by('edit-outgoing')).first().click()
  await reads(() => text(page), 'one')
  await say(page, 'three')
  await shows(page, outgoing, ['two', 'three'])
  await page.reload()
  await shows(page, outgoing, ['two', 'three'])
  await page.unroute('**/api/**')
  await questions(page, 'before', 'two', 'three')
  await reads(() => page.locator(by('outgoing')).count(), 0)
  await page.close()
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
