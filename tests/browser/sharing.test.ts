/** The page with sign-in on: tokens, invites, two people in one chat, and a list that follows what the other tab does. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { Collector, startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type BrowserContext, type Page } from '../helpers/chromium.ts'
import { Person, secret, tokenOf } from '../http/people.ts'

let browser: Browser
let server: StartedRunnel
let ada: Person
let chatId: string
const problems: string[] = []

beforeAll(async () => {
  server = await startRunnel({ RUNNEL_AUTH_SECRET: secret })
  ada = new Person(server, await tokenOf('ada', { name: 'Ada' }))
  chatId = (await ada.call('POST', '/api/chats', { title: 'Tides' })).body.id
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await server.close()
})

async function openContext(): Promise<BrowserContext> {
  const context = await browser.newContext()
  context.setDefaultTimeout(8_000)
  context.on('weberror', (error) => problems.push(String(error.error())))
  return context
}

async function openPage(context: BrowserContext, hash: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.url}/${hash}`)
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  return page
}

const link = (id: string) => `[data-testid=chats] a[href="#${id}"]`

test('a token in the address signs in, leaves the address and survives a reload; the list is live in a second tab', async () => {
  const context = await openContext()
  const first = await openPage(context, `#token=${ada.token}`)
  const second = await openPage(context, `#token=${ada.token}`)
  expect(first.url()).toBe(`${server.url}/`)
  await first.reload()
  await first.waitForSelector(link(chatId))
  const { id } = (await ada.call('POST', '/api/chats', { title: 'Another' })).body
  for (const page of [first, second]) await page.waitForSelector(link(id))
  await ada.call('PATCH', `/api/chats/${id}`, { title: 'Renamed' })
  for (const page of [first, second]) await page.waitForSelector(`${link(id)}:has-text("Renamed")`)
  await ada.call('DELETE', `/api/chats/${id}`)
  for (const page of [first, second]) await page.waitForSelector(link(id), { state: 'detached' })
  await context.close()
})

async function membersOf(): Promise<string[]> {
  const { items } = (await ada.call('GET', `/api/chats/${chatId}/members`)).body
  return items.map(({ userId }: { userId: string }) => userId)
}

/** For eyes: RUNNEL_TEST_SCREENSHOTS names a folder. */
async function look(page: Page, name: string): Promise<void> {
  const folder = process.env['RUNNEL_TEST_SCREENSHOTS']
  if (folder === undefined) return
  const size = page.viewportSize()!
  for (const width of [360, 1_440]) {
    await page.setViewportSize({ width, height: 720 })
    await page.screenshot({ path: `${folder}/${name}-${width}.png` })
  }
  await page.setViewportSize(size)
}

async function tokenHeld(page: Page): Promise<string | null> {
  return await page.evaluate(() => localStorage.getItem('runnel-token'))
}

test('an invite that is declined, or is not valid any more, makes nobody a member', async () => {
  const cid = await openContext()
  const page = await openPage(cid, `#token=${await tokenOf('cid', { name: 'Cid' })}`)
  const invite = (await ada.call('POST', `/api/chats/${chatId}/invites`, { role: 'viewer' })).body
  await page.goto(server.url + invite.url)
  await page.waitForSelector('[data-testid=join]:has-text("Join as Cid (cid)")')
  expect(await page.textContent('[data-testid=invitation-text]')).toBe('You may read this chat.')
  // The page begins anew: an address that is opened meanwhile would be lost.
  await Promise.all([page.waitForEvent('load'), page.click('[data-testid=decline]')])
  await page.waitForSelector('[data-testid=invitation]', { state: 'detached' })
  await page.goto(`${server.url}/#invite=inv_nothing&chat=${chatId}`)
  await page.waitForSelector('[data-testid=invitation] .fault:not(:empty)')
  expect(await page.isVisible('[data-testid=join]')).toBe(false)
  expect(await membersOf()).not.toContain('cid')
  await cid.close()
})

