/** What an answer says of itself, what may be done with it, and answers of several models side by side. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { RunnelError } from '../../shared/errors.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { Person, secret, tokenOf } from '../http/people.ts'
import { answer, by, openContext, question, reads, shows, textEvents } from './tabs.ts'

const said = '# Tides\n\nThe **moon** pulls:\n\n- twice a day\n- everywhere'
let browser: Browser
let server: StartedRunnel
let ada: Person
let cy: Person
let context: BrowserContext
let contextOfCy: BrowserContext
const problems: string[] = []

beforeAll(async () => {
  server = await startRunnel({
    RUNNEL_AUTH_SECRET: secret,
    RUNNEL_MODEL: 'one',
    RUNNEL_MODELS: 'one,two,three',
    // The words of a question say how it is answered.
    async *provider(request, signal) {
      const asked = request.prompt.findLast((item) => item.role === 'user')?.text ?? ''
      if (!asked.includes('nothing'))
        for (const event of textEvents(asked.includes('tides') ? said : `By ${request.model}`)) yield event
      if (asked.includes('wait'))
        await new Promise((resolve) => {
          signal.addEventListener('abort', resolve)
        })
      signal.throwIfAborted()
      if (asked.includes('fail')) throw new RunnelError('provider_timeout', 'The model was silent.')
      yield { type: 'usage', usage: { inputTokens: 1_200, outputTokens: 34, totalTokens: 1_234 } }
      const note = asked.includes('note') && { note: 'The tides were left out.' }
      yield { type: 'finish', reason: asked.includes('long') ? 'length' : 'stop', ...note }
    },
  })
  ada = new Person(server, await tokenOf('ada', { name: 'Ada' }))
  cy = new Person(server, await tokenOf('cy', { name: 'Cy' }))
  browser = await launchChromium()
  context = await openContext(browser, problems)
  contextOfCy = await openContext(browser, problems)
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

async function open(chatId: string, who = ada): Promise<Page> {
  const page = await (who === ada ? context : contextOfCy).newPage()
  page.setDefaultTimeout(8_000)
  await page.goto(`${server.url}/#token=${who.token}`)
  await page.waitForSelector(by('composer'))
  await page.evaluate((hash) => {
    location.hash = hash
  }, chatId)
  await page.waitForSelector(by('message'))
  return page
}

async function newChat(title = 'Tides'): Promise<string> {
  return (await ada.call('POST', '/api/chats', { title })).body.id
}

async function ask(chatId: string, content: string, fields: object = {}, who = ada) {
  return (await who.call('POST', `/api/chats/${chatId}/messages`, { content, ...fields })).body
}

const statusOf = async (messageId: string) => (await ada.call('GET', `/api/messages/${messageId}`)).body.status

async function askAndWait(chatId: string, content: string, fields: object = {}, who = ada) {
  const sent = await ask(chatId, content, fields, who)
  await expect.poll(() => statusOf(sent.messageId)).toMatch(/completed|failed/)
  return sent
}

async function choose(page: Page, message: string, words: string) {
  await page.click(`${message} >> ${by('more')}`)
  await page.getByRole('menuitem', { name: words, exact: true }).click()
}

const copied = (page: Page) => page.evaluate(() => navigator.clipboard.readText())

test('an answer is copied as Markdown, as plain text and as a link, and says how it was made', async () => {
  const chatId = await newChat()
  const { messageId } = await askAndWait(chatId, 'tides')
  const page = await open(chatId)
  await page.click(`${answer} >> ${by('copy')}`)
  await reads(() => copied(page), said)
  await choose(page, answer, 'Copy as plain text')
  await reads(() => copied(page), 'Tides\n\nThe moon pulls:\n\n• twice a day\n• everywhere')
  await choose(page, answer, 'Copy link to this message')
  await reads(() => copied(page), `${server.url}/#${chatId}/${messageId}`)
  await page.click(by('details'))
  const facts = await page.locator(by('facts')).innerText()
  expect(facts).toMatch(
    /Model\s+\S+[\s\S]*Took\s+[\d.]+ sec\s+Tokens\s+1,234\s+of them read\s+1,200\s+of them written\s+34/,
  )
  await page.keyboard.press('Escape')
  await reads(() => page.evaluate(() => document.activeElement?.getAttribute('data-testid')), 'details')
  await page.close()
})

test('a chat is saved as a file: all of it, and with branches the one on show', async () => {
  const chatId = await newChat('Tides: a/b')
  const { messageId } = await askAndWait(chatId, 'tides')
  const page = await open(chatId)
  await page.click(by('export'))
  await shows(page, '[role=menuitem]', ['Save all as Markdown', 'Save all as JSON', 'Save all as HTML'])
  await page.keyboard.press('Escape')
  await ada.call('POST', `/api/messages/${messageId}/regenerate`, {})
  await page.waitForSelector(by('switcher'))
  const save = async (words: string) => {
    await page.click(by('export'))
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      page.getByRole('menuitem', { name: words, exact: true }).click(),
    ])
    return { name: download.suggestedFilename(), text: await readFile(await download.path(), 'utf8') }
  }
  const all = await save('Save all as JSON')
  expect(all.name).toBe('Tides a b.json')
  expect(JSON.parse(all.text).messages).toHaveLength(3)
  expect(JSON.parse((await save('Save what is shown as JSON')).text).messages).toHaveLength(2)
  expect((await save('Save all as Markdown')).text).toContain('**moon**')
  // On a phone one menu has what the header has no room for.
  await page.setViewportSize({ width: 360, height: 740 })
  await page.click(by('chat-menu'))
  await page.getByRole('menuitem', { name: 'Save all as JSON', exact: true }).waitFor()
  await page.getByRole('menuitem', { name: 'Show what the connection carries' }).click()
  await page.waitForSelector(by('wire'))
  await page.close()
})

test('an answer says how it stands, and what to do about it', async () => {
  const chatId = await newChat()
  await ada.call('POST', `/api/chats/${chatId}/members`, { userId: 'cy', role: 'editor', name: 'Cy' })
  await askAndWait(chatId, 'tides, fail')
  await askAndWait(chatId, 'tides, long')
  await askAndWait(chatId, 'nothing')
  await askAndWait(chatId, 'a note')
  const { messageId } = await ask(chatId, 'wait, nothing')
  const page = await open(chatId)
  const last = `${answer} >> nth=-1`
  await shows(page, `${last} >> ${by('note')}`, ['Being written'])
  await reads(() => page.locator(`${last} >> ${by('continue')}`).count(), 0)
  await cy.call('POST', `/api/messages/${messageId}/stop`, {})
  await shows(page, `${last} >> ${by('note')}`, ['Stopped by Cy'])
  await reads(() => page.locator(`${answer} .fault`).count(), 1)
  const notes = await page.locator(by('note')).allTextContents()
  expect(notes).toContain('This answer was cut off at its length limit.')
  expect(notes).toContain('The tides were left out.')
  expect(notes).toHaveLength(4)
  expect(await page.locator(by('continue')).allTextContents()).toEqual(['Continue', 'Continue', 'Try again'])
  // What failed is not said beside what goes on.
  await page.click(`${answer} >> nth=0 >> ${by('continue')}`)
  await reads(() => page.locator(`${answer} .fault`).count(), 0)
  await page.close()
})

test('in a shared chat each question says who asked; who only reads has no button that does nothing', async () => {
  const chatId = await newChat()
  const { messageId } = await askAndWait(chatId, 'tides')
  const page = await open(chatId)
  await page.waitForSelector(by('copy'))
  expect(await page.locator(by('by')).count()).toBe(0)
  await ada.call('POST', `/api/chats/${chatId}/members`, { userId: 'cy', role: 'editor', name: 'Cy' })
  await askAndWait(chatId, 'Tides again', {}, cy)
  const names = () => page.locator(`${question} ${by('by')} bdi`).allTextContents()
  await reads(names, ['You', 'Cy'])
  // The last question of one's own is changed, not that of somebody else.
  await page.press(by('composer'), 'ArrowUp')
  await reads(() => page.inputValue(by('edit-text')), 'tides')
  await page.press(by('edit-text'), 'Escape')
  await ada.call('POST', `/api/chats/${chatId}/members`, { userId: 'cy', role: 'viewer' })
  await ada.call('POST', `/api/messages/${messageId}/regenerate`, {})
  const reader = await open(chatId, cy)
  await reads(() => reader.locator(`${question} ${by('by')} bdi`).allTextContents(), ['Ada'])
  await reader.click(`${answer} >> ${by('more')}`)
  const choices = ['Copy as Markdown', 'Copy as plain text', 'Copy link to this message', 'Show versions side by side']
  await shows(reader, '[role=menuitem]', choices)
  for (const testId of ['edit', 'regenerate', 'continue', 'go-on-with'])
    expect(await reader.locator(by(testId)).count()).toBe(0)
  await Promise.all([page.close(), reader.close()])
})

test('a version that is still being written is never out of sight: it can be shown, and stopped', async () => {
  const chatId = await newChat()
  const { messageId } = await ask(chatId, 'wait')
  const page = await open(chatId)
  await ada.call('POST', `/api/messages/${messageId}/regenerate`, { model: 'two' })
  await page.waitForSelector(by('besides'))
  await shows(page, `${answer} .blocks`, ['By two'])
  await page.getByRole('button', { name: 'Show', exact: true }).click()
  await page.waitForSelector(`[data-message-id=${messageId}]`)
  await page.waitForSelector(by('besides'))
  await page.locator(by('besides')).getByRole('button', { name: 'Stop' }).click()
  await reads(() => page.locator(by('besides')).count(), 0)
  expect(await statusOf(messageId)).toBe('streaming')
  await ada.call('POST', `/api/messages/${messageId}/stop`, {})
  await page.close()
})

/** As the page keeps it while the first model has been asked, and these are still to be. */
async function keepSideBySide(
  page: Page,
  chatId: string,
  { messageId, userMessageId }: { messageId: string; userMessageId: string },
  models: string[],
  keys = models.map((): string => crypto.randomUUID()),
): Promise<string[]> {
  const pending = models.map((model, index) => ({ model, key: keys[index] }))
  const group = { questionId: userMessageId, firstId: messageId, count: models.length + 1, request: {}, pending }
  await page.evaluate((kept) => sessionStorage.setItem('runnel-side-by-side', kept), JSON.stringify([[chatId, group]]))
  return keys
}

