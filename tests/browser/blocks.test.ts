/** What the page makes of each block, in a real browser: what it shows, what it may not, and who may press what. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Provider, ProviderEvent } from '../../server/provider/events.ts'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import type { JsonObject } from '../../shared/schema.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { Person, secret, tokenOf } from '../http/people.ts'
import { answer, by, openContext, playing, reads, shows } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let server: StartedRunnel
/** Of a demo model that calls tools. */
let tools: StartedRunnel
let embedded: Server
let ada: Person
let events: ProviderEvent[] = []
/** What comes behind them, when the test says so. */
let later: Promise<ProviderEvent[]> = Promise.resolve([])
let afterThat: Promise<ProviderEvent[]> = Promise.resolve([])
const problems: string[] = []

beforeAll(async () => {
  embedded = createServer((_request, response) => {
    response.setHeader('Content-Type', 'text/html')
    response.end('<p>Framed</p><script>document.querySelector("p").append(` in ${origin}`)</script>')
  })
  await new Promise<void>((resolve) => {
    embedded.listen(0, '127.0.0.1', resolve)
  })
  server = await startRunnel({ RUNNEL_AUTH_SECRET: secret, provider: playsLater })
  tools = await startRunnel({ tools: [sendLetter, whereAmI] })
  ada = new Person(server, await tokenOf('ada'))
  browser = await launchChromium()
  context = await openContext(browser, problems)
})
afterAll(async () => {
  await browser.close()
  await server.close()
  await tools.close()
  embedded.closeAllConnections()
  await new Promise((resolve) => {
    embedded.close(resolve)
  })
})

const playsLater: Provider = async function* (request, signal) {
  for (const event of events) yield event
  for (const event of await later) yield event
  for (const event of await afterThat) yield event
  yield* playing(() => [])(request, signal)
}

/** Ada's tab, with an answer of these events that still runs. */
async function showing(...shown: ProviderEvent[]): Promise<{ page: Page; chatId: string; messageId: string }> {
  events = shown
  const ids = await ada.ask('please wait')
  const page = await opened(context, ada.token, ids.chatId)
  await page.waitForSelector(`${answer} ${by('block')}`)
  return { page, ...ids }
}

/** A chat in a tab of somebody who is signed in. */
async function opened(context: BrowserContext, token: string | undefined, chatId: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.url}/#token=${token}`)
  await page.waitForSelector('#page > *')
  await page.goto(`${server.url}/#${chatId}`)
  return page
}

type Start = Extract<ProviderEvent, { type: 'block_start' }>
type Call = Extract<Start['block'], { type: 'tool_call' }>

function call(callId: string, fields: Partial<Call>, output = ''): ProviderEvent[] {
  return [
    {
      type: 'block_start',
      key: callId,
      block: { type: 'tool_call', status: 'streaming', callId, name: 'get_weather', executor: 'server' },
    },
    { type: 'delta', key: callId, field: 'arguments', text: '{"city":"Lisbon"}' },
    ...(output === '' ? [] : [{ type: 'delta', key: callId, field: 'output', text: output } as const]),
    { type: 'block_set', key: callId, fields },
  ]
}

