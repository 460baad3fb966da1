/** `window.runnelSignIn`: a program that has the page signs its users in there, and again when a token ends in the middle of an answer. */
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { RunnelError } from '../../shared/errors.ts'
import { startFakeOpenAI, startRunnel, type FakeOpenAI, type StartedRunnel } from '../../testing/index.ts'
import { launchChromium, type Browser, type Page } from '../helpers/chromium.ts'

const shortLifeMs = 4_000
const answer = '[data-testid=message][data-role=assistant]'

let browser: Browser
let fake: FakeOpenAI
let server: StartedRunnel
/** When each token ends, epoch ms; `short…` are new when they are first shown. */
const ends = new Map<string, number>()

beforeAll(async () => {
  fake = await startFakeOpenAI()
  server = await startRunnel({
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: fake.url,
    authenticate: async (token) => {
      if (token === undefined) throw new RunnelError('unauthenticated', 'Sign in.')
      if (token.startsWith('short') && !ends.has(token)) ends.set(token, Date.now() + shortLifeMs)
      const expiresAt = ends.get(token) ?? Date.now() + 3_600_000
      if (expiresAt <= Date.now()) throw new RunnelError('unauthenticated', 'The token has expired.')
      return { id: 'ada', name: 'Ada', expiresAt }
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
  let sockets = 0
  page.on('websocket', () => {
    sockets += 1
  })
  await page.goto(server.url)
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  return { page, problems, tokens, asked: () => asked, sockets: () => sockets }
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
  const { page, problems, tokens, asked, sockets } = await openProgram(['short-2'])
  await ask(page)
  stream.send('The moon ')
  await shows(page, 'The moon ')
  const before = asked()
  tokens.splice(0, 1, null, 'long-2')
  await expect.poll(sockets, { timeout: 10_000 }).toBe(2)
  stream.send('pulls ')
  await page.waitForSelector('[data-testid=connection][data-status=open]')
  stream.send('the water.')
  stream.end()
  await shows(page, 'The moon pulls the water.')
  await page.waitForSelector(`${answer}[data-status=completed]`)
  // At the warning, for the new socket, and for the list of chats, which the page loads again.
  expect([asked() - before, sockets(), problems]).toEqual([3, 2, []])
}, 30_000)