test('several models answer side by side, each with its own Stop; a reload asks the rest once, and one is gone on with', async () => {
  const chatId = await newChat()
  const sent = await ask(chatId, 'wait', { model: 'one' })
  const page = await open(chatId)
  const models = () => page.locator(`${by('column')} h3`).allTextContents()
  // As it is in the middle of being asked.
  const keys = await keepSideBySide(page, chatId, sent, ['two', 'three'])
  await page.reload()
  await reads(models, ['one', 'two', 'three'])
  await shows(page, `${by('column')} .blocks`, ['By one', 'By two', 'By three'])
  const areAsked = () => page.evaluate(() => sessionStorage.getItem('runnel-side-by-side')?.includes('"pending":[]'))
  // What has been heard is kept a moment after it is on show.
  await reads(areAsked, true)
  // As if what was heard had not been kept: nothing is asked twice.
  await keepSideBySide(page, chatId, sent, ['two', 'three'], keys)
  await page.reload()
  await reads(models, ['one', 'two', 'three'])
  await reads(areAsked, true)
  expect((await ada.call('GET', `/api/chats/${chatId}/messages`)).body.items).toHaveLength(4)
  // A next question goes on with the first, unless somebody chooses another.
  await reads(() => page.locator(`${by('column')}[aria-current] h3`).allTextContents(), ['one'])
  await page.locator(by('column')).nth(1).locator(by('stop-column')).click()
  await page.waitForSelector(`${by('column')} >> nth=1 >> [data-status=stopped]`)
  expect(await page.locator(by('stop-column')).count()).toBe(2)
  await page.locator(by('column')).nth(1).locator(by('go-on-with')).click()
  await shows(page, `${answer} .blocks`, ['By two'])
  await page.waitForSelector(by('besides'))
  expect(await page.locator(by('besides')).textContent()).toContain('2 other versions are still being written')
  await page.locator(by('besides')).getByRole('button', { name: 'Stop' }).click()
  await reads(() => page.locator(by('besides')).count(), 0)
  await page.close()
})

