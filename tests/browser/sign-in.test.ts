/** `window.runnelSignIn`: a program that has the page signs its users in there, and again when a token ends in the middle of an answer. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { Person, secret, tokenOf } from '../http/people.ts'
import { saysHello } from '../helpers/says-hello.ts'
import { launchChromium, type Browser, type Page } from '../helpers/chromium.ts'

/** The page must have been loaded and its first words be there, also on a busy machine, before it is warned: a quarter of it before the end. */
const shortLifeMs = 7_000
const answer = '[data-testid=message][data-role=assistant]'

let browser: Browser
let fake: FakeOpenAI
let server: StartedRunnel
const problems: string[] = []
/** When each token ends, epoch ms; `short…` are new when they are first shown. */
const ends = new Map<string, number>()

beforeAll(async () => {
  fake = await startFakeOpenAI(saysHello)
  server = await startRunnel({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    authenticate: async (token) => {
      if (token === undefined || token === 'wrong') throw new RunnelError('unauthenticated', 'Sign in.')
      if (token.startsWith('short') && !ends.has(token)) ends.set(token, Date.now() + shortLifeMs)
      const expiresAt = ends.get(token) ?? Date.now() + 3_600_000
      if (expiresAt <= Date.now()) throw new RunnelError('unauthenticated', 'The token has expired.')
      return token.startsWith('bob') ? { id: 'bob', name: 'Bob', expiresAt } : { id: 'ada', name: 'Ada', expiresAt }
    },
  })
  browser = await launchChromium()
})
afterAll(async () => {
  await browser.close()
  await server.close()
  await fake.close()
})

/** A page without a token, in a program whose hook gives these tokens, the last one for ever; null: it fails. */
async function openProgram(tokens: (string | null)[]) {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  const problems: string[] = []
  context.on('weberror', (error) => problems.push(String(error.error())))
  let asked = 0
  await context.exposeFunction('runnelSignIn', () => {
    asked += 1
    const token = tokens.length > 1 ? tokens.shift()! : tokens[0]!
    if (token === null) throw new Error('The program cannot sign in now.')
    return token
  })
  const page = await context.newPage()
  // Each call over HTTP asks for a token; what is counted is what the line asks for.
  let calls = 0
  page.on('request', (request) => {
    if (request.url().includes('/api/')) calls += 1
  })
  let sockets = 0
  page.on('websocket', () => {
    sockets += 1
  })
  await page.goto(server.url)
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  return { page, problems, tokens, asked: () => asked - calls, sockets: () => sockets }
}

async function ask(page: Page): Promise<void> {
  await page.fill('[data-testid=composer]', 'Why are there tides?')
  await page.press('[data-testid=composer]', 'Enter')
  await page.waitForSelector(`${answer}[data-status=streaming]`)
}

async function shows(page: Page, text: string): Promise<void> {
  await expect
    .poll(
      () =>
        page.evaluate(
          (selector) => document.querySelector(selector)?.textContent ?? null,
          `${answer} [data-type=text] .growing`,
        ),
      { timeout: 10_000 },
    )
    .toBe(text)
}

async function expired(token: string): Promise<void> {
  await expect.poll(() => Date.now() > ends.get(token)! + 1_500, { timeout: 10_000 }).toBe(true)
}

test('the hook signs in, is asked once more before the token ends, and the answer goes on over the same socket', async () => {
  const stream = fake.manual()
  const { page, problems, tokens, asked, sockets } = await openProgram(['short-1'])
  expect(asked()).toBeGreaterThan(0)
  await ask(page)
  stream.send('The moon ')
  await shows(page, 'The moon ')
  const before = asked()
  tokens[0] = 'long-1'
  await expired('short-1')
  expect(asked() - before).toBe(1)
  stream.send('pulls the water.')
  await shows(page, 'The moon pulls the water.')
  stream.end()
  await page.waitForSelector(`${answer}[data-status=completed]`)
  expect([asked() - before, sockets(), problems]).toEqual([1, 1, []])
}, 30_000)

test('where the hook fails at the warning it is asked again when the token has ended, and nothing is lost or doubled', async () => {
  const stream = fake.manual()
  const { page, problems, tokens, sockets } = await openProgram(['short-2'])
  await ask(page)
  stream.send('The moon ')
  await shows(page, 'The moon ')
  // Until the token has ended, whoever asks.
  tokens[0] = null
  await expect.poll(() => Date.now() > ends.get('short-2')!, { timeout: 10_000 }).toBe(true)
  tokens[0] = 'long-2'
  await expect.poll(sockets, { timeout: 10_000 }).toBe(2)
  stream.send('pulls ')
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  stream.send('the water.')
  stream.end()
  await shows(page, 'The moon pulls the water.')
  await page.waitForSelector(`${answer}[data-status=completed]`)
  expect([sockets(), problems]).toEqual([2, []])
}, 30_000)

const screen = '[data-testid=sign-in]'
const isLive = '[data-testid=connection][data-status=open]'

async function openContext() {
  const context = await browser.newContext()
  onTestFinished(() => context.close())
  context.on('weberror', (error) => problems.push(String(error.error())))
  return context
}

