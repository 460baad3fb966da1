import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { availableParallelism, loadavg } from 'node:os'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build, type Rolldown } from 'vite'
import { launchChromium, type Browser } from '../tests/helpers/chromium.ts'
import { median, quantile, type Figure } from './harness.ts'
import { argumentsText, markdownText } from './markdown/text.ts'

const folder = fileURLToPath(new URL('./markdown/', import.meta.url))
const page = fileURLToPath(new URL('../docs/MARKDOWN.md', import.meta.url))
const tokensPerSecond = 100
const tokens = 200
const rounds = 3

type Kind = 'markdown' | 'plain' | 'empty'
type Side = 'own' | 'streamdown'
interface Cost {
  /** Of the main thread, a token. */
  ms: number
  p95Frame: number
}

/** Growing Markdown and growing text in Chromium, beside streamdown in the same run. */
export async function markdownInBrowser(): Promise<Figure[]> {
  install()
  const pages = {
    own: await bundle('own-page.ts', []),
    streamdown: await bundle('streamdown-page.js', []),
  }
  const sizes = {
    own: pages.own.kB,
    streamdown: (await bundle('streamdown-page.js', [/^react/])).kB,
    marked: (await bundle('marked-page.ts', [])).kB,
  }
  const loads = [loadavg()[0]!]
  const browser = await launchChromium()
  try {
    // In turns, so that what else runs on the machine slows all of them down alike.
    const costs = async (kind: Kind, kB: number, sides: readonly Side[], slowdown = 1) => {
      const taken: Cost[][] = sides.map(() => [])
      for (let i = 0; i < rounds; i++) {
        for (const [index, side] of sides.entries())
          taken[index]!.push(await measure(browser, pages[side], kind, kB, slowdown))
        loads.push(loadavg()[0]!)
      }
      return taken.map((of) => ({
        ms: median(of.map(({ ms }) => ms)),
        p95Frame: median(of.map(({ p95Frame }) => p95Frame)),
      }))
    }
    const empty = (await costs('empty', 0, ['own']))[0]!
    const figures: Figure[] = [{ name: 'a frame of an empty page', value: empty.ms, unit: 'ms' }]
    const rows = [`| a frame of an empty page | ${empty.ms.toFixed(2)} | | | | ${empty.p95Frame.toFixed(1)} | |`]
    for (const kind of ['markdown', 'plain'] as const) {
      let own5: Cost | undefined
      for (const kB of [5, 50, 200]) {
        const [own, other] = (await costs(kind, kB, ['own', 'streamdown'])) as [Cost, Cost]
        own5 ??= own
        const name = kind === 'markdown' ? `Markdown of ${kB} kB` : `arguments of ${kB} kB without a line break`
        figures.push(
          { name: `${name}: main thread a token`, value: own.ms, unit: 'ms' },
          { name: `${name}: the same of streamdown`, value: other.ms, unit: 'ms' },
          {
            name: `${name}: against streamdown`,
            value: own.ms / other.ms,
            unit: '×',
            ...(kB > 5 ? { bound: 0.2 } : {}),
          },
          { name: `${name}: against its own at 5 kB`, value: own.ms / own5.ms, unit: '×', bound: 2.5 },
          { name: `${name}: p95 frame`, value: own.p95Frame, unit: 'ms', bound: 20 },
        )
        rows.push(
          `| ${name} | ${own.ms.toFixed(2)} | ${other.ms.toFixed(2)} | ${(own.ms / other.ms).toFixed(2)} | ${(own.ms / own5.ms).toFixed(2)} | ${own.p95Frame.toFixed(1)} | ${other.p95Frame.toFixed(1)} |`,
        )
      }
      const slow = (await costs(kind, 50, ['own'], 4))[0]!
      const name = `${kind === 'markdown' ? 'Markdown' : 'arguments'} of 50 kB, CPU × 4`
      figures.push({ name: `${name}: p95 frame`, value: slow.p95Frame, unit: 'ms', bound: 33 })
      rows.push(`| ${name} | ${slow.ms.toFixed(2)} | | | | ${slow.p95Frame.toFixed(1)} | |`)
    }
    figures.push(
      { name: 'gzipped', value: sizes.own, unit: 'kB' },
      { name: 'gzipped, streamdown without React', value: sizes.streamdown, unit: 'kB' },
    )
    const missed = figures
      .filter(({ value, bound }) => bound !== undefined && value > bound)
      .map(({ name, value, unit, bound }) => `${name} ${value.toFixed(2)} ${unit} (${bound})`)
    writeTable([
      '| | ms a token | streamdown | ratio | to 5 kB | p95 frame, ms | streamdown |',
      '|---|---:|---:|---:|---:|---:|---:|',
      ...rows,
      '',
      `Gzipped: ${sizes.own.toFixed(1)} kB, of which ${sizes.marked.toFixed(1)} kB are the lexer of \`marked\`; streamdown without React ${sizes.streamdown.toFixed(0)} kB.`,
      '',
      missed.length === 0 ? 'All bounds are kept.' : `Bounds that this run missed: ${missed.join('; ')}.`,
      `Load of the machine, which has ${availableParallelism()} processors, during the run: ${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}.`,
    ])
    return figures
  } finally {
    await browser.close()
  }
}

