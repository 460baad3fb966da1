import { execFile } from 'node:child_process'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const run = promisify(execFile)
const COMMAND_MS = 120_000

/** Uses each export from plain JavaScript, as somebody who installed the package would. */
const PROGRAM = `
import { createRunnel } from '@runnel/core/server'
import { connect } from '@runnel/core/client'
import { markdownHtml, parseMarkdown } from '@runnel/core/client/markdown'
import { TextPieces } from '@runnel/core/client/pieces'
import { memoryStore, startFakeOpenAI } from '@runnel/core/testing'
import { storeContract } from '@runnel/core/testing/contracts'

if (markdownHtml(parseMarkdown(new TextPieces('*a*').toString())) !== '<p><em>a</em></p>') throw new Error('no Markdown')
let rules = 0
storeContract(memoryStore, { describe: (_name, body) => body(), it: () => (rules += 1), expect: () => {} })
if (rules < 50) throw new Error('only ' + rules + ' rules')
const fake = await startFakeOpenAI()
const runnel = await createRunnel({ store: memoryStore(), HOST: '127.0.0.1', PORT: 0, DATABASE_URL: 'memory:', LOG_LEVEL: 'error', OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'test', RUNNEL_OPENAI_API: 'chat' })
const { url } = await runnel.listen()
const client = connect({ url })
const post = async (path, body) => {
  const response = await fetch(url + path, { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) })
  return response.json()
}
const chat = await post('/api/chats', { title: 'packed' })
const { messageId } = await post('/api/chats/' + chat.id + '/messages', { content: 'Hello?' })
const { message } = await client.message(messageId).until(({ message }) => message?.status === 'completed', { signal: AbortSignal.timeout(15_000) })
const page = await fetch(url + '/')
await client.close()
await runnel.close()
await fake.close()
console.log(JSON.stringify({ text: message.output.map((block) => block.text).join(''), requests: fake.requests.length, page: page.status, html: /<html/i.test(await page.text()) }))
`

/** The same names with their types; the last line is wrong on purpose: types that became \`any\` would let it pass. */
const TYPED = `
import { createRunnel, type Cluster, type Runnel, type Store } from '@runnel/core/server'
import { clusterContract, type TestTools } from '@runnel/core/testing/contracts'
import { connect } from '@runnel/core/client'
import { startFakeOpenAI, type FakeOpenAI } from '@runnel/core/testing'

const fake: FakeOpenAI = await startFakeOpenAI()
const runnel: Runnel = await createRunnel({ HOST: '127.0.0.1', PORT: 0, DATABASE_URL: 'memory:' })
const { url }: { url: string } = await runnel.listen()
const client = connect({ url })
const status: string | undefined = client.message('msg_1').getSnapshot().message?.status
console.log(status, fake.url)
await client.close()
await runnel.close()
declare const own: { store: Store; cluster: Cluster; tools: TestTools }
clusterContract(() => own.cluster, own.tools)
// @ts-expect-error
clusterContract(() => own.store, own.tools)
// @ts-expect-error
connect({ url: 1 })
// @ts-expect-error
await createRunnel({ PORT: {} })
`

describe('the packed package, installed in an empty folder', () => {
  let folder: string
  // npm tells its scripts where they run: a nested npm would take this project for its own.
  const env = Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^npm_(?!config_)|^npm_config_local_prefix$|^NODE_(ENV|OPTIONS)$|^VITE/.test(name),
    ),
  )
  const inFolder = (program: string, ...args: string[]) => run(program, args, { cwd: folder, env, timeout: COMMAND_MS })

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'runnel-package-'))
    const { stdout } = await run('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: root,
      env,
      timeout: COMMAND_MS,
    })
    const tarball = (JSON.parse(stdout.slice(stdout.search(/^[[{]/m))) as { filename: string }[])[0]!.filename
    await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', private: true }))
    await inFolder('npm', 'install', '--no-audit', '--no-fund', '--loglevel=error', join(folder, tarball))
  }, 2 * COMMAND_MS)

  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('serves, follows and fakes from plain JavaScript', { timeout: 30_000 }, async () => {
    await writeFile(join(folder, 'program.js'), PROGRAM)
    const { stdout } = await inFolder(process.execPath, 'program.js')
    expect(JSON.parse(stdout.trim().split('\n').at(-1)!)).toEqual({
      text: expect.stringMatching(/.+/),
      requests: 1,
      page: 200,
      html: true,
    })
  })

  test('has types that hold without any package of ours', { timeout: 60_000 }, async () => {
    await writeFile(join(folder, 'typed.ts'), TYPED)
    const compilerOptions = {
      target: 'es2024',
      lib: ['es2024', 'dom', 'dom.iterable'],
      module: 'nodenext',
      strict: true,
      noEmit: true,
      types: ['node'],
      typeRoots: [join(root, 'node_modules/@types')],
    }
    await writeFile(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['typed.ts'] }))
    const { stdout } = await inFolder(
      process.execPath,
      join(root, 'node_modules/typescript/bin/tsc'),
      '-p',
      'tsconfig.json',
    ).catch((error: { stdout: string }) => error)

    // Other packages' own faults are theirs.
    expect(stdout.split('\n').filter((line) => /^(typed\.ts|node_modules\/@runnel)/.test(line))).toEqual([])
  })

  test('brings the command runnel', { timeout: 30_000 }, async () => {
    const { stdout } = await inFolder('npx', 'runnel', '--help')
    expect(stdout).toContain('DATABASE_URL')
    expect(stdout).toContain('sqlite:./data/runnel.db')
  })

  test('says on an old Node what the command needs, and brings none itself', { timeout: 30_000 }, async () => {
    const { bin } = JSON.parse(await readFile(join(folder, 'node_modules/@runnel/core/package.json'), 'utf8')) as {
      bin: { runnel: string }
    }
    await writeFile(
      join(folder, 'old.cjs'),
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })`,
    )
    const program = join(folder, 'node_modules/@runnel/core', bin.runnel)
    const failed = await inFolder(process.execPath, '--require', './old.cjs', program).catch((error: unknown) => error)
    expect(failed).toMatchObject({ code: 1, stderr: 'runnel: Node 22.18 or newer is needed; this is 18.20.8.\n' })
    expect(
      (await readdir(join(folder, 'node_modules'))).filter((name) => /^node(-bin)?-(linux|darwin|win)/.test(name)),
    ).toEqual([])
  })

  test('holds what it should, and no source', async () => {
    const { files } = JSON.parse(await readFile(join(folder, 'node_modules/@runnel/core/package.json'), 'utf8')) as {
      files: string[]
    }
    expect(files).toEqual(['dist'])
    const { stdout } = await inFolder('npm', 'ls', '--json', '--depth=0')
    expect(Object.keys((JSON.parse(stdout) as { dependencies: object }).dependencies)).toEqual(['@runnel/core'])
  })
})