test('a tool call says how it stands, with arguments, progress, result and error; what is done is folded', async () => {
  const { page } = await showing(
    ...call('call_streaming', {}),
    ...call('call_running', { status: 'running', progress: 'Half way' }, 'so far'),
    ...call('call_short', { status: 'completed' }, 'sunny'),
    ...call('call_long', { status: 'completed' }, 'sunny '.repeat(500)),
    ...call('call_failed', { status: 'failed', error: 'No such city.' }),
    ...call('call_denied', { status: 'denied' }),
  )
  await shows(page, by('call-status'), ['is being prepared', 'is running', 'done', 'done', 'failed', 'not allowed'])
  const within = (callId: string) => page.locator(`[data-call-id=${callId}]`)
  // Streamed they are as they come; whole they are laid out.
  await reads(() => within('call_streaming').locator('.long-text').innerText(), '{"city":"Lisbon"}')
  await shows(page, `${by('call-progress')}:visible`, ['Half way'])
  await shows(page, `${by('call-error')}:visible`, ['No such city.'])
  expect(await page.getByText('so far').isVisible()).toBe(true)
  const sunny = within('call_short').getByText('sunny', { exact: true })
  expect(await sunny.isVisible()).toBe(false)
  expect(await within('call_short').getByRole('button').innerText()).toContain('Lisbon')
  await within('call_short').getByRole('button').focus()
  await page.keyboard.press('Enter')
  await sunny.waitFor({ state: 'visible' })
  await within('call_short').getByText('Arguments').click()
  await within('call_short').getByText('"city": "Lisbon"').waitFor({ state: 'visible' })
  await within('call_long').getByRole('button').click()
  const text = within('call_long').locator('.long-text').last()
  expect(await text.isVisible()).toBe(false)
  await within('call_long').getByText('Result, 3,000 characters').click()
  await text.waitFor({ state: 'visible' })
  await page.close()
})

test('a call that an answer ended with says that it was not run', async () => {
  events = [...call('call_left', {}), { type: 'block_end', key: 'call_left', status: 'pending' }]
  const { chatId } = await ada.ask('now')
  const page = await opened(context, ada.token, chatId)
  await shows(page, by('call-status'), ['was not run'])
  await page.close()
})

test('how long a call took is said where the page saw it, and nowhere else', async () => {
  const { promise, resolve } = Promise.withResolvers<ProviderEvent[]>()
  later = promise
  const started = call('call_seen', {})
  const { page } = await showing(...call('call_old', { status: 'completed' }), ...started)
  await shows(page, by('call-status'), ['done', 'is being prepared'])
  const last: Promise<ProviderEvent[]>[] = []
  later = Promise.resolve([])
  const { promise: end, resolve: ends } = Promise.withResolvers<ProviderEvent[]>()
  last.push(end)
  afterThat = end
  resolve([{ type: 'block_set', key: 'call_seen', fields: { status: 'running' } }])
  await shows(page, by('call-status'), ['done', 'is running'])
  afterThat = Promise.resolve([])
  ends([{ type: 'block_set', key: 'call_seen', fields: { status: 'completed' } }])
  await shows(page, by('call-status'), ['done', 'done'])
  await expect
    .poll(() => page.locator(by('call-time')).allTextContents())
    .toEqual([expect.stringMatching(/^[\d.]+ s$/)])
  await page.close()
})

test('arguments of 200 kB without a line break grow in pieces: what is finished is left alone', async () => {
  const { promise, resolve } = Promise.withResolvers<ProviderEvent[]>()
  later = promise
  const { page } = await showing(
    {
      type: 'block_start',
      key: 'c',
      block: { type: 'tool_call', status: 'streaming', callId: 'call_c', name: 'store', executor: 'server' },
    },
    { type: 'delta', key: 'c', field: 'arguments', text: `{"rows":"${'0123456789'.repeat(20_000)}` },
  )
  later = Promise.resolve([])
  const pieces = page.locator('[data-call-id=call_c] .text-piece')
  await expect.poll(() => pieces.count()).toBeGreaterThan(49)
  const count = await pieces.count()
  await pieces.evaluateAll((all) => {
    const changed: number[] = []
    Object.assign(globalThis, { changed })
    const watch = new MutationObserver((records) => {
      for (const { target } of records) {
        const piece = target instanceof Element ? target : target.parentElement
        changed.push(all.indexOf(piece!.closest('.text-piece')!))
      }
    })
    for (const piece of all) watch.observe(piece, { characterData: true, childList: true, subtree: true })
  })
  resolve([{ type: 'delta', key: 'c', field: 'arguments', text: 'the end' }])
  await reads(
    () =>
      pieces
        .last()
        .innerText()
        .then((text) => text.endsWith('the end')),
    true,
  )
  const changed = await page.evaluate(() => (globalThis as unknown as { changed: number[] }).changed)
  expect(new Set(changed)).toEqual(new Set([count - 1]))
  await page.close()
})

