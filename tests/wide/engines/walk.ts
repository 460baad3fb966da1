/** What a person meets, the same in every engine: answers that grow, tabs, reloads, Stop, and lines that come and go. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { TransportName } from '../../../shared/transports.ts'
import { startFakeOpenAI, startRunnel } from '../../../testing/index.ts'
import { reads } from '../../browser/tabs.ts'
import { saysHello } from '../../helpers/says-hello.ts'
import { startLine } from '../../../testing/line.ts'
import type { Engine, Tab } from './engine.ts'
import { pages, type WalkedPage } from './pages.ts'

/** A stream that is held back is noticed when its welcome or a pong does not come. */
const patienceMs = 30_000

const opening = '# Tides\n\nThe **moon** pulls the sea.\n\n'
const middle = '| where | metres |\n|---|---|\n| Fundy | 16 |\n\n```ts\nconst pull = 1\n```\n\nAnd so'
const opened = { status: 'streaming', headings: ['Tides'], strong: ['moon'], cells: [], code: [] }
const grown = { ...opened, cells: ['where', 'metres', 'Fundy', '16'], code: ['const pull = 1'] }

/** Declares the tests of one engine. */
export function walkThrough(name: string, launch: () => Promise<Engine>): void {
  let engine: Engine | undefined

  beforeAll(async () => {
    engine = await launch()
    console.log(`${name}: ${engine.name}`)
  }, 60_000)
  afterAll(async () => {
    await engine?.close()
  })

  test.each(Object.entries(pages))(
    '%s: an answer grows in two tabs, and over a reload, until Stop',
    async (_, page) => {
      const { ask, open, transports } = await visit(engine!, page)
      const { tab, url, answer } = await ask()
      await reads(() => transports(), { websocket: 1, stream: 0, poll: 0 }, patienceMs)
      answer.send(opening)
      await shows(tab, opened, 'The moon pulls the sea.')
      answer.send(middle)
      await shows(tab, grown, 'And so')

      const other = await open(url)
      await shows(other, grown, 'And so')
      answer.send(' it goes')
      for (const each of [tab, other]) await shows(each, grown, 'And so it goes')

      await tab.reload()
      await watch(tab)
      await shows(tab, grown, 'And so it goes')
      answer.send(' on')
      for (const each of [tab, other]) await shows(each, grown, 'And so it goes on')

      await other.click(page.stop)
      await (
        await answer.request
      ).hungUp
      for (const each of [tab, other]) await shows(each, { ...grown, status: 'stopped' }, 'And so it goes on')
    },
  )

  test.each(Object.entries(pages))('%s: every transport, and a line that breaks', async (_, page) => {
    const { ask, proxy, transports } = await visit(engine!, page)
    const { tab, answer } = await ask()
    const on = (transport: TransportName | null) =>
      reads(() => transports(), { websocket: 0, stream: 0, poll: 0, ...(transport && { [transport]: 1 }) }, patienceMs)
    await on('websocket')
    answer.send(opening)
    await shows(tab, opened, 'The moon pulls the sea.')

    proxy.refusesUpgrades = true
    proxy.cut()
    await on('stream')
    answer.send(middle)
    await shows(tab, grown, 'And so')

    proxy.holdsAfter = 0
    proxy.cut()
    await on('poll')
    answer.send(' it goes')
    await shows(tab, grown, 'And so it goes')

    Object.assign(proxy, { refusesUpgrades: false, holdsAfter: null })
    // Another network, as the machine says; else it is tried again after a minute.
    await tab.evaluate(() => void dispatchEvent(new Event('online')))
    await on('websocket')
    answer.send(' on')
    await shows(tab, grown, 'And so it goes on')

    proxy.mode = 'refuse'
    proxy.cut()
    await on(null)
    answer.send(' and on')
    answer.end()
    proxy.mode = 'pass'
    await shows(tab, { ...grown, status: 'completed' }, 'And so it goes on and on')
    await on('websocket')
  })

  test('the React example: another answer, and a choice between both', async () => {
    const page = pages['the React example']
    const { ask, fake } = await visit(engine!, page)
    const { tab, answer } = await ask()
    answer.send('The moon.')
    answer.end()
    await shows(tab, { status: 'completed' }, 'The moon.')
    const other = fake.manual()
    await tab.click('article button:nth-of-type(2)')
    other.send('The **sun**, too.')
    await shows(tab, { status: 'streaming', strong: ['sun'] }, 'The sun, too.')
    other.end()
    await shows(tab, { status: 'completed' }, 'The sun, too.')
    await tab.click('article button:nth-of-type(3)')
    await shows(tab, { status: 'completed' }, 'The moon.')
  })
}

