/** Another answer, another question, going on, and tools that wait for a person: the page against a real server. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { z } from 'zod'
import { defineTool } from '../../server/extension/tool.ts'
import type { Provider, ProviderEvent, ProviderRequest } from '../../server/provider/events.ts'
import type { Message } from '../../shared/schema.ts'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { answer, by, openContext, openTab, question, reads, shows, textEvents } from './tabs.ts'

let browser: Browser
let context: BrowserContext
let server: StartedRunnel
const problems: string[] = []
/** How often each question was put to the model. */
const rounds = new Map<string, number>()

const city = z.object({ city: z.string() })
const tools = [
  defineTool({
    name: 'get_weather',
    description: 'The weather',
    parameters: city,
    approval: true,
    execute: ({ city }) => `sunny in ${city}`,
  }),
  defineTool({ name: 'ask_person', description: 'What a person says', parameters: city }),
]

/** Calls the tool that a question names, and then says what came of it; else counts its answers. */
const provider: Provider = async function* (request, signal) {
  // The first: a continuation may end with an instruction of the server's own.
  const asked = request.prompt.find((item) => item.role === 'user')?.text ?? ''
  const round = (rounds.get(asked) ?? 0) + 1
  rounds.set(asked, round)
  const output = outputOf(request)
  const name = tools.find((tool) => asked.includes(tool.name))?.name
  if (name !== undefined && output === undefined) {
    yield* callEvents(name)
    yield { type: 'finish', reason: 'tool_calls' }
    return
  }
  yield* textEvents(output === undefined ? `${asked}: ${round}. ` : `It gave: ${output}`)
  if (asked.includes('wait') && round === 1)
    await new Promise((resolve) => {
      signal.addEventListener('abort', resolve)
    })
  signal.throwIfAborted()
  yield { type: 'finish', reason: 'stop' }
}

function callEvents(name: string): ProviderEvent[] {
  return [
    {
      type: 'block_start',
      key: 'c',
      block: { type: 'tool_call', status: 'streaming', callId: `call_${name}`, name, executor: 'client' },
    },
    { type: 'delta', key: 'c', field: 'arguments', text: '{"city":"Lisbon"}' },
    { type: 'block_end', key: 'c', status: 'pending' },
  ]
}

function outputOf({ prompt }: ProviderRequest): string | undefined {
  return prompt.flatMap((item) => (item.role === 'assistant' ? (item.toolCalls ?? []) : [])).at(-1)?.output
}

beforeAll(async () => {
  server = await startRunnel({ provider, tools })
  browser = await launchChromium()
  context = await openContext(browser, problems)
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

async function opened(content: string): Promise<{ page: Page; messageId: string; again: () => Promise<Page> }> {
  const { chatId, messageId } = await server.ask(content)
  const again = async () => {
    const page = await openTab(context, server, chatId)
    await page.waitForSelector(`${answer} ${by('block')}`)
    return page
  }
  return { page: await again(), messageId, again }
}

const hasStatus = (page: Page, status: string) => page.waitForSelector(`${answer}[data-status=${status}]`)
const texts = (page: Page, ...wanted: string[]) => shows(page, `${answer} [data-type=text] .growing`, wanted)
const call = (page: Page) => page.locator('[data-type=tool_call]')
const canonical = async (id: string) => (await server.call('GET', `/api/messages/${id}`)).body as Message

test('Regenerate shows another answer beside the first, in every tab that chose nothing else', async () => {
  const { page, again } = await opened('again')
  const other = await again()
  await hasStatus(page, 'completed')
  await page.click(by('regenerate'))
  for (const tab of [page, other]) {
    await texts(tab, 'again: 2. ')
    await shows(tab, `${by('sibling-position')}:visible`, ['2/2Version 2 of 2'])
  }
  await other.click(`${answer} ${by('previous-sibling')}`)
  await texts(other, 'again: 1. ')
  await page.click(by('regenerate'))
  await texts(page, 'again: 3. ')
  await shows(other, `${by('sibling-position')}:visible`, ['1/3Version 1 of 3'])
  await texts(other, 'again: 1. ')
  for (const tab of [page, other]) await tab.close()
})

test('Edit asks anew on a branch of its own, and the old one stays', async () => {
  const { page } = await opened('before')
  await hasStatus(page, 'completed')
  await page.click(by('edit'))
  await page.fill(by('edit-text'), 'after')
  await page.press(by('edit-text'), 'Enter')
  await texts(page, 'after: 1. ')
  await shows(page, `${question} ${by('sibling-position')}`, ['2/2Version 2 of 2'])
  await page.click(`${question} ${by('previous-sibling')}`)
  await texts(page, 'before: 1. ')
  await page.close()
})

test('Continue goes on with the same message under a new run', async () => {
  const { page, messageId } = await opened('wait')
  await texts(page, 'wait: 1. ')
  await page.click(by('stop'))
  await hasStatus(page, 'stopped')
  const { taskId } = await canonical(messageId)
  await page.click(by('continue'))
  await hasStatus(page, 'completed')
  await reads(
    async () => (await page.locator(`${answer} [data-type=text] .growing`).allTextContents()).join(''),
    'wait: 1. wait: 2. ',
  )
  expect(await page.isVisible(by('continue'))).toBe(false)
  expect((await canonical(messageId)).taskId).not.toBe(taskId)
  await page.close()
})

test('a call is approved in one tab, and every tab sees it run and the answer go on', async () => {
  const { page, again } = await opened('get_weather please')
  const other = await again()
  for (const tab of [page, other]) {
    await call(tab).getByRole('button', { name: 'Approve', exact: true }).waitFor()
    await shows(tab, `${answer} ${by('note')}`, ['Waiting for approval'])
  }
  await page.click(by('approve'))
  for (const tab of [page, other]) {
    await texts(tab, 'It gave: sunny in Lisbon')
    await shows(tab, by('call-status'), ['done'])
    expect(await tab.isVisible(by('approve'))).toBe(false)
  }
  for (const tab of [page, other]) await tab.close()
})

test('a call that is denied is not run', async () => {
  const { page } = await opened('get_weather or not')
  await page.click(by('deny'))
  await page.fill(by('reason'), 'No need.')
  await page.click(by('deny-now'))
  await shows(page, by('call-status'), ['not allowed'])
  await hasStatus(page, 'completed')
  expect(await page.getByText('sunny').count()).toBe(0)
  await page.close()
})

test("what a person gives as the result of a client's tool reaches the model", async () => {
  const { page, messageId } = await opened('ask_person please')
  await shows(page, `${answer} ${by('note')}`, ['Waiting for a result'])
  await page.fill(by('call-output'), '{"rain":true}')
  await page.click(by('send-output'))
  await hasStatus(page, 'completed')
  await shows(page, by('call-status'), ['done'])
  expect(await page.isVisible(by('call-output'))).toBe(false)
  expect((await canonical(messageId)).output.find((block) => block.type === 'tool_call')?.output).toBe('{"rain":true}')
  await page.close()
})

test('the page has met no error', () => {
  expect(problems).toEqual([])
})
