/** What the page makes of each block, in a real browser: what it shows, what it may not, and who may press what. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Provider, ProviderEvent } from '../../server/provider/events.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { Person, secret, tokenOf } from '../http/people.ts'
import { answer, by, openContext, openTab, playing, question, reads, shows } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let server: StartedRunnel
let embedded: Server
let ada: Person
let events: ProviderEvent[] = []
/** What comes behind them, when the test says so. */
let later: Promise<ProviderEvent[]> = Promise.resolve([])
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
  ada = new Person(server, await tokenOf('ada'))
  browser = await launchChromium()
  context = await openContext(browser, problems)
})
afterAll(async () => {
  await browser.close()
  await server.close()
  embedded.closeAllConnections()
  await new Promise((resolve) => {
    embedded.close(resolve)
  })
})

const playsLater: Provider = async function* (request, signal) {
  for (const event of events) yield event
  for (const event of await later) yield event
  yield* playing(() => [])(request, signal)
}

/** Ada's tab, with an answer of these events that still runs. */
async function showing(...shown: ProviderEvent[]): Promise<{ page: Page; chatId: string; messageId: string }> {
  events = shown
  const ids = await ada.ask('please wait')
  const page = await openTab(context, server, `token=${ada.token}`)
  await page.goto(`${server.url}/#${ids.chatId}`)
  await page.waitForSelector(`${answer} ${by('block')}`)
  return { page, ...ids }
}

type Call = Extract<Extract<ProviderEvent, { type: 'block_start' }>['block'], { type: 'tool_call' }>

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

const statusOf = (callId: string) => `[data-call-id=${callId}] ${by('call-status')}`

test('a tool call says how it stands, with arguments, progress, result and error; a long result is folded', async () => {
  const { page } = await showing(
    ...call('call_streaming', {}),
    ...call('call_running', { status: 'running', progress: 'Half way' }, 'so far'),
    ...call('call_short', { status: 'completed' }, 'sunny'),
    ...call('call_long', { status: 'completed' }, 'sunny '.repeat(500)),
    ...call('call_failed', { status: 'failed', error: 'No such city.' }),
    ...call('call_denied', { status: 'denied' }),
  )
  await shows(page, by('call-status'), [
    'is being called …',
    'runs …',
    'is done',
    'is done',
    'failed',
    'was not allowed',
  ])
  expect(await page.locator('[data-call-id=call_streaming] .growing').first().isVisible()).toBe(true)
  await shows(page, `${by('call-progress')}:visible`, ['Half way'])
  await shows(page, `${by('call-error')}:visible`, ['No such city.'])
  expect(await page.getByText('so far').isVisible()).toBe(true)
  expect(await page.getByText('sunny', { exact: true }).isVisible()).toBe(true)
  const long = page.locator('[data-call-id=call_long] summary', { hasText: 'Result, 3,000 characters' })
  const text = page.locator('[data-call-id=call_long] .growing').nth(1)
  expect(await text.isVisible()).toBe(false)
  await long.focus()
  await page.keyboard.press('Enter')
  await text.waitFor({ state: 'visible' })
  await page.close()
})

test('a call that waits for approval is approved or denied by keyboard; the reason goes along', async () => {
  const { page, messageId } = await showing(
    ...call('call_a', { status: 'awaiting_approval' }),
    ...call('call_b', { status: 'awaiting_approval' }),
  )
  const calls: unknown[] = []
  await page.route('**/tool-calls/**', async (route) => {
    const request = route.request()
    calls.push([
      new URL(request.url()).pathname,
      request.postDataJSON(),
      /^[\d-]+$/.test(request.headers()['idempotency-key'] ?? ''),
    ])
    await (calls.length === 1
      ? route.fulfill({ status: 200, json: {} })
      : route.fulfill({
          status: 409,
          json: { error: { code: 'already_answered', message: 'Somebody has answered this call already.' } },
        }))
  })
  await shows(page, by('call-status'), ['waits for approval', 'waits for approval'])
  const [first, second] = [page.locator('[data-call-id=call_a]'), page.locator('[data-call-id=call_b]')]
  await first.getByRole('button', { name: 'Approve' }).focus()
  await page.keyboard.press('Enter')
  await expect.poll(() => calls.length).toBe(1)
  await second.getByLabel('Reason (optional)').fill(' Not today. ')
  await second.getByRole('button', { name: 'Deny' }).click()
  await reads(() => second.getByRole('alert').textContent(), 'Somebody has answered this call already.')
  expect(calls).toEqual([
    [`/api/messages/${messageId}/tool-calls/call_a`, { decision: 'approve' }, true],
    [`/api/messages/${messageId}/tool-calls/call_b`, { decision: 'deny', reason: 'Not today.' }, true],
  ])
  await page.close()
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
  expect(await page.getByText('<b>Source</b>').isVisible()).toBe(true)
  await page.close()
})

test('sources, citations once each, progress and errors are readable', async () => {
  const cite = (annotation: Record<string, string>): ProviderEvent => ({ type: 'annotation', key: 't', annotation })
  const { page, messageId } = await showing(
    {
      type: 'block_start',
      key: 'p',
      block: { type: 'progress', status: 'in_progress', text: 'Searching the web', done: false },
    },
    { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 't', field: 'text', text: 'The moon.' },
    cite({ type: 'url_citation', url: 'https://a.example/', title: 'A' }),
    cite({ type: 'url_citation', url: 'https://a.example/', title: 'A' }),
    cite({ type: 'file_citation', filename: 'tides.pdf' }),
    cite({ type: 'url_citation', url: 'javascript:alert(1)', title: 'Bad' }),
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
    {
      type: 'block_start',
      key: 'e',
      block: { type: 'error', status: 'completed', code: 'x', message: 'A filter was left out.', retryable: false },
    },
  )
  await shows(page, `${by('citations')} li`, ['A', 'tides.pdf', 'Bad'])
  expect(await page.locator(`${by('citations')} a`).count()).toBe(1)
  await shows(page, '[data-type=source]', ['B b.exampleAbout it.'])
  await shows(page, '[data-type=error][role=alert]', ['A filter was left out.'])
  expect(await page.locator('[data-type=progress]').getAttribute('class')).not.toContain('done')
  await ada.call('POST', `/api/messages/${messageId}/stop`)
  await shows(page, `${answer} ${by('note')}`, ['Stopped.'])
  expect(await page.locator('[data-type=progress]').getAttribute('class')).toContain('done')
  await page.close()
})