test('a token in the address never replaces who is signed in without asking, and the question names both', async () => {
  const context = await openContext()
  const page = await openPage(context, `#token=${ada.token}`)
  const mallory = await tokenOf('mallory', { name: 'Ada' })
  await page.goto(`${server.url}/#token=${mallory}`)
  await page.waitForSelector('[data-testid=ask]')
  const text = await page.textContent('[data-testid=ask]')
  for (const words of ['Ada (ada)', 'Ada (mallory)']) expect(text).toContain(words)
  expect(page.url()).toBe(`${server.url}/`)
  await look(page, 'sign-in')
  // Whoever presses Enter or Escape without reading stays who they are.
  await page.keyboard.press('Enter')
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  expect(await tokenHeld(page)).toBe(ada.token)
  await page.goto(`${server.url}/#token=${mallory}`)
  await page.waitForSelector('[data-testid=ask]')
  await page.keyboard.press('Escape')
  await page.waitForSelector(link(chatId))
  expect(await tokenHeld(page)).toBe(ada.token)

  // One that is nobody's says so, whatever it says of itself; one of the same user is a fresh one.
  const forged = `${mallory.split('.')[0]}.${ada.token!.split('.')[1]}.nothing`
  await page.goto(`${server.url}/#token=${forged}`)
  await page.waitForSelector('.fault:has-text("no longer valid")')
  expect(await tokenHeld(page)).toBe(ada.token)
  const fresh = await tokenOf('ada', { name: 'Ada L.', expiresInSeconds: 7_200 })
  await page.goto(`${server.url}/#token=${fresh}`)
  await page.waitForSelector(link(chatId))
  expect(await tokenHeld(page)).toBe(fresh)

  await page.goto(`${server.url}/#token=${mallory}`)
  await page.click('[data-testid=ask-yes]')
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  expect(await tokenHeld(page)).toBe(mallory)
  expect(await page.isVisible(link(chatId))).toBe(false)
  await context.close()
  expect(problems).toEqual([])
}, 30_000)

test('an invite link makes a member of who is signed in and says so, and a guest of anybody else; each sees who is there', async () => {
  const { url } = (await ada.call('POST', `/api/chats/${chatId}/invites`, { role: 'editor' })).body
  const [adas, bobs, guests] = [await openContext(), await openContext(), await openContext()]
  const adasPage = await openPage(adas, `#token=${ada.token}`)
  await adasPage.click(link(chatId))
  const bobsPage = await openPage(bobs, `#token=${await tokenOf('bob', { name: 'Bob' })}`)
  await bobsPage.goto(server.url + url)
  // To open a link is not to join.
  await bobsPage.waitForSelector('[data-testid=join]:has-text("Join as Bob")')
  expect(await bobsPage.textContent('[data-testid=invitation]')).toContain('Tides')
  expect(await bobsPage.textContent('[data-testid=invitation-text]')).toBe('You may read this chat, and write in it.')
  expect(await membersOf()).toEqual(['ada'])
  await look(bobsPage, 'invitation')
  await bobsPage.click('[data-testid=join]')
  await bobsPage.waitForSelector(`${link(chatId)}[aria-current=page]`)
  expect(await membersOf()).toEqual(['ada', 'bob'])
  await adasPage.waitForSelector('[data-testid=presence]:has-text("Bob is here")')
  await bobsPage.waitForSelector('[data-testid=presence]:has-text("Ada is here")')
  const guestsPage = await openPage(guests, url.slice(1))
  await adasPage.waitForSelector('[data-testid=presence]:has-text("Bob and a guest are here")')
  expect(await guestsPage.textContent('h1')).toBe('Tides')
  expect(new URL(guestsPage.url()).hash).toBe(`#${chatId}`)
  // A guest has this one chat: no list, and nothing to make another with.
  expect(await guestsPage.isVisible('[data-testid=new-chat]')).toBe(false)
  await guestsPage.fill('[data-testid=composer]', 'Why are there tides?')
  await guestsPage.press('[data-testid=composer]', 'Enter')
  for (const page of [adasPage, bobsPage, guestsPage])
    await page.waitForSelector('[data-testid=message][data-role=assistant]')
  await bobs.close()
  await adasPage.waitForSelector('[data-testid=presence]:has-text("Bob")', { state: 'detached' })
  await adas.close()
  await guests.close()
  expect(problems).toEqual([])
}, 30_000)

