/** What a person meets, the same in every engine: answers that grow, tabs, reloads, Stop, and lines that come and go. */
import { afterAll, beforeAll, test } from 'vitest'
import type { TransportName } from '../../../shared/transports.ts'
import { reads } from '../../browser/tabs.ts'
import type { Engine } from './engine.ts'
import { pages } from './pages.ts'
import { walkThePage } from './page-walk.ts'
import { grown, middle, opened, opening, patienceMs, shows, visit, watch } from './visit.ts'

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

  walkThePage(() => engine!)
}