test('a text that turns out to be thoughts is folded away in its place', async () => {
  const { promise, resolve } = Promise.withResolvers<ProviderEvent[]>()
  later = promise
  const { page, messageId } = await showing(
    { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 't', field: 'text', text: 'It may be four.' },
  )
  await shows(page, `${answer} [data-type=text]`, ['It may be four.'])
  later = Promise.resolve([])
  resolve([
    { type: 'block_type', key: 't', block: { type: 'reasoning', origin: 'tag', startedAt: Date.now() } },
    { type: 'block_end', key: 't', status: 'completed', fields: { endedAt: Date.now() } },
    { type: 'block_start', key: 'u', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 'u', field: 'text', text: 'Four.' },
  ])
  await shows(page, `${answer} [data-type=text]`, ['Four.'])
  await shows(page, `${answer} [data-type=reasoning] summary`, ['Thoughts'])
  expect(await page.locator(`${answer} [data-type=reasoning]`).textContent()).toContain('It may be four.')
  expect(await page.locator(`${answer} ${by('block')}`).count()).toBe(2)
  await ada.call('POST', `/api/messages/${messageId}/stop`)
  await page.close()
})

test('what people should know of an end is said below the answer', async () => {
  const words = 'The model provider ended this answer for a reason that is not known here: "moonrise".'
  const { page } = await showing(
    { type: 'block_start', key: 't', block: { type: 'text', status: 'in_progress' } },
    { type: 'delta', key: 't', field: 'text', text: 'Four.' },
    { type: 'block_end', key: 't', status: 'completed' },
    { type: 'finish', reason: 'unknown', note: words },
  )
  await shows(page, `${answer} ${by('note')}`, [words])
  await page.close()
})

/** One red pixel. */
const png = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==',
  'base64',
)

test('pictures of this server are shown and other files saved, with the token; foreign ones are only linked', async () => {
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
  events = [
    {
      type: 'block_start',
      key: 'a',
      block: {
        type: 'file',
        status: 'completed',
        name: 'made.png',
        mimeType: 'image/png',
        url: picture.url,
        size: png.length,
      },
    },
    {
      type: 'block_start',
      key: 'b',
      block: {
        type: 'file',
        status: 'completed',
        name: 'far.png',
        mimeType: 'image/png',
        url: 'https://far.example/far.png',
        size: 2_500_000,
      },
    },
  ]
  await ada.call('POST', `/api/chats/${chatId}/messages`, { content: 'Look', files: [picture.id, notes.id] })
  const page = await openTab(context, server, `token=${ada.token}`)
  const foreign: string[] = []
  page.on('request', (request) => {
    if (!request.url().startsWith(server.url) && !/^(data|blob):/.test(request.url())) foreign.push(request.url())
  })
  await page.goto(`${server.url}/#${chatId}`)
  const width = (alt: string) => page.getByAltText(alt).evaluate((image) => (image as HTMLImageElement).naturalWidth)
  await expect.poll(() => width('dot.png')).toBe(1)
  await expect.poll(() => width('made.png')).toBe(1)
  expect(await page.locator('img').count()).toBe(2)
  await shows(page, '[data-type=file]', ['made.png image/png, 70 bytes ', 'far.png image/png, 2.5 MB'])
  const download = page.waitForEvent('download')
  await page.getByRole('link', { name: 'notes.txt' }).click()
  expect((await download).suggestedFilename()).toBe('notes.txt')
  expect(foreign).toEqual([])
  await page.close()
})

test('who may only read sees no button that changes anything, and still chooses a branch', async () => {
  const { page, chatId, messageId } = await showing(...call('call_a', { status: 'awaiting_approval' }))
  await ada.call('POST', `/api/messages/${messageId}/stop`)
  events = call('call_b', { status: 'awaiting_approval' })
  await ada.call('POST', `/api/chats/${chatId}/messages`, { content: 'please wait', parentId: null })
  await ada.call('POST', `/api/chats/${chatId}/members`, { userId: 'bob', role: 'viewer' })
  const bobs = await openContext(browser, problems)
  const his = await openTab(bobs, server, `token=${await tokenOf('bob')}`)
  await his.goto(`${server.url}/#${chatId}`)
  for (const tab of [page, his]) await shows(tab, statusOf('call_b'), ['waits for approval'])
  const buttons = (tab: Page) => tab.locator('main').getByRole('button').allTextContents()
  await reads(() => buttons(his), ['‹', '›'])
  expect(await buttons(page)).toEqual(
    expect.arrayContaining(['Approve', 'Deny', 'Regenerate', 'Edit', 'Delete', 'Stop']),
  )
  expect(await his.locator('main').getByRole('textbox').count()).toBe(0)
  expect(await his.isVisible(by('read-only'))).toBe(true)
  await his.click(`${question} ${by('previous-sibling')}`)
  await shows(his, statusOf('call_a'), ['was cancelled'])
  await bobs.close()
  await page.close()
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