/** A tool that a person is asked about, and one that the page itself is to answer. */
const sendLetter = defineTool({
  name: 'send_letter',
  description: 'Sends a letter.',
  parameters: z.object({ to: z.string(), copies: z.number() }),
  approval: true,
  execute: ({ to, copies }) => `${copies} sent to ${to}`,
})
const whereAmI = defineTool({ name: 'where_am_i', description: 'The place.', parameters: z.object({}) })

/** Ada asks for a tool, and looks at the call. */
async function asking(tool: string) {
  const ids = await tools.ask(`use the tool ${tool}`)
  const page = await context.newPage()
  const sent: { body: unknown; hasKey: boolean }[] = []
  page.on('request', (request) => {
    if (request.url().includes('/tool-calls/'))
      sent.push({ body: request.postDataJSON(), hasKey: /^[\w-]+$/.test(request.headers()['idempotency-key'] ?? '') })
  })
  await page.goto(`${tools.url}/#${ids.chatId}`)
  const card = page.locator('[data-call-id]').first()
  await card.waitFor()
  return { page, card, sent, status: card.locator(by('call-status')) }
}

test('a call runs with the arguments that a person gives it; what is wrong with them is said before it is sent', async () => {
  const { page, card, sent, status } = await asking('send_letter')
  await reads(() => status.innerText(), 'wants your approval')
  expect(await card.innerText()).toContain('1 of 1 needed')
  await card.locator(by('edit-arguments')).click()
  const field = card.locator(by('new-arguments'))
  await field.fill('{\n  "to": "Cy"\n  "copies": 2\n}')
  await reads(
    () => card.locator(by('json-wrong')).innerText(),
    'Line 3, character 3: a comma or the closing bracket is missing.',
  )
  await card.locator(by('approve-changed')).click()
  await field.fill('["Cy"]')
  await reads(() => card.locator(by('json-wrong')).innerText(), 'Arguments must be an object between { and }.')
  await card.locator(by('approve-changed')).click()
  expect(sent).toEqual([])
  // What does not fit the tool, the server says.
  await field.fill('{"to": "Cy", "copies": "two"}')
  await card.locator(by('approve-changed')).click()
  await card.getByRole('alert').filter({ hasText: 'The server says:' }).waitFor()
  await reads(() => status.innerText(), 'wants your approval')
  await field.fill('{"to": "Cy", "copies": 2}')
  await card.locator(by('approve-changed')).click()
  await reads(() => status.innerText(), 'done')
  // Whoever answered by keyboard is still at the call.
  await reads(() => card.evaluate((element) => element.contains(document.activeElement)), true)
  await card.getByRole('button').first().press('Enter')
  await reads(() => card.locator(by('by')).innerText(), 'Changed and approved by you')
  await card.getByText('2 sent to Cy').waitFor({ state: 'visible' })
  await card.getByText('What the model asked for').waitFor({ state: 'visible' })
  expect(sent.map(({ hasKey }) => hasKey)).toEqual([true, true])
  await page.close()
})

test('a call is approved as it is by keyboard, or denied with a reason', async () => {
  const first = await asking('send_letter')
  await first.card.locator(by('approve')).focus()
  await first.page.keyboard.press('Enter')
  await reads(() => first.status.innerText(), 'done')
  expect(first.sent).toEqual([{ body: { decision: 'approve' }, hasKey: true }])
  await first.page.close()

  const { page, card, sent, status } = await asking('send_letter')
  await card.locator(by('deny')).click()
  await page.keyboard.type(' Not today. ')
  await page.keyboard.press('Enter')
  await reads(() => status.innerText(), 'not allowed')
  await reads(
    () =>
      card
        .locator(by('call-error'))
        .innerText()
        .then((text) => text.includes('Not today.')),
    true,
  )
  expect(sent).toEqual([{ body: { decision: 'deny', reason: 'Not today.' }, hasKey: true }])
  await page.close()
})

