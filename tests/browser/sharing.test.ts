/** The page with sign-in on: tokens, invites, two people in one chat, and a list that follows what the other tab does. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
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
  await page.click('[data-testid=decline]')
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
  await page.click('[data-testid=make-link]')
  const url = await page.inputValue('[data-testid=new-link] input')
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
    expect(`${await reader.title()} ${await reader.textContent('body')}`).not.toMatch(/Secret plans|words of ours/)
  }
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