async function giveToken(page: Page, token: string): Promise<void> {
  await page.fill('[data-testid=token]', token)
  await page.click('[data-testid=sign-in-go]')
}

test('a token is asked for, signs in all tabs, and signing out is for all of them; the next person finds nothing', async () => {
  const context = await openContext()
  const [first, second] = [await context.newPage(), await context.newPage()]
  for (const page of [first, second]) {
    await page.goto(server.url)
    await page.waitForSelector(screen)
    // What there is to do stands there, and is not said as a fault behind it.
    await page.waitForSelector('.chats')
    await page.waitForLoadState('networkidle')
    expect(await page.locator('.fault').count()).toBe(0)
  }
  await giveToken(first, 'wrong')
  await first.waitForSelector(`${screen} .fault:has-text("not valid")`)
  // As people paste it: the whole link.
  await giveToken(first, `${server.url}/#token=long-3`)
  for (const page of [first, second]) {
    await page.waitForSelector(isLive)
    await page.waitForSelector('[data-testid=who-am-i]:has-text("Ada")')
    await page.waitForSelector(screen, { state: 'detached' })
  }
  await second.evaluate(() => {
    localStorage.setItem('runnel-draft/ada', 'of hers')
    addEventListener('pagehide', () => localStorage.setItem('runnel-draft/late', 'of hers'))
  })
  await first.click('[data-testid=sign-out]')
  for (const page of [first, second]) await page.waitForSelector(screen)
  await giveToken(second, 'bob-1')
  for (const page of [first, second]) {
    await page.waitForSelector('[data-testid=who-am-i]:has-text("Bob")')
    await page.waitForSelector(isLive)
  }
  expect(await first.evaluate(() => Object.values(localStorage).filter((text) => text.includes('of hers')))).toEqual([])
  expect(problems).toEqual([])
}, 30_000)

test('a token that ends in the middle of an answer is asked for, and neither the answer nor the draft is lost', async () => {
  const stream = fake.manual()
  const context = await openContext()
  const page = await context.newPage()
  await page.goto(`${server.url}/#token=short-3`)
  await page.waitForSelector(isLive)
  await ask(page)
  stream.send('The moon ')
  await shows(page, 'The moon ')
  await page.fill('[data-testid=composer]', 'And what of')
  await page.waitForSelector(`${screen}:has-text("Sign in again")`, { timeout: 10_000 })
  expect(await page.textContent('[data-testid=connection]')).toBe('Signed out')
  stream.send('pulls the water.')
  stream.end()
  await giveToken(page, 'long-4')
  await page.waitForSelector(screen, { state: 'detached' })
  await shows(page, 'The moon pulls the water.')
  expect(await page.inputValue('[data-testid=composer]')).toBe('And what of')

  // Somebody else signs in there instead: nothing of hers is left on the page.
  const other = await context.newPage()
  await other.goto(`${server.url}/#token=bob-2`)
  await other.click('[data-testid=ask-yes]')
  for (const tab of [page, other]) await tab.waitForSelector('[data-testid=who-am-i]:has-text("Bob")')
  await page.waitForSelector('[data-testid=gone]')
  expect(await page.textContent('body')).not.toContain('The moon')
  expect(problems).toEqual([])
}, 30_000)

test("the operator's login is where people are sent, and they come back to the chat that they wanted", async () => {
  const guarded = await startRunnel({
    RUNNEL_AUTH_SECRET: secret,
    RUNNEL_LOGIN_URL: '/healthz?login',
  })
  onTestFinished(() => guarded.close())
  const token = await tokenOf('ada', { name: 'Ada' })
  const { id } = (await new Person(guarded, token).call('POST', '/api/chats', { title: 'Tides' })).body
  const page = await (await openContext()).newPage()
  await page.goto(`${guarded.url}/#${id}`)
  await page.click('[data-testid=login]')
  await page.waitForURL('**/healthz?login')
  await page.goto(`${guarded.url}/#token=${token}`)
  await page.waitForSelector('h1:has-text("Tides")')
  expect(page.url()).toBe(`${guarded.url}/#${id}`)

  // The sign-in ends while something is written: the login is in another tab, and this one goes on with its words.
  const other = await (await openContext()).newPage()
  await other.goto(`${guarded.url}/#token=${await tokenOf('ada', { name: 'Ada', expiresInSeconds: 3 })}`)
  await other.waitForSelector(`[data-testid=chats] a[href="#${id}"]`)
  await other.click(`[data-testid=chats] a[href="#${id}"]`)
  await other.fill('[data-testid=composer]', 'half a question')
  const [login] = await Promise.all([other.context().waitForEvent('page'), other.click('[data-testid=login]')])
  await login.waitForURL('**/healthz?login')
  await login.goto(`${guarded.url}/#token=${token}`)
  await login.waitForSelector('h1:has-text("Tides")')
  await other.waitForSelector(screen, { state: 'detached' })
  await other.waitForSelector(isLive)
  expect(await other.inputValue('[data-testid=composer]')).toBe('half a question')
  expect(await other.locator('.fault').count()).toBe(0)
  expect(problems).toEqual([])
}, 40_000)