test('a result of a client that is no JSON is asked about, and sent as text only then', async () => {
  const { page, card, sent, status } = await asking('where_am_i')
  await reads(() => status.innerText(), 'wants a result from you')
  const field = card.locator(by('call-output'))
  await field.fill('By the pier')
  await card.locator(by('send-output')).click()
  await card.getByRole('alert').filter({ hasText: 'This is not JSON. Send it as plain text?' }).waitFor()
  await card.getByRole('button', { name: 'Keep editing' }).click()
  await field.fill('{"pier": "north",}')
  await card.locator(by('send-output')).click()
  await card.getByRole('alert').filter({ hasText: 'Line 1, character 18' }).waitFor()
  expect(sent).toEqual([])
  await field.fill('By the pier')
  await card.locator(by('send-output')).click()
  await card.locator(by('send-as-text')).click()
  await reads(() => status.innerText(), 'done')
  expect(sent).toEqual([{ body: { output: 'By the pier' }, hasKey: true }])
  await page.close()

  const other = await asking('where_am_i')
  await other.card.locator(by('call-output')).fill('{"pier": "north"}')
  await other.card.locator(by('send-output')).click()
  await reads(() => other.status.innerText(), 'done')
  expect(other.sent.map(({ body }) => body)).toEqual([{ output: { pier: 'north' } }])
  await other.page.close()
})

test('an embedded page runs in an origin of its own; what is no web address is neither framed nor linked', async () => {
  const url = `http://127.0.0.1:${(embedded.address() as AddressInfo).port}/`
  const { page } = await showing(
    { type: 'block_start', key: 'a', block: { type: 'embed', status: 'completed', url } },
    { type: 'block_start', key: 'b', block: { type: 'embed', status: 'completed', url: 'javascript:alert(1)' } },
    {
      type: 'block_start',
      key: 'c',
      block: {
        type: 'source',
        status: 'completed',
        url: 'data:text/html,x',
        title: '<b>Source</b>',
        sourceType: 'url',
      },
    },
    {
      type: 'block_start',
      key: 'd',
      block: {
        type: 'file',
        status: 'completed',
        name: 'x.svg',
        mimeType: 'image/svg+xml',
        url: 'javascript:alert(1)',
      },
    },
  )
  const frame = page.locator('iframe')
  expect(await frame.getAttribute('sandbox')).toBe('allow-scripts')
  expect(await frame.getAttribute('title')).toContain('127.0.0.1')
  await page.frameLocator('iframe').getByText('Framed in null').waitFor()
  expect(
    await page
      .locator(`${by('block')} a`)
      .evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href)),
  ).toEqual([url])
  expect(await page.locator(`${by('block')} b`).count()).toBe(0)
  await page.locator('.source-chip', { hasText: '<b>Source</b>' }).waitFor()
  await page.close()
})

