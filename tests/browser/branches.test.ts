/** A chat with branches in a real browser: which one a tab shows, and how it changes. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { answer, by, openContext, openTab, playing, question, reads, shows, textEvents } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let server: StartedRunnel
const problems: string[] = []

beforeAll(async () => {
  server = await startRunnel({ provider: playing((asked) => textEvents(`Answer to ${asked}`)) })
  browser = await launchChromium()
  context = await openContext(browser, problems)
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

/** One question asked in three ways, each answered. */
async function threeWays() {
  const { chatId, messageId } = await finished(await server.ask('root'))
  const asked = []
  for (const content of ['one', 'two', 'three'])
    asked.push(await finished(await server.ask(content, { chatId, parentId: messageId })))
  return { chatId, asked }
}

async function finished<Ids extends { messageId: string }>(ids: Ids): Promise<Ids> {
  await expect
    .poll(async () => (await server.call('GET', `/api/messages/${ids.messageId}`)).body.status)
    .toBe('completed')
  return ids
}

const questions = (page: Page, ...texts: string[]) => shows(page, `${question} .bubble`, texts)
const answers = (page: Page, ...texts: string[]) => shows(page, `${answer} .blocks`, texts)
const last = (testId: string) => `${question} >> nth=-1 >> ${by(testId)}`

const focusedLabel = (page: Page) => page.evaluate(() => document.activeElement?.getAttribute('aria-label'))

test('the newest branch shows; another is chosen by keyboard, and only in this tab', async () => {
  const { chatId } = await threeWays()
  const page = await openTab(context, server, chatId)
  const other = await openTab(context, server, chatId)
  await questions(page, 'root', 'three')
  await questions(other, 'root', 'three')
  await shows(page, by('sibling-position'), ['3/3Version 3 of 3'])
  const previous = page.getByRole('button', { name: 'Previous version' })
  await previous.focus()
  await page.keyboard.press('Enter')
  await questions(page, 'root', 'two')
  await answers(page, 'Answer to root', 'Answer to two')
  // The keyboard stays where it was, on the switcher of what is shown now, until its end.
  await page.keyboard.press('Enter')
  await answers(page, 'Answer to root', 'Answer to one')
  expect(await previous.isDisabled()).toBe(true)
  expect(await focusedLabel(page)).toBe('Next version')
  await questions(other, 'root', 'three')
  await page.close()
  await other.close()
})

test('what is asked goes on from the branch on show; what others ask elsewhere moves nothing', async () => {
  const { chatId, asked } = await threeWays()
  const page = await openTab(context, server, chatId)
  await questions(page, 'root', 'three')
  await page.click(last('previous-sibling'))
  await page.fill(by('composer'), 'more')
  await page.press(by('composer'), 'Enter')
  await answers(page, 'Answer to root', 'Answer to two', 'Answer to more')
  const { items } = (await server.call('GET', `/api/chats/${chatId}/messages`)).body
  expect(items.findLast((message: { role: string }) => message.role === 'user').parentId).toBe(asked[1]!.messageId)
  await page.click(`${question} >> nth=1 >> ${by('previous-sibling')}`)
  await answers(page, 'Answer to root', 'Answer to one')
  await finished(await server.ask('elsewhere', { chatId, parentId: asked[2]!.messageId }))
  await finished(await server.ask('below', { chatId, parentId: asked[0]!.messageId }))
  await answers(page, 'Answer to root', 'Answer to one', 'Answer to below')
  await page.close()
})

/** What ⋯ of this message offers; chosen by its words. */
async function choose(page: Page, message: string, words: string) {
  await page.click(`${message} >> ${by('more')}`)
  await page.getByRole('menuitem', { name: words }).click()
}

const isThere = async (messageId: string) => (await server.call('GET', `/api/messages/${messageId}`)).status === 200

test('what is deleted goes at once with all that answers it, comes back by Undo, and is gone for good in a moment', async () => {
  const { chatId, asked } = await threeWays()
  const [, two, three] = asked
  const page = await openTab(context, server, chatId)
  await questions(page, 'root', 'three')
  await choose(page, `${question} >> nth=-1`, 'Delete')
  await questions(page, 'root', 'two')
  await shows(page, by('sibling-position'), ['2/2Version 2 of 2'])
  // The keyboard stays in the conversation.
  expect(await page.evaluate(() => document.activeElement?.className)).toBe('scroll')
  expect(await isThere(three!.messageId)).toBe(true)
  await page.getByRole('button', { name: 'Undo' }).click()
  await questions(page, 'root', 'three')
  // The next deed ends the moment of the one before.
  await choose(page, `${question} >> nth=-1`, 'Delete')
  await questions(page, 'root', 'two')
  await choose(page, `${question} >> nth=-1`, 'Delete')
  await questions(page, 'root', 'one')
  await reads(() => isThere(three!.messageId), false)
  expect(await isThere(two!.messageId)).toBe(true)
  // What is asked meanwhile does not go with it.
  await page.fill(by('composer'), 'more')
  await page.press(by('composer'), 'Enter')
  await answers(page, 'Answer to root', 'Answer to one', 'Answer to more')
  // So does the end of the page.
  await page.close({ runBeforeUnload: true })
  await reads(() => isThere(two!.messageId), false)
  expect(await isThere(asked[0]!.messageId)).toBe(true)
})