test('the composer asks several models, and their answers stand side by side', async () => {
  const chatId = await newChat()
  await askAndWait(chatId, 'tides')
  const page = await open(chatId)
  await page.click(by('model'))
  await page.check(by('several-models'))
  await page
    .locator(`${by('models')} button`)
    .nth(1)
    .click()
  await page.keyboard.press('Escape')
  await page.fill(by('composer'), 'Who?')
  await page.press(by('composer'), 'Enter')
  await shows(page, `${by('column')} .blocks`, ['By one', 'By two'])
  await page.close()
})

test('a question for several models that waits behind an answer is put to all of them once it is sent', async () => {
  const chatId = await newChat()
  const first = await ask(chatId, 'wait')
  const waiting = await ask(chatId, 'Next', { model: 'one', whenBusy: 'queue' })
  const page = await open(chatId)
  await keepSideBySide(page, chatId, waiting, ['two'])
  await page.reload()
  await page.waitForSelector(by('waiting'))
  await ada.call('POST', `/api/messages/${first.messageId}/stop`, {})
  await shows(page, `${by('column')} .blocks`, ['By one', 'By two'])
  await page.close()
})

test('with another model: the answer is by that, beside the first', async () => {
  const chatId = await newChat()
  await askAndWait(chatId, 'Who?')
  const page = await open(chatId)
  await choose(page, answer, 'Try again with another model …')
  await page
    .locator(`${by('models')} button`)
    .first()
    .click()
  await shows(page, by('sibling-position'), ['2/2Version 2 of 2'])
  await page.close()
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
