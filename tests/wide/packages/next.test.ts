/** examples/next, installed from the client's tarball, built, started, and seen in Chromium. */
import { spawn } from 'node:child_process'
import { cp } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { expect, onTestFinished, test } from 'vitest'
import { startFakeOpenAI, startRunnel } from '../../../testing/index.ts'
import { reads } from '../../browser/tabs.ts'
import { launchChromium } from '../../helpers/chromium.ts'
import { childEnv, execProgram, install, packAll, projectWith, root } from '../../helpers/packed.ts'

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

test('a page comes with what there is of an answer, and goes on live', { timeout: 400_000 }, async () => {
  const packed = await packAll()
  onTestFinished(packed.remove)
  const project = await projectWith([])
  onTestFinished(project.remove)
  await cp(join(root, 'examples/next'), project.folder, { recursive: true })
  await install(project.folder, [packed.tarballs.client])
  const next = join(project.folder, 'node_modules/next/dist/bin/next')
  await execProgram(project.folder, process.execPath, next, 'build')

  const fake = await startFakeOpenAI()
  onTestFinished(() => fake.close())
  const port = await freePort()
  const app = `http://127.0.0.1:${port}`
  const runnel = await startRunnel({
    OPENAI_BASE_URL: fake.url,
    OPENAI_API_KEY: 'test',
    RUNNEL_OPENAI_API: 'chat',
    RUNNEL_ALLOWED_ORIGINS: app,
  })
  onTestFinished(() => runnel.close())
  const server = spawn(process.execPath, [next, 'start', '--hostname', '127.0.0.1', '--port', String(port)], {
    cwd: project.folder,
    env: { ...childEnv, SERVER_URL: runnel.url },
    stdio: 'inherit',
  })
  onTestFinished(async () => {
    server.kill('SIGTERM')
    if (server.exitCode === null) await once(server, 'exit')
  })
  await reads(async () => (await fetch(app).catch(() => null))?.status, 200, 60_000)

  const first = fake.manual()
  const { chatId, messageId } = await runnel.ask('Why are there tides?')
  first.send('The moon ')
  await reads(async () => (await runnel.call('GET', `/api/messages/${messageId}`)).body.output[0]?.text, 'The moon ')
  const html = await (await fetch(`${app}/chat/${chatId}`)).text()
  expect(html).toContain('Why are there tides?')
  expect(html).toContain('The moon ')

  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const said: string[] = []
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) said.push(message.text())
  })
  page.on('pageerror', (error) => said.push(String(error)))
  await page.goto(`${app}/chat/${chatId}`)
  const answers = () => page.locator('[data-role=assistant] p').allTextContents()
  await reads(answers, ['The moon '])
  first.send('pulls.')
  await reads(answers, ['The moon pulls.'])
  first.end()
  await page.waitForSelector('[data-role=assistant][data-status=completed]')

  const second = fake.manual()
  await page.fill('[name=question]', 'And the sun?')
  await page.click('button')
  second.send('The sun, ')
  await reads(answers, ['The moon pulls.', 'The sun, '])
  await page.click('button:text-is("Stop")')
  await page.waitForSelector('[data-role=assistant][data-status=stopped]')

  // The form of the first page, without any script of ours.
  const third = fake.manual()
  await page.goto(app)
  await page.fill('[name=question]', 'And Venus?')
  await page.click('button')
  await page.waitForURL(/\/chat\/.+/)
  third.send('Hardly.')
  third.end()
  await reads(answers, ['Hardly.'])
  expect(said).toEqual([])
})
