/** What the page has and the React example has not: sharing, questions that wait for the line, reading, and a field that grows. */
import { expect, test } from 'vitest'
import { reads } from '../../browser/tabs.ts'
import { secret, tokenOf } from '../../http/people.ts'
import type { Engine, Tab } from './engine.ts'
import { pages } from './pages.ts'
import { grown, has, middle, opened, opening, patienceMs, shows, visit, watch } from './visit.ts'

const page = pages['the page']
const by = (testId: string) => `[data-testid=${testId}]`

export function walkThePage(engine: () => Engine): void {
  test('the page: a guest comes by a link in the middle of an answer, and the link is revoked', async () => {
    const { ask, open, server } = await visit(engine(), page, { RUNNEL_AUTH_SECRET: secret })
    const { tab, answer } = await ask(`#token=${await tokenOf('ada', { name: 'Ada' })}`)
    answer.send(opening)
    await shows(tab, opened, 'The moon pulls the sea.')
    await press(tab, by('share'))
    await press(tab, by('make-link'))
    await has(tab, `${by('new-link')} input`)
    const link = await tab.evaluate((field) => document.querySelector<HTMLInputElement>(field)!.value, linkField)
    // Another origin: nothing is kept there of who has made it.
    const guest = await open(server.url + link.slice(link.indexOf('/#')))
    await shows(guest, opened, 'The moon pulls the sea.')
    await says(tab, by('presence'), 'a guest is here')
    await has(guest, page.composer, false)
    answer.send(middle)
    for (const each of [tab, guest]) await shows(each, grown, 'And so')
    await press(tab, by('revoke'))
    await has(guest, by('gone'))
    expect(await guest.evaluate(() => document.body.textContent)).not.toContain('moon')
    answer.end()
    await shows(tab, { ...grown, status: 'completed' }, 'And so')
  })

  test('the page: over HTTP, and without any line two questions wait and are asked once, in order', async () => {
    const { ask, fake, proxy, server } = await visit(engine(), page)
    proxy.refusesUpgrades = true
    const { tab, answer, url } = await ask()
    await says(tab, by('connection'), 'Over HTTP')
    answer.send(opening)
    await shows(tab, opened, 'The moon pulls the sea.')
    proxy.mode = 'refuse'
    proxy.cut()
    await has(tab, `${by('connection')}:not([data-status=open])`)
    const later = [fake.manual(), fake.manual()]
    for (const question of ['And the sun?', 'And Jupiter?']) await tab.type(page.composer, `${question}\n`)
    await lists(tab, `${by('outgoing')}[data-waiting=true] .waiting-text`, ['And the sun?', 'And Jupiter?'])
    answer.send(middle)
    Object.assign(proxy, { mode: 'pass', refusesUpgrades: false })
    await tab.evaluate(() => void dispatchEvent(new Event('online')))
    await says(tab, by('connection'), 'Live')
    await shows(tab, grown, 'And so')
    await has(tab, by('outgoing'), false)
    answer.end()
    for (const [index, each] of later.entries()) {
      await each.request
      each.send(`The answer ${index + 1}.`)
      each.end()
    }
    await shows(tab, { status: 'completed' }, 'The answer 2.')
    await lists(tab, '.said .bubble', ['Why are there tides?', 'And the sun?', 'And Jupiter?'])
    const { items } = (await server.call('GET', `/api/chats/${url.split('#')[1]}/messages`)).body
    expect(items.map(({ role }: { role: string }) => role)).toEqual(Array(3).fill(['user', 'assistant']).flat())
  })

  test('the page: the end is followed until the reader leaves it; what comes at once is shown evenly', async () => {
    const { ask } = await visit(engine(), page)
    const { tab, answer } = await ask()
    const line = (of: string) => `${`Words of line ${of}. `.repeat(12)}\n\n`
    for (let index = 0; index < 20; index++) answer.send(line(`${index}`))
    await shows(tab, { status: 'streaming' }, 'Words of line 19.')
    await reads(() => tab.evaluate(fromEnd), 0, patienceMs)

    const revealed = tab.evaluate(watchReveal, page.text)
    answer.send(line('twenty'))
    const { steps, longestFrame } = await revealed
    if (longestFrame < 50) expect(steps).toBeGreaterThan(2)
    await reads(() => tab.evaluate(fromEnd), 0, patienceMs)

    await tab.key('PageUp')
    await has(tab, by('to-end'))
    const top = await tab.evaluate(topOfFirstRead)
    for (let index = 30; index < 40; index++) answer.send(line(`${index}`))
    await shows(tab, { status: 'streaming' }, 'Words of line 39.')
    await has(tab, `${by('to-end')}:not([data-lines='0'])`)
    expect(Math.abs((await tab.evaluate(topOfFirstRead)) - top)).toBeLessThanOrEqual(1)
    await tab.click(by('to-end'))
    await reads(() => tab.evaluate(fromEnd), 0, patienceMs)

    // A field that grows and is measured moves nothing above it.
    await tab.evaluate(fill, page.composer, 'line\n'.repeat(8))
    await reads(() => tab.evaluate(fromEnd), 0, patienceMs)
    await tab.type(page.composer, 'more')
    answer.send(line('forty'))
    await shows(tab, { status: 'streaming' }, 'Words of line forty.')
    await reads(() => tab.evaluate(fromEnd), 0, patienceMs)
    await has(tab, by('to-end'), false)
    answer.end()
    await shows(tab, { status: 'completed' }, 'Words of line forty.')
  })

  test('the page: fields are as high as their text; what is written from the right stands there, in light and dark', async () => {
    const { ask } = await visit(engine(), page)
    const { tab, answer } = await ask()
    const heightOf = (field: string, text: string) => tab.evaluate(fill, field, text)
    const one = await heightOf(page.composer, 'one line')
    expect(await heightOf(page.composer, 'line\n'.repeat(5))).toBeGreaterThan(one * 3)
    const third = (await tab.evaluate(() => innerHeight)) * 0.33 + 1
    expect(await heightOf(page.composer, 'line\n'.repeat(60))).toBeLessThanOrEqual(third)
    expect(await heightOf(page.composer, 'words '.repeat(100))).toBeGreaterThan(one)
    expect(await heightOf(page.composer, '')).toBeLessThanOrEqual(one)
    await tab.type(page.composer, 'مرحبا')
    expect(
      await tab.evaluate((field) => getComputedStyle(document.querySelector(field)!).direction, page.composer),
    ).toBe('rtl')

    answer.send('# שלום עולם\n\nThe moon.\n\nمرحبا بالعالم `code`\n\n- أولا\n- second\n\n')
    answer.send(`| اسم | name |\n|---|---|\n| واحد | ${'a long cell '.repeat(40)} |\n\n${'עברית '.repeat(100)}\n\nדי.`)
    answer.end()
    await shows(tab, { status: 'completed' }, 'די.')
    const directions = await tab.evaluate((text) => {
      const of = (tag: string) =>
        [...document.querySelectorAll(`${text} ${tag}`)].map((block) => getComputedStyle(block).direction)
      return { h1: of('h1'), p: of('p'), li: of('li'), td: of('td') }
    }, page.text)
    expect(directions).toEqual({ h1: ['rtl'], p: ['ltr', 'rtl', 'rtl', 'rtl'], li: ['rtl', 'rtl'], td: ['rtl', 'rtl'] })
    expect(
      await tab.evaluate(() =>
        [document.documentElement, document.querySelector('.scroll')!].map((box) => box.scrollWidth - box.clientWidth),
      ),
    ).toEqual([0, 0])

    // An earlier question is changed in a field that shows all of it.
    await tab.evaluate(fill, page.composer, '')
    await tab.key('ArrowUp')
    await has(tab, by('edit-text'))
    expect(await heightOf(by('edit-text'), 'line\n'.repeat(8))).toBeGreaterThan(one * 7)
    await press(tab, by('edit-cancel'))

    const colours: string[] = []
    for (const scheme of ['light', 'dark']) {
      await tab.evaluate((scheme) => localStorage.setItem('runnel-scheme', scheme), scheme)
      await tab.reload()
      await watch(tab)
      await has(tab, page.answer)
      colours.push(await tab.evaluate(() => getComputedStyle(document.body).backgroundColor))
    }
    expect(new Set(colours).size).toBe(2)
  })
}

