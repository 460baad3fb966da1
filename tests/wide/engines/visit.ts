/** What a test of the walk begins with, and what it looks at. */
import { expect, onTestFinished } from 'vitest'
import type { RunnelOptions } from '../../../server/index.ts'
import { startFakeOpenAI, startRunnel } from '../../../testing/index.ts'
import { startLine } from '../../../testing/line.ts'
import { reads } from '../../browser/tabs.ts'
import { saysHello } from '../../helpers/says-hello.ts'
import type { Engine, Tab } from './engine.ts'
import type { WalkedPage } from './pages.ts'

/** A stream that is held back is noticed when its welcome or a pong does not come. */
export const patienceMs = 30_000

export const opening = '# Tides\n\nThe **moon** pulls the sea.\n\n'
export const middle = '| where | metres |\n|---|---|\n| Fundy | 16 |\n\n```ts\nconst pull = 1\n```\n\nAnd so'
export const opened = { status: 'streaming', headings: ['Tides'], strong: ['moon'], cells: [], code: [] }
export const grown = { ...opened, cells: ['where', 'metres', 'Fundy', '16'], code: ['const pull = 1'] }

/** A server, the page before it, and the line between them, until the test ends. */
export async function visit(engine: Engine, page: WalkedPage, settings: RunnelOptions = {}) {
  const fake = await startFakeOpenAI(saysHello)
  onTestFinished(() => fake.close())
  const server = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: fake.url, ...settings })
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
  return {
    fake,
    server,
    proxy,
    open,
    transports: () => Promise.resolve(server.runnel.stats().transports),
    /** In a new tab; what is answered is up to the test. */
    ask: async (hash = '') => {
      const tab = await open(`http://127.0.0.1:${proxy.port}/${hash}`)
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

/** Waits until there is one. */
export const has = (tab: Tab, selector: string, isThere = true) =>
  reads(() => tab.evaluate((selector) => document.querySelector(selector) !== null, selector), isThere, patienceMs)

/** From now on it keeps what no code of the page has caught, and what the page's policy forbids. */
export const watch = (tab: Tab) =>
  tab.evaluate(() => {
    const problems: string[] = ((globalThis as Watched).problems = [])
    addEventListener('error', ({ message }) => problems.push(message))
    addEventListener('unhandledrejection', ({ reason }) => problems.push(String(reason)))
    addEventListener('securitypolicyviolation', ({ blockedURI }) => problems.push(`forbidden: ${blockedURI}`))
  })

export type Visited = Tab & { page: WalkedPage }

/** Waits until the last answer of a tab has these parts, and ends with this text. */
export async function shows(tab: Visited, parts: Partial<typeof grown>, end: string): Promise<void> {
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
