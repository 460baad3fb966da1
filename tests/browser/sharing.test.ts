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
  context.on('weberror', (error) => problems.push(String(error.error())))
  return context
}

async function openPage(context: BrowserContext, hash: string): Promise<Page> {
  const page = await context.newPage()
  await page.goto(`${server.url}/${hash}`)
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  return page
}

const link = (id: string) => `[data-testid=chat-list] a[data-chat-id=${id}]`

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

test('an invite link makes a member of who is signed in, and a guest of anybody else; each sees who is there', async () => {
  const { url } = (await ada.call('POST', `/api/chats/${chatId}/invites`, { role: 'editor' })).body
  const [adas, bobs, guests] = [await openContext(), await openContext(), await openContext()]
  const adasPage = await openPage(adas, `#token=${ada.token}`)
  await adasPage.click(link(chatId))
  const bobsPage = await openPage(bobs, `#token=${await tokenOf('bob', { name: 'Bob' })}`)
  await bobsPage.goto(server.url + url)
  await bobsPage.waitForSelector(`${link(chatId)}[aria-current=page]`)
  await adasPage.waitForSelector('[data-testid=presence]:has-text("Also here: Bob")')
  await bobsPage.waitForSelector('[data-testid=presence]:has-text("Also here: Ada")')
  const guestsPage = await openPage(guests, url.slice(1))
  await adasPage.waitForSelector('[data-testid=presence]:has-text("Guest")')
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