test('each question of a shared chat says who asked, and an answer who else stopped it', async () => {
  const bob = new Person(server, await tokenOf('bob', { name: 'Bob' }))
  const { id } = (await ada.call('POST', '/api/chats', { title: 'Whose' })).body
  await ada.call('POST', `/api/chats/${id}/members`, { userId: 'bob', name: 'Bob', role: 'editor' })
  for (const person of [ada, bob]) {
    const { messageId } = await person.ask('Why?', id)
    await person.call('POST', `/api/messages/${messageId}/stop`, {})
  }
  const context = await openContext()
  const page = await openPage(context, `#token=${ada.token}`)
  await page.click(link(id))
  await page.waitForSelector('[data-testid=note]:has-text("Stopped by Bob")')
  expect(await page.locator('[data-testid=by] bdi').allTextContents()).toEqual(['You', 'Bob'])
  expect((await page.locator('[data-testid=note]').allTextContents()).filter((line) => line.includes('Ada'))).toEqual(
    [],
  )
  await context.close()
})

test('own other tabs are told apart from other people, who are told of typing', async () => {
  const { id } = (await ada.call('POST', '/api/chats', { title: 'Tabs' })).body
  await ada.call('POST', `/api/chats/${id}/members`, { userId: 'bob', name: 'Bob', role: 'editor' })
  const [adas, bobs] = [await openContext(), await openContext()]
  const first = await openPage(adas, `#token=${ada.token}`)
  await first.click(link(id))
  const second = await openPage(adas, `#${id}`)
  const here = (words: string) => `[data-testid=presence]:has-text("${words}")`
  for (const page of [first, second]) await page.waitForSelector(here('You, in 1 more tab'))
  const bob = await openPage(bobs, `#token=${await tokenOf('bob', { name: 'Bob' })}`)
  await bob.click(link(id))
  for (const page of [first, second]) await page.waitForSelector(here('Bob is here'))
  // Two tabs, one person.
  await bob.waitForSelector(here('Ada is here'))
  expect(await bob.locator('[data-testid=presence] .face').count()).toBe(1)
  await first.click('[data-testid=presence]')
  await first.waitForSelector('.people-here:has-text("Ada (you)"):has-text("in 2 tabs")')
  await bob.locator('[data-testid=composer]').pressSequentially('Hm')
  for (const page of [first, second]) await page.waitForSelector(here('Bob is typing'))
  await bob.fill('[data-testid=composer]', '')
  await second.waitForSelector(here('Bob is here'))
  await Promise.all([adas.close(), bobs.close()])
  expect(problems).toEqual([])
}, 30_000)

test('a title is changed where it stands; what the server does not take stays in the field, and nothing that was not wanted is sent', async () => {
  const { id } = (await ada.call('POST', '/api/chats', { title: 'Ebb' })).body
  const context = await openContext()
  const page = await openPage(context, `#token=${ada.token}`)
  await page.click(link(id))
  const [title, field] = ['[data-testid=title]', '[data-testid=title-field]']
  const isTitled = async (words: string) => {
    await page.waitForSelector(`${title}:has-text("${words}")`)
    await page.waitForSelector(`${link(id)}:has-text("${words}")`)
    await expect.poll(() => page.title()).toBe(`${words} · Runnel`)
  }
  const hasFocus = () => page.evaluate(() => document.activeElement?.getAttribute('data-testid') ?? null)
  const patches: string[] = []
  page.on('request', (request) => request.method() === 'PATCH' && patches.push(request.url()))
  await isTitled('Ebb')
  for (const words of ['', 'Ebb', 'Not this']) {
    await page.click(title)
    await page.fill(field, words)
    await page.press(field, words === 'Not this' ? 'Escape' : 'Enter')
    await isTitled('Ebb')
    await expect.poll(hasFocus).toBe('title')
  }
  expect(patches).toEqual([])
  await page.click(title)
  // The field takes no more than the server does.
  await page.fill(field, '')
  await page.locator(field).pressSequentially('x'.repeat(201), { timeout: 15_000 })
  expect(await page.inputValue(field)).toHaveLength(200)
  await page.fill(field, 'Ebb and flow')
  await page.route(/\/api\/chats\/[^/]+$/, (route) =>
    route.fulfill({ status: 403, json: { error: { code: 'forbidden', message: 'You may not.' } } }),
  )
  await page.press(field, 'Enter')
  await page.waitForSelector('h1 .fault')
  expect(await page.inputValue(field)).toBe('Ebb and flow')
  await page.unroute(/\/api\/chats\/[^/]+$/)
  await page.press(field, 'Enter')
  await isTitled('Ebb and flow')
  await expect.poll(hasFocus).toBe('title')
  expect(await page.locator('h1 .fault').count()).toBe(0)
  await page.click(title)
  await page.fill(field, 'By leaving it')
  await page.focus('[data-testid=composer]')
  await isTitled('By leaving it')
  expect([patches.length, await hasFocus()]).toEqual([3, 'composer'])
  await context.close()
  expect(problems).toEqual([])
}, 40_000)

