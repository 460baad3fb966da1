/**
 * Runs what the pages show: each block of ```ts in README.md and docs/*.md is a program that works as it stands, in
 * a folder of its own, and a block of ```sh that begins with `curl` is a call that succeeds. `@runnel/core/…` is this
 * project, http://127.0.0.1:8787 a server with the demo provider. A program has run when its last line has. A block that
 * is no program says ```ts fragment.
 */
import { spawn } from 'node:child_process'
import { globSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startRunnel, type StartedRunnel } from '../testing/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const hooks = new URL('./helpers/docs-hooks.mjs', import.meta.url).href

interface Example {
  place: string
  language: string
  text: string
}

function examplesOf(page: string): Example[] {
  const text = readFileSync(join(root, page), 'utf8')
  return [...text.matchAll(/^```(ts|sh)\n([^]*?)^```$/gm)].map(({ 1: language, 2: code, index }) => (
    { place: `${page}:${text.slice(0, index).split('\n').length}`, language: language!, text: code! }))
}

const examples = ['README.md', ...globSync('docs/*.md', { cwd: root }).sort()].flatMap(examplesOf)
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

async function run(command: string, args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(command, args, { cwd: folder, env: { ...process.env, PORT: '0', LOG_LEVEL: 'error' }, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', chunk => { output += chunk })
  const patience = setTimeout(() => {
    output += '\nIt did not end.'
    child.kill('SIGKILL')
  }, 25_000)
  const code = await new Promise<number | null>(resolve => child.on('close', resolve))
  clearTimeout(patience)
  return { code, output }
}

describe('the pages', () => {
  test('have examples', () => expect(examples.filter(({ language }) => language === 'ts').length).toBeGreaterThan(5))

  test.each(examples.filter(({ language }) => language === 'ts'))('$place runs', { timeout: 30_000 }, async ({ place, text }) => {
    const file = join(folder, `${place.replaceAll(/\W/g, '-')}.ts`)
    await writeFile(file, text.replaceAll('127.0.0.1:8787', new URL(server.url).host))
    const program = `await import(${JSON.stringify(pathToFileURL(file).href)}); process.exit(0)`
    expect(await run(process.execPath, ['--disable-warning=ExperimentalWarning', `--import=${hooks}`, '--input-type=module', '--eval', program])).toMatchObject({ code: 0 })
  })

  test.each(examples.filter(({ language, text }) => language === 'sh' && text.startsWith('curl')))('$place is a call that succeeds', async ({ text }) => {
    const { code, output } = await run('sh', ['-ec', text.replaceAll('127.0.0.1:8787', new URL(server.url).host).replaceAll(/\bcurl\b/g, 'curl --silent --show-error --fail-with-body')])
    expect({ code, output }).toMatchObject({ code: 0 })
  })
})