test('a text cites its sources by numbers that lead to them; each opens apart', async () => {
  const text = 'High water is at **six** ([office](https://a.example/t)). See `code` and the table.'
  const end = (words: string) => text.indexOf(words) + words.length
  const cite = (annotation: JsonObject): ProviderEvent => ({ type: 'annotation', key: 't', annotation })
  const page_ = (fields: JsonObject) => cite({ type: 'url_citation', ...fields })
  const link = '([office](https://a.example/t))'
  const { page } = await showing(
    { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 't', field: 'text', text },
    page_({ url: 'https://a.example/t', title: 'A', start_index: text.indexOf(link), end_index: end(link) }),
    page_({ url: 'https://a.example/t', title: 'A', start_index: 0, end_index: end('**six**') }),
    cite({ type: 'file_citation', filename: 'tides.pdf', index: end('the table') }),
    // By the place of the file in a list, not in the text.
    cite({ type: 'file_citation', filename: 'moon.pdf', index: end('High') }),
    page_({ url: 'javascript:alert(1)', title: 'Bad', start_index: 0, end_index: 0 }),
    {
      type: 'block_start',
      key: 's',
      block: {
        type: 'source',
        status: 'completed',
        url: 'https://b.example/x',
        title: 'B',
        snippet: 'About it.',
        sourceType: 'url',
      },
    },
  )
  await shows(
    page,
    `${by('citations')} li .source-chip`,
    ['1A· a.example', '2tides.pdf', '3moon.pdf', '4Bad'].map((words) => words.replace('· ', '')),
  )
  expect(await page.locator(`${by('citations')} a`).count()).toBe(1)
  const cites = page.locator(`${answer} .cite`)
  expect(await cites.allTextContents()).toEqual(['1', '1', '2'])
  // The link says what the number says, and is left out.
  await reads(
    () =>
      page.locator(`${answer} .md p`).evaluate((paragraph) => {
        const copy = paragraph.cloneNode(true) as Element
        for (const card of copy.querySelectorAll('.source-card')) card.remove()
        return copy.textContent
      }),
    'High water is at six11. See code and the table2.',
  )
  await cites.first().hover()
  await page.locator('.source-card:popover-open', { hasText: 'a.example' }).waitFor()
  await cites.first().focus()
  await page.keyboard.press('Enter')
  const chip = page.locator(`${by('citations')} a`)
  await reads(() => chip.evaluate((element) => element === document.activeElement), true)
  expect(await chip.getAttribute('target')).toBe('_blank')
  expect(await chip.getAttribute('rel')).toContain('noopener')
  const source = page.locator('[data-type=source] a')
  await source.focus()
  await page.locator('[data-type=source] .source-card', { hasText: 'About it.' }).waitFor({ state: 'visible' })
  await page.keyboard.press('Escape')
  await page.locator('[data-type=source] .source-card').waitFor({ state: 'hidden' })
  await page.close()
})

test('a text that is read is not touched when its first source comes; numbers in it lead to sources beside it', async () => {
  const text =
    'Tides come twice a day, says one [1][3]. Or `a[1]`, says another [1, 2]; nobody says [4].\r\n\r\nAnd more.'
  const cited = Promise.withResolvers<ProviderEvent[]>()
  later = cited.promise
  const { page } = await showing(
    { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 't', field: 'text', text },
  )
  await page.locator(`${answer} .md p`, { hasText: 'And more.' }).waitFor()
  await page.evaluate(() => {
    const paragraph = document.querySelector('.md p')!
    Object.assign(globalThis, { paragraph })
    const words = document.createTreeWalker(paragraph, NodeFilter.SHOW_TEXT).nextNode()!
    getSelection()!.setBaseAndExtent(words, 6, words, 22)
  })
  cited.resolve(
    ['a', 'b', 'c'].map((name) => ({
      type: 'block_start',
      key: name,
      block: {
        type: 'source',
        status: 'completed',
        url: `https://${name}.example/x`,
        title: name.toUpperCase(),
        sourceType: 'url',
      },
    })),
  )
  await shows(page, `${answer} .cite`, ['1', '3', '1', '2'])
  expect(
    await page.evaluate(() => {
      const { paragraph } = globalThis as unknown as { paragraph: Element }
      return [paragraph === document.querySelector('.md p'), String(getSelection())]
    }),
  ).toEqual([true, 'come twice a day'])
  expect(
    await page.locator(`${answer} .md p`).evaluateAll((paragraphs) =>
      paragraphs.map((paragraph) => {
        const copy = paragraph.cloneNode(true) as Element
        for (const card of copy.querySelectorAll('.cite-holder')) card.remove()
        return copy.textContent
      }),
    ),
  ).toEqual(['Tides come twice a day, says one. Or a[1], says another; nobody says [4].', 'And more.'])
  await shows(page, '[data-type=source] .source-number', ['1', '2', '3'])
  await page.locator(`${answer} .cite`).nth(1).click()
  await reads(() => page.evaluate(() => (document.activeElement as HTMLAnchorElement).href), 'https://c.example/x')
  later = Promise.resolve([])
  await page.close()
})