test('above a hundred people are counted, then named again; where somebody reads further up is a way there', async () => {
  const { id } = (await ada.call('POST', '/api/chats', { title: 'A hundred' })).body
  await ada.call('POST', `/api/chats/${id}/members`, { userId: 'bob', name: 'Bob', role: 'editor' })
  const bobsToken = await tokenOf('bob', { name: 'Bob' })
  for (let i = 0; i < 4; i++) {
    const { messageId } = await ada.ask(`Question ${i}. ${'Many words of it. '.repeat(150)}`, id)
    await ada.call('POST', `/api/messages/${messageId}/stop`, {})
  }
  const [adas, bobs] = [await openContext(), await openContext()]
  const page = await openPage(adas, `#token=${ada.token}`)
  await page.click(link(id))
  const bob = await openPage(bobs, `#token=${bobsToken}`)
  await bob.click(link(id))
  const here = '[data-testid=presence]'
  await page.waitForSelector(`${here}:has-text("Bob is here")`)
  await bob.waitForSelector('[data-testid=message]')
  await bob.focus('.scroll')
  await bob.keyboard.press('Home')
  await page.click(here)
  await page.click('.people-here a:has-text("Go to what they are reading")')
  await expect.poll(() => new URL(page.url()).hash).toMatch(new RegExp(`^#${id}/msg_`))
  const read = new URL(page.url()).hash.split('/')[1]!
  await expect
    .poll(() =>
      page.evaluate((id) => {
        const { top, bottom } = document.querySelector(`[data-message-id=${id}]`)!.getBoundingClientRect()
        return top < innerHeight && bottom > 0
      }, read),
    )
    .toBe(true)

  // With the two tabs they are 101.
  const crowd = Array.from({ length: 99 }, () => new Collector(server.url, { token: bobsToken }))
  await Promise.all(crowd.map((one) => one.follow(id)))
  await page.waitForSelector(`${here}:has-text("101 are here")`)
  expect(await page.locator(`${here} .face`).count()).toBe(0)
  await page.click(here)
  await page.getByText('101 are here. So many are counted, not named.').waitFor()
  expect(await page.locator('.people-here li').count()).toBe(1)
  await Promise.all(crowd.map((one) => one.close()))
  await page.waitForSelector(`${here}:has-text("Bob is here")`)
  await Promise.all([adas.close(), bobs.close()])
  expect(problems).toEqual([])
}, 40_000)

test('as long as nobody has said what this person may do there is nothing to do it with', async () => {
  const { id } = (await ada.call('POST', '/api/chats', { title: 'No role yet' })).body
  const { messageId } = await ada.ask('Who am I?', id)
  await ada.call('POST', `/api/messages/${messageId}/stop`, {})
  const context = await openContext()
  const page = await context.newPage()
  // The line comes late: all of it is read over HTTP.
  await page.routeWebSocket(/\/ws/, () => {})
  await page.goto(`${server.url}/#token=${ada.token}`)
  await page.click(link(id))
  await page.waitForSelector('[data-testid=message][data-role=user]:has-text("Who am I?")')
  expect(await page.textContent('h1')).toBe('No role yet')
  for (const gone of ['composer', 'send', 'share', 'regenerate', 'edit', 'title-field'])
    expect(await page.locator(`[data-testid=${gone}]`).count(), gone).toBe(0)
  expect(await page.locator('h1 button, main :disabled, main [aria-disabled=true]').count()).toBe(0)
  await context.close()
})

