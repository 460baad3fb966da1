/**
 * Runs what the pages show: each block of ```ts in the README.md files and docs/*.md is a program that works as it stands, in
 * a folder of its own. `@runnel/…` is this project, http://127.0.0.1:8787 a server with the demo provider. A program
 * has run when its last line has. A block of ```tsx exports an `App`, which is shown. A block that is no program says ```ts fragment.
 */
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { transformWithOxc } from 'vite'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRunnel, type StartedRunnel } from '../testing/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const hooks = new URL('./helpers/docs-hooks.mjs', import.meta.url).href
const page = new URL('./helpers/docs-page.mjs', import.meta.url).href

interface Example {
  place: string
  text: string
  isPage: boolean
}

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```ts(x?)\n([^]*?)^```$/gm)].map(({ 1: x, 2: code, index }) => ({
    place: `${page}:${text.slice(0, index).split('\n').length}`,
    text: code!,
    isPage: x === 'x',
  }))
}

const examples = [
  'README.md',
  'client/README.md',
  'testing/README.md',
  ...globSync('docs/*.md', { cwd: root }).sort(),
].flatMap(examplesOf)
const jsx = { lang: 'tsx', jsx: { runtime: 'automatic' } } as const
let server: StartedRunnel
let folder: string

beforeAll(async () => {
  server = await startRunnel()
  folder = await mkdtemp(join(tmpdir(), 'runnel-docs-'))
})
afterAll(async () => {
  await server.close()
  await rm(folder, { recursive: true, force: true })
})

async function run(args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, {
    cwd: folder,
    env: { ...process.env, PORT: '0', LOG_LEVEL: 'error' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk) => {
      output += chunk
    })
  const patience = setTimeout(() => {
    output += '\nIt did not end.'
    child.kill('SIGKILL')
  }, 25_000)
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  clearTimeout(patience)
  return { code, output }
}

describe('the pages', () => {
  test('have examples', () => expect(examples.length).toBeGreaterThan(5))

  test.each(examples)('$place runs', { timeout: 30_000 }, async ({ place, text, isPage }) => {
    const source = text.replaceAll('127.0.0.1:8787', new URL(server.url).host)
    const file = join(folder, `${place.replaceAll(/\W/g, '-')}.${isPage ? 'mjs' : 'ts'}`)
    await writeFile(file, isPage ? (await transformWithOxc(source, `${place}.tsx`, jsx)).code : source)
    const { href } = pathToFileURL(file)
    const program = isPage
      ? `process.argv[1] = ${JSON.stringify(href)}; await import(${JSON.stringify(page)})`
      : `await import(${JSON.stringify(href)}); process.exit(0)`
    const { code, output } = await run([
      '--disable-warning=ExperimentalWarning',
      `--import=${hooks}`,
      '--input-type=module',
      '--eval',
      program,
    ])
    expect(code, output).toBe(0)
  })
})