test('progress goes when its run ends; errors and refusals say what to do; what is not known is said once', async () => {
  const { page, messageId } = await showing(
    {
      type: 'block_start',
      key: 'p',
      block: { type: 'progress', status: 'in_progress', text: 'Searching the web', done: false },
    },
    {
      type: 'block_start',
      key: 'e',
      block: { type: 'error', status: 'completed', code: 'x', message: 'A filter was left out.', retryable: false },
    },
    {
      type: 'block_start',
      key: 'f',
      block: {
        type: 'error',
        status: 'completed',
        code: 'tools_unavailable',
        message: 'The server “tides” did not answer.',
        retryable: true,
      },
    },
    { type: 'block_start', key: 'r', block: { type: 'refusal', status: 'in_progress' } },
    { type: 'delta', key: 'r', field: 'text', text: 'I would rather not.' },
    // Of a newer server.
    ...['h', 'i'].map((key) => ({
      type: 'block_start' as const,
      key,
      block: { type: 'hologram', status: 'completed', shape: 'moon' } as unknown as Start['block'],
    })),
  )
  await reads(
    () => page.locator('[data-type=hologram]:visible').allInnerTexts(),
    [
      'A part of this answer is of a kind that this page does not know yet. Load the page again to see it.\n\nLoad the page again',
    ],
  )
  const progress = page.locator('[data-type=progress]')
  await reads(() => progress.innerText(), 'Searching the web')
  await reads(
    () => page.locator('[data-type=error] [role=alert]').allInnerTexts(),
    [
      'A filter was left out.',
      'The tools are not available. Try again, or ask without them.\nThe server says: The server “tides” did not answer.',
    ],
  )
  await reads(
    () => page.locator('[data-type=refusal]').innerText(),
    'I would rather not.\n\nThe model refused to answer. Ask in other words, or ask another model.',
  )
  await ada.call('POST', `/api/messages/${messageId}/stop`)
  await reads(() => progress.isVisible(), false)
  await page.close()
})

test('thoughts are folded, with their last line and their time while they last', async () => {
  const { promise, resolve } = Promise.withResolvers<ProviderEvent[]>()
  later = promise
  const startedAt = Date.now() - 65_000
  const { page, messageId } = await showing(
    { type: 'block_start', key: 'r', block: { type: 'reasoning', status: 'in_progress', origin: 'field', startedAt } },
    {
      type: 'delta',
      key: 'r',
      field: 'text',
      text: 'First the *stations*.\n\nSo much for `them`. **Then** the offset_of_gauge',
    },
  )
  const thoughts = page.locator(`${answer} [data-type=reasoning]`)
  const summary = thoughts.locator('summary')
  await reads(() => summary.innerText().then((text) => /Thinking for 1 min \d+ s/.test(text)), true)
  await reads(() => summary.locator('.think-glimpse').innerText(), 'Then the offset_of_gauge')
  expect(await thoughts.getByText('First the').isVisible()).toBe(false)
  later = Promise.resolve([])
  resolve([
    { type: 'block_end', key: 'r', status: 'completed', fields: { endedAt: startedAt + 72_400 } },
    { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 't', field: 'text', text: 'It may be four.' },
    { type: 'block_type', key: 't', block: { type: 'reasoning', origin: 'tag', startedAt: 1_000 } },
    { type: 'block_end', key: 't', status: 'completed', fields: { endedAt: 1_010 } },
    { type: 'block_start', key: 'u', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 'u', field: 'text', text: 'Four.' },
  ])
  // A text that turns out to be thoughts is folded away in its place.
  await shows(page, `${answer} .think-title`, ['Thought for 1 min 12 s', 'Thoughts'])
  await shows(page, `${answer} [data-type=text]`, ['Four.'])
  await summary.first().click()
  await thoughts.getByText('First the').waitFor({ state: 'visible' })
  await ada.call('POST', `/api/messages/${messageId}/stop`)
  await page.close()
})

