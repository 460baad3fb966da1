/** A cold open on a slow line and a slow phone, beside the page as it was before it was made with React. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { answer, startFakeOpenAI } from '../../testing/index.ts'
import type { Browser } from '../../tests/helpers/chromium.ts'
import { median, post, type Figure } from '../harness.ts'
import { markdownText } from '../markdown/text.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
/** The last commit whose page has no framework. */
const oldCommit = '1ad20ee'
const rounds = 3
const kilobits = 1_600
const latencyMs = 150

export async function coldOpens(browser: Browser): Promise<Figure[]> {
  const old = oldSources()
  const fake = await startFakeOpenAI({ fallback: answer({ text: markdownText(4_000) }) })
  const servers = [await serve(root, fake.url), ...(old === null ? [] : [await serve(old, fake.url)])]
  try {
    const took: number[][] = servers.map(() => [])
    for (let round = 0; round < rounds; round++)
      for (const [index, server] of servers.entries()) took[index]!.push(await coldOpen(browser, server))
    const [now, before] = took.map(median)
    const name = `cold open, ${kilobits / 1_000} Mbit/s, ${latencyMs} ms, CPU × 4: text and a composer`
    const figures: Figure[] = [{ name, value: now!, unit: 'ms' }]
    if (before === undefined) return figures
    figures.push({ name: `${name}, of the page without a framework`, value: before, unit: 'ms' })
    figures.push({ name: `${name}, against it`, value: now! / before, unit: '×', bound: 1.5 })
    return figures
  } finally {
    for (const { close } of servers) close()
    await fake.close()
    if (old !== null) rmSync(old, { recursive: true, force: true })
  }
}

/** Null: this copy has no history. */
function oldSources(): string | null {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-old-'))
  const archive = spawnSync('git', ['archive', '--format=tar', '-o', join(folder, 'old.tar'), oldCommit], { cwd: root })
  if (archive.status !== 0) {
    rmSync(folder, { recursive: true })
    return null
  }
  spawnSync('tar', ['xf', 'old.tar'], { cwd: folder })
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
  const vite = join(root, 'node_modules/vite/bin/vite.js')
  const { status, stderr } = spawnSync(process.execPath, [vite, 'build', '--logLevel', 'error'], {
    cwd: folder,
    encoding: 'utf8',
  })
  if (status !== 0) throw new Error(`The old page could not be built: ${stderr}`)
  spawnSync(
    process.execPath,
    ['--input-type=module', '--eval', `(await import('./scripts/compress.mjs')).compressFolder('dist/page/assets')`],
    { cwd: folder },
  )
  return folder
}

interface Served {
  url: string
  chatId: string
  close: () => void
}

/** A server of these sources in a process of its own, with a chat that has an answer. */
async function serve(sources: string, provider: string): Promise<Served> {
  const program = join(mkdtempSync(join(tmpdir(), 'runnel-bench-')), 'serve.mjs')
  writeFileSync(
    program,
    `const { startRunnel } = await import(${JSON.stringify(join(sources, 'testing/index.ts'))})
     const { url } = await startRunnel({ OPENAI_API_KEY: 'key', OPENAI_BASE_URL: ${JSON.stringify(provider)} })
     console.log(url)`,
  )
  const child = spawn(process.execPath, [program], { cwd: sources, stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const url = line.toString().trim()
  const { id: chatId } = (await post(`${url}/api/chats`, { title: 'Cold' })) as { id: string }
  const { messageId } = (await post(`${url}/api/chats/${chatId}/messages`, { content: 'Well?' })) as {
    messageId: string
  }
  for (;;) {
    const message = (await (await fetch(`${url}/api/messages/${messageId}`)).json()) as { status: string }
    if (message.status === 'completed') break
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return { url, chatId, close: () => void child.kill() }
}

async function coldOpen(browser: Browser, { url, chatId }: Served): Promise<number> {
  const context = await browser.newContext({ viewport: { width: 360, height: 740 } })
  try {
    const tab = await context.newPage()
    const session = await context.newCDPSession(tab)
    await session.send('Network.enable')
    const bytesPerSecond = (kilobits * 1_000) / 8
    await session.send('Network.emulateNetworkConditions', {
      offline: false,
      latency: latencyMs,
      downloadThroughput: bytesPerSecond,
      uploadThroughput: bytesPerSecond,
    })
    await session.send('Emulation.setCPUThrottlingRate', { rate: 4 })
    await tab.goto(`${url}/#${chatId}`, { waitUntil: 'commit' })
    return await tab.evaluate(
      () =>
        new Promise<number>((resolve) => {
          const frame = () => {
            const answer = document.querySelector('[data-testid=message][data-role=assistant]')
            const composer = document.querySelector<HTMLTextAreaElement>('[data-testid=composer]')
            const isUsable = composer !== null && !composer.disabled && composer.offsetHeight > 0
            if (isUsable && (answer?.textContent.length ?? 0) > 500) setTimeout(() => resolve(performance.now()))
            else requestAnimationFrame(frame)
          }
          frame()
        }),
    )
  } finally {
    await context.close()
  }
}