/** A server, the page before it, and the line between them, until the test ends. */
async function visit(engine: Engine, page: WalkedPage) {
  const fake = await startFakeOpenAI(saysHello)
  onTestFinished(() => fake.close())
  const server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url })
  onTestFinished(() => server.close())
  const served = new URL(await page.serve(server.url))
  const proxy = await startLine(Number(served.port))
  onTestFinished(() => proxy.close())

  const open = async (url: string) => {
    const tab = { ...(await engine.open(url)), page }
    onTestFinished(async () => {
      const problems = await tab.evaluate(() => (globalThis as Watched).problems)
      await tab.close()
      expect(problems).toEqual([])
    })
    await watch(tab)
    return tab
  }
  const has = (tab: Tab, selector: string) =>
    reads(() => tab.evaluate((selector) => document.querySelector(selector) !== null, selector), true, patienceMs)
  return {
    fake,
    proxy,
    open,
    transports: () => Promise.resolve(server.runnel.stats().transports),
    /** In a new tab; what is answered is up to the test. */
    ask: async () => {
      const tab = await open(`http://127.0.0.1:${proxy.port}/`)
      await has(tab, page.composer)
      const answer = fake.manual()
      await tab.type(page.composer, 'Why are there tides?\n')
      await answer.request
      await has(tab, page.answer)
      return { tab, answer, url: await tab.evaluate(() => location.href) }
    },
  }
}

type Watched = { problems?: string[] }

/** From now on it keeps what no code of the page has caught, and what the page's policy forbids. */
const watch = (tab: Tab) =>
  tab.evaluate(() => {
    const problems: string[] = ((globalThis as Watched).problems = [])
    addEventListener('error', ({ message }) => problems.push(message))
    addEventListener('unhandledrejection', ({ reason }) => problems.push(String(reason)))
    addEventListener('securitypolicyviolation', ({ blockedURI }) => problems.push(`forbidden: ${blockedURI}`))
  })

type Visited = Tab & { page: WalkedPage }

/** Waits until the last answer of a tab has these parts, and ends with this text. */
async function shows(tab: Visited, parts: Partial<typeof grown>, end: string): Promise<void> {
  await reads(
    async () => {
      const { text, ...shown } = await lastAnswer(tab)
      const asked = Object.fromEntries(Object.entries(shown).filter(([part]) => part in parts))
      return { ...asked, end: text.slice(-end.length) }
    },
    { ...parts, end },
    patienceMs,
  )
}

const lastAnswer = (tab: Visited) =>
  tab.evaluate(
    (selector, inner) => {
      const answer = [...document.querySelectorAll(selector)].at(-1)
      const texts = [...(answer?.querySelectorAll(inner) ?? [])]
      const textsOf = (tags: string) =>
        texts.flatMap((text) => [...text.querySelectorAll(tags)].map((node) => node.textContent.trim()))
      return {
        status: answer?.getAttribute('data-status') ?? '',
        text: texts
          .map((text) => text.textContent)
          .join('')
          .trim(),
        headings: textsOf('h1, h2, h3, h4, h5, h6'),
        strong: textsOf('strong'),
        cells: textsOf('th, td'),
        code: textsOf('pre code'),
      }
    },
    tab.page.answer,
    tab.page.text,
  )