/** One red pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)

test('pictures of this server are shown and large on a click, texts have a preview, all are saved with the token; foreign ones are only linked', async () => {
  const { id: chatId } = (await ada.call('POST', '/api/chats', {})).body
  const upload = async (name: string, bytes: BlobPart, type: string) => {
    const form = new FormData()
    form.append('chatId', chatId)
    form.append('file', new Blob([bytes], { type }), name)
    const response = await fetch(`${server.url}/api/files`, {
      method: 'POST',
      body: form,
      headers: { authorization: `Bearer ${ada.token}` },
    })
    return (await response.json()) as { id: string; url: string }
  }
  const [picture, notes] = [
    await upload('dot.png', png, 'image/png'),
    await upload('notes.txt', 'Low tide at six.', 'text/plain'),
  ]
  const file = (key: string, name: string, mimeType: string, url: string, size: number): ProviderEvent => ({
    type: 'block_start',
    key,
    block: { type: 'file', status: 'completed', name, mimeType, url, size },
  })
  events = [
    file('a', 'made.png', 'image/png', picture.url, png.length),
    file('b', 'far.png', 'image/png', 'https://far.example/far.png', 2_500_000),
    file('c', 'notes.txt', 'text/plain', notes.url, 16),
  ]
  await ada.call('POST', `/api/chats/${chatId}/messages`, { content: 'Look' })
  const foreign: string[] = []
  const page = await opened(context, ada.token, chatId)
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url())
  })
  const files = page.locator(`${answer} [data-type=file]`)
  await reads(
    () => files.locator('.file-facts').allTextContents(),
    ['image/png · 70 bytes', 'image/png · 2.5 MB', 'text/plain · 16 bytes'],
  )
  const width = () => files.getByAltText('made.png').evaluate((image) => (image as HTMLImageElement).naturalWidth)
  await expect.poll(width).toBe(1)
  expect(await files.locator('img').count()).toBe(1)
  await files.getByRole('button', { name: 'Show made.png large' }).click()
  await page.getByRole('dialog', { name: 'made.png' }).getByAltText('made.png').waitFor()
  await page.keyboard.press('Escape')
  await page.getByRole('dialog').waitFor({ state: 'detached' })
  expect(
    await files.getByRole('link').evaluateAll((links) => links.map((link) => (link as HTMLAnchorElement).href)),
  ).toEqual(['https://far.example/far.png'])
  await files.locator(by('preview')).click()
  await files.getByText('Low tide at six.').waitFor()
  const download = page.waitForEvent('download')
  await files.getByRole('button', { name: 'Download: notes.txt' }).click()
  expect((await download).suggestedFilename()).toBe('notes.txt')
  expect(foreign).toEqual([])
  await page.close()
})

test('who may only read sees how calls stand, and no button that changes anything', async () => {
  const { page, chatId } = await showing(
    ...call('call_a', { status: 'awaiting_approval' }),
    ...call('call_b', { status: 'awaiting_approval' }),
  )
  await ada.call('POST', `/api/chats/${chatId}/members`, { userId: 'bob', role: 'viewer' })
  const bobs = await openContext(browser, problems)
  const his = await opened(bobs, await tokenOf('bob'), chatId)
  await shows(page, by('call-status'), ['wants your approval', 'wants your approval'])
  await shows(his, by('call-status'), ['waits for approval', 'waits for approval'])
  await shows(his, '.tool-end', ['1 of 2 needed', '2 of 2 needed'])
  const changing = ['approve', 'edit-arguments', 'deny'].map(by).join()
  expect(await page.locator(changing).count()).toBe(6)
  expect(await his.locator(changing).count()).toBe(0)
  expect(await his.locator(`${answer} input, ${answer} textarea`).count()).toBe(0)
  await his.locator('[data-call-id=call_a]').getByText('"city": "Lisbon"').waitFor({ state: 'visible' })
  await bobs.close()
  await page.close()
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