/** Time of the main thread, as the browser counts it, while tokens come to a text that is `kB` long already. */
async function measure(browser: Browser, script: Bundle, kind: Kind, kB: number, slowdown: number): Promise<Cost> {
  const context = await browser.newContext({ viewport: { width: 1_000, height: 800 } })
  const tab = await context.newPage()
  await context.route('http://bench.example/**', async (route) => {
    const name = new URL(route.request().url()).pathname.slice(1)
    const code = script.files.get(name)
    await route.fulfill(
      code === undefined
        ? { contentType: 'text/html', body: name === '' ? htmlOf(script) : '', status: name === '' ? 200 : 404 }
        : { contentType: 'text/javascript', body: code },
    )
  })
  await tab.goto('http://bench.example/')
  await tab.waitForFunction(() => 'start' in globalThis)
  const text = (kind === 'plain' ? argumentsText : markdownText)(kB * 1_000 + 2 * tokens * 5)
  await tab.evaluate(
    async ({ kind, before }) => {
      const { start } = globalThis as unknown as { start: Record<string, () => (text: string) => void> }
      const append = start[kind]!()
      Object.assign(globalThis, { append })
      // As an answer comes that is joined late: in a few steps.
      for (let at = 0; at < before.length; at += 20_000) append(before.slice(at, at + 20_000))
      document.querySelector('#view')!.scrollTop = 1e9
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    },
    { kind, before: text.slice(0, kB * 1_000) },
  )
  const session = await context.newCDPSession(tab)
  await session.send('Emulation.setCPUThrottlingRate', { rate: slowdown })
  // CPU time, so that what else runs on the machine does not count.
  await session.send('Performance.enable', { timeDomain: 'threadTicks' })
  const busy = async () =>
    (await session.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')!.value
  const before = await busy()
  const rest = text.slice(kB * 1_000)
  // Each token by itself, until it is on the page: what leaves some out under load would look cheap.
  await tab.evaluate(
    async ({ rest, tokens }) => {
      const { append } = globalThis as unknown as { append: (text: string) => void }
      const view = document.querySelector('#view')!
      let changed = () => {}
      new MutationObserver(() => changed()).observe(view, { subtree: true, childList: true, characterData: true })
      for (let sent = 0; sent < tokens; sent++) {
        const seen = new Promise<void>((resolve) => {
          changed = resolve
        })
        append(rest.slice(sent * 5, sent * 5 + 5))
        // A token may change nothing that is seen.
        await Promise.race([seen, new Promise((resolve) => setTimeout(resolve, 40))])
        view.scrollTop = 1e9
        await new Promise((resolve) => requestAnimationFrame(resolve))
      }
    },
    { rest, tokens },
  )
  const ms = ((await busy()) - before) * 1_000
  const frames = await tab.evaluate(
    async ({ rest, everyMs }) => {
      const { append } = globalThis as unknown as { append: (text: string) => void }
      const view = document.querySelector('#view')!
      const frames: number[] = []
      let last = performance.now()
      let isOver = false
      const frame = (now: number) => {
        frames.push(now - last)
        last = now
        if (!isOver) requestAnimationFrame(frame)
      }
      requestAnimationFrame(frame)
      const startedAt = performance.now()
      for (let sent = 0; sent * 5 < rest.length;) {
        const due = Math.floor((performance.now() - startedAt) / everyMs)
        for (; sent < due && sent * 5 < rest.length; sent++) {
          append(rest.slice(sent * 5, sent * 5 + 5))
          view.scrollTop = 1e9
        }
        await new Promise((resolve) => setTimeout(resolve, (sent + 1) * everyMs - (performance.now() - startedAt)))
      }
      isOver = true
      return frames.slice(2)
    },
    { rest: rest.slice(tokens * 5), everyMs: 1_000 / tokensPerSecond },
  )
  await context.close()
  return { ms: ms / tokens, p95Frame: quantile(frames, 0.95) }
}

function htmlOf({ entry }: Bundle): string {
  return `<!doctype html><meta charset="utf-8"><body style="margin:0"><div id="view" style="height:100vh;overflow-y:auto;background:#fff"><div id="root"></div></div><script type="module" src="/${entry}"></script>`
}

interface Bundle {
  entry: string
  files: Map<string, string>
  /** What is loaded before anything is shown, gzipped. */
  kB: number
}

async function bundle(entry: string, external: RegExp[]): Promise<Bundle> {
  const built = (await build({
    root: folder,
    configFile: false,
    logLevel: 'error',
    define: { 'process.env.NODE_ENV': '"production"' },
    build: {
      write: false,
      minify: true,
      target: 'es2022',
      rolldownOptions: {
        input: `${folder}${entry}`,
        external,
        preserveEntrySignatures: 'strict',
        treeshake: { moduleSideEffects: true },
      },
    },
  })) as Rolldown.RolldownOutput
  const chunks = built.output.filter((chunk) => chunk.type === 'chunk')
  const files = new Map(chunks.map(({ fileName, code }) => [fileName, code]))
  const first = chunks.find((chunk) => chunk.isEntry)!
  const needed = new Set<string>()
  const need = (name: string) => {
    const chunk = chunks.find(({ fileName }) => fileName === name)
    if (!chunk || needed.has(name)) return
    needed.add(name)
    chunk.imports.forEach(need)
  }
  need(first.fileName)
  const kB = [...needed].reduce((sum, name) => sum + gzipSync(files.get(name)!).length, 0) / 1_000
  return { entry: first.fileName, files, kB }
}

function install(): void {
  if (existsSync(`${folder}node_modules/streamdown`)) return
  const { status, stderr } = spawnSync(
    'npm',
    ['install', '--no-audit', '--no-fund', '--no-package-lock', '--ignore-scripts'],
    {
      cwd: folder,
      encoding: 'utf8',
    },
  )
  if (status !== 0) throw new Error(`streamdown could not be installed: ${stderr}`)
}

/** Between two marks of the page. */
function writeTable(lines: readonly string[]): void {
  const text = readFileSync(page, 'utf8')
  writeFileSync(
    page,
    text.replace(/(<!-- table -->\n)[^]*?(<!-- end -->)/, (_, begin, end) => `${begin}\n${lines.join('\n')}\n\n${end}`),
  )
}