test('the owner shares by a dialog: people, roles, links and who came by them; who was reading is told so and keeps nothing', async () => {
  const { id } = (await ada.call('POST', '/api/chats', { title: 'Secret plans' })).body
  await ada.ask('slow words of ours', id)
  const [adas, bobs, cids, guests] = await Promise.all([openContext(), openContext(), openContext(), openContext()])
  const page = await openPage(adas, `#token=${ada.token}`)
  await page.click(link(id))
  await page.click('[data-testid=share]')
  await page.fill('[data-testid=add-id]', 'bob')
  await page.click('[data-testid=add-member]')
  const bobsRow = '[data-testid=members] [data-user-id=bob]'
  await page.selectOption(`${bobsRow} select`, 'viewer')
  await expect.poll(async () => (await ada.call('GET', `/api/chats/${id}/members`)).body.items[1]?.role).toBe('viewer')
  await page.selectOption('[data-testid=link-time]', { label: '1 day' })
  await page.click('[data-testid=make-link]')
  const url = await page.inputValue('[data-testid=new-link] input')
  const [{ expiresAt }] = (await ada.call('GET', `/api/chats/${id}/invites`)).body.items
  expect(Math.abs(expiresAt - Date.now() - 86_400_000)).toBeLessThan(60_000)
  const until = new Intl.DateTimeFormat('en', { dateStyle: 'medium', timeStyle: 'short' }).format(expiresAt)
  await page.waitForSelector(`[data-testid=links] li:has-text("May read, good until ${until}")`)
  await adas.grantPermissions(['clipboard-read', 'clipboard-write'])
  await page.click('[data-testid=new-link] button')
  await expect.poll(() => page.evaluate(() => navigator.clipboard.readText())).toBe(url)
  await page.waitForSelector('[data-testid=links] li:has-text("Nobody has used it yet")')

  // While the answer is being written: a guest, and one who has an account.
  const guest = await openPage(guests, url.slice(url.indexOf('#')))
  const cid = await openPage(cids, `#token=${await tokenOf('cid', { name: 'Cid' })}`)
  await cid.goto(url)
  await cid.click('[data-testid=join]')
  const bob = await openPage(bobs, `#token=${await tokenOf('bob', { name: 'Bob' })}`)
  await bob.click(link(id))
  const readers = [guest, cid, bob]
  for (const reader of readers) {
    await reader.waitForSelector('[data-testid=message][data-role=assistant] [data-testid=block]')
    expect(await reader.textContent('h1')).toBe('Secret plans')
    await seesNoDeadButton(reader)
  }
  await page.keyboard.press('Escape')
  await page.click('[data-testid=share]')
  await page.waitForSelector('[data-testid=links] li:has-text("Used by Cid")')
  await page.click('[data-testid=revoke]')
  for (const user of ['cid', 'bob']) {
    await page.click(`[data-testid=members] [data-user-id=${user}] [data-testid=remove-member]`)
    await page.waitForSelector(`[data-testid=members] [data-user-id=${user}]`, { state: 'detached' })
  }
  for (const reader of readers) {
    await reader.waitForSelector('[data-testid=gone]')
    await reader.waitForSelector(link(id), { state: 'detached' })
    const left = await reader.evaluate(() => JSON.stringify([localStorage, sessionStorage, document.title]))
    expect(`${left} ${await reader.content()}`).not.toMatch(/Secret plans|words of ours/)
    expect(await reader.locator('[data-testid=composer]').count()).toBe(0)
  }
  // What there is to do.
  await bob.click('[data-testid=gone] button:has-text("New chat")')
  await bob.waitForSelector('[data-testid=composer]')
  expect(await guest.textContent('[data-testid=gone]')).toContain('The link no longer works')
  await Promise.all([adas, bobs, cids, guests].map((context) => context.close()))
  expect(problems).toEqual([])
}, 30_000)

/** Of one who may only read: nothing to write with, nothing that changes anything, nothing that does nothing. */
async function seesNoDeadButton(page: Page): Promise<void> {
  for (const gone of ['composer', 'send', 'stop', 'regenerate', 'title-field'])
    expect(await page.locator(`[data-testid=${gone}]`).count(), gone).toBe(0)
  expect(await page.locator('h1 button, main :disabled, main [aria-disabled=true]').count()).toBe(0)
  await page.click('[data-testid=share]')
  await page.waitForSelector('[data-testid=members]')
  expect(await page.locator('[data-testid=sharing] :is(select, input, [data-testid=revoke])').count()).toBe(0)
  await page.keyboard.press('Escape')
  await page.waitForSelector('[data-testid=sharing]', { state: 'detached' })
}