const linkField = `${by('new-link')} input`

const lists = (tab: Tab, selector: string, wanted: string[]) =>
  reads(
    () => tab.evaluate((selector) => [...document.querySelectorAll(selector)].map((one) => one.textContent), selector),
    wanted,
    patienceMs,
  )

const says = (tab: Tab, selector: string, words: string) =>
  reads(
    () => tab.evaluate((selector) => document.querySelector(selector)?.textContent, selector),
    expect.stringContaining(words),
    patienceMs,
  )

async function press(tab: Tab, selector: string): Promise<void> {
  await has(tab, selector)
  await tab.click(selector)
}

// These run in the page.

function fromEnd(): number {
  const view = document.querySelector('.scroll')!
  return Math.max(0, Math.round(view.scrollHeight - view.clientHeight - view.scrollTop) - 2)
}

/** Where the first paragraph that can be read whole stands. */
function topOfFirstRead(): number {
  const { top } = document.querySelector('.scroll')!.getBoundingClientRect()
  const read = [...document.querySelectorAll('.scroll p')].find((text) => text.getBoundingClientRect().top >= top)
  return read!.getBoundingClientRect().top
}

/** Puts this into a field as a paste does, and says how high it is then. */
function fill(field: string, text: string): number {
  const area = document.querySelector<HTMLTextAreaElement>(field)!
  area.focus()
  Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value')!.set!.call(area, text)
  area.dispatchEvent(new Event('input', { bubbles: true }))
  return area.clientHeight
}

/** From the next text on until it has come: in how many steps, and how long a frame took at the most. */
function watchReveal(text: string): Promise<{ steps: number; longestFrame: number }> {
  const length = () => document.querySelector(text)!.textContent.length
  return new Promise((resolve) => {
    let last = length()
    let before = performance.now()
    let grownAt: number | null = null
    let steps = 0
    let longestFrame = 0
    const frame = (now: number) => {
      if (grownAt !== null) longestFrame = Math.max(longestFrame, now - before)
      before = now
      const next = length()
      if (next !== last) {
        last = next
        grownAt = now
        steps += 1
      }
      if (grownAt !== null && now - grownAt > 300) resolve({ steps, longestFrame })
      else requestAnimationFrame(frame)
    }
    requestAnimationFrame(frame)
  })
}