test('what cannot be deleted comes back and says why', async () => {
  const { chatId } = await threeWays()
  const page = await openTab(context, server, chatId)
  await questions(page, 'root', 'three')
  await page.route(/\/api\/messages\/[^/]+$/, (route) =>
    route.fulfill({ status: 403, json: { error: { code: 'forbidden', message: 'You may not.' } } }),
  )
  await page.clock.install()
  await choose(page, `${question} >> nth=-1`, 'Delete')
  await questions(page, 'root', 'two')
  await page.clock.runFor(10_000)
  await questions(page, 'root', 'three')
  await page.waitForSelector(`${question} >> nth=-1 >> .fault`)
  await page.close()
})

test('each button calls its route once, with a key of its own; a refusal is said and can be tried again', async () => {
  const { chatId, asked } = await threeWays()
  const { messageId, userMessageId } = asked[2]!
  const page = await openTab(context, server, chatId)
  const calls: { call: string; body: unknown; key: string | undefined }[] = []
  let refuse = true
  await page.route(/\/api\/messages\/[^/]+(\/(regenerate|continue))?$/, async (route) => {
    const request = route.request()
    calls.push({
      call: `${request.method()} ${new URL(request.url()).pathname}`,
      body: request.postDataJSON(),
      key: request.headers()['idempotency-key'],
    })
    await (refuse
      ? route.fulfill({ status: 409, json: { error: { code: 'busy', message: 'An answer is being written.' } } })
      : route.fulfill({ status: 202, json: { chatId, taskId: 'task_1', messageId: 'msg_unknown1', userMessageId } }))
    refuse = !refuse
  })
  const faults = `${by('message')} .fault`
  await page.click(`${answer} >> nth=-1 >> ${by('regenerate')}`)
  await reads(() => page.locator(faults).count(), 1)
  await page.click(`${answer} >> nth=-1 >> ${by('regenerate')}`)
  await reads(() => page.locator(faults).count(), 0)
  await page.click(last('edit'))
  await reads(() => page.inputValue(by('edit-text')), 'three')
  await page.fill(by('edit-text'), 'four')
  await page.keyboard.press('Enter')
  await reads(() => page.locator(faults).count(), 1)
  await page.keyboard.press('Enter')
  await reads(() => page.locator(by('edit-text')).count(), 0)
  await reads(() => focusedLabel(page), 'Edit')
  expect(calls.map(({ call, body }) => [call, body])).toEqual([
    [`POST /api/messages/${messageId}/regenerate`, {}],
    [`POST /api/messages/${messageId}/regenerate`, {}],
    [`PATCH /api/messages/${userMessageId}`, { content: 'four', files: [] }],
    [`PATCH /api/messages/${userMessageId}`, { content: 'four', files: [] }],
  ])
  // The server had decided: the next try is another one.
  expect(new Set(calls.map(({ key }) => key)).size).toBe(4)
  await page.close()
})

test('Continue is there for an answer that ended before its end, and for no other', async () => {
  const { chatId, messageId } = await server.ask('please wait')
  const page = await openTab(context, server, chatId)
  await answers(page, 'Answer to please wait')
  expect(await page.isVisible(by('continue'))).toBe(false)
  await page.click(by('stop'))
  await page.waitForSelector(`${answer}[data-status=stopped]`)
  let called = ''
  await page.route('**/continue', async (route) => {
    called = new URL(route.request().url()).pathname
    await route.fulfill({ status: 202, json: { chatId, taskId: 'task_1', messageId, userMessageId: 'msg_unknown1' } })
  })
  await page.click(by('continue'))
  await expect.poll(() => called).toBe(`/api/messages/${messageId}/continue`)
  const done = await threeWays()
  await page.goto(`${server.url}/#${done.chatId}`)
  await answers(page, 'Answer to root', 'Answer to three')
  expect(await page.locator(`${by('continue')}:visible`).count()).toBe(0)
  await page.close()
})

test('a long question shows its beginning and then all of it, and is edited whole', async () => {
  const long = `Why ${'is the tide so high today, '.repeat(30)}and when does it fall?`
  const { chatId } = await finished(await server.ask(long))
  const page = await openTab(context, server, chatId)
  await questions(page, long)
  await page.locator(last('edit')).click()
  await reads(() => page.locator(last('edit-text')).inputValue(), long)
  await page.locator(last('edit-text')).fill('short')
  await page.locator(last('edit-send')).click()
  await questions(page, 'short')
  await answers(page, 'Answer to short')
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
