/** What is published, as somebody who installs it has it: all three packages side by side in an empty project. */
import { globSync, readFileSync } from 'node:fs'
import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { bundledBytes } from './helpers/bundle-size.ts'
import { execProgram, packAll, projectWith, root, type PackageName } from './helpers/packed.ts'
import { oldNodes } from './helpers/old-nodes.ts'
import { innerClasses } from './helpers/public-types.ts'
import { checkTypes } from './helpers/typed-project.ts'

const NAMES = ['client', 'core', 'testing'] as const

/** Uses each package from plain JavaScript. */
const PROGRAM = `
import { createRunnel, RunnelError as OfTheServer } from '@runnel/core/server'
import { connect as connectOfTheCore } from '@runnel/core/client'
import { connect, RunnelError } from '@runnel/client'
import { markdownHtml, parseMarkdown } from '@runnel/client/markdown'
import { TextPieces } from '@runnel/client/pieces'
import { Collector, memoryStore, startRunnel } from '@runnel/testing'
import { answer, startFakeOpenAI } from '@runnel/testing/openai'
import { storeContract } from '@runnel/testing/contracts'
import '@runnel/core/client/markdown'
import '@runnel/core/client/pieces'
import '@runnel/core/testing'
import '@runnel/core/testing/contracts'

if (markdownHtml(parseMarkdown(new TextPieces('*a*').toString())) !== '<p><em>a</em></p>') throw new Error('no Markdown')
let rules = 0
storeContract(memoryStore, { describe: (_name, body) => body(), it: () => (rules += 1), expect: () => {} })
if (rules < 50) throw new Error('only ' + rules + ' rules')
const fake = await startFakeOpenAI({ fallback: answer({ text: 'Hello.' }) })
const { url, close } = await startRunnel({
  store: memoryStore(),
  // Of another copy of the class than the server's own.
  authenticate: (token) => {
    if (token !== 'a') throw new RunnelError('rate_limited', 'Not so often, please.')
    return { id: 'ada', name: 'Ada' }
  },
  OPENAI_BASE_URL: fake.url, OPENAI_API_KEY: 'test', RUNNEL_OPENAI_API: 'chat',
})
const stranger = connect({ url, token: 'b' })
const refused = await stranger.api.listChats().catch((error) => error)
await stranger.close()
const client = connect({ url, token: 'a' })
const chat = await client.api.createChat({ title: 'packed' })
const { messageId } = await client.api.send(chat.id, { content: 'Hello?' })
const signal = AbortSignal.timeout(15_000)
const { message } = await client.message(messageId).until(({ message }) => message?.status === 'completed', { signal })
const other = connectOfTheCore({ url, token: 'a' })
const same = await other.message(messageId).until(({ message }) => message?.status === 'completed', { signal })
const page = await fetch(url + '/')
await Promise.all([client.close(), other.close()])
await close()
await fake.close()
console.log(JSON.stringify({
  text: message.output.map((block) => block.text).join(''),
  same: JSON.stringify(same.message) === JSON.stringify(message),
  copies: RunnelError !== OfTheServer,
  refused: [refused.code, refused.message],
  requests: fake.requests.length, page: page.status, html: /<html/i.test(await page.text()), collects: typeof Collector,
}))
`

let packed: Awaited<ReturnType<typeof packAll>>
let project: Awaited<ReturnType<typeof projectWith>>
/** What is wrong with a package by itself; looked for while the project is installed. */
let faults: Promise<string[]>
const inProject = (program: string, ...args: string[]) => execProgram(project.folder, program, ...args)
const installed = (name: PackageName) => join(project.folder, 'node_modules/@runnel', name)
const manifest = (name: PackageName) =>
  JSON.parse(readFileSync(join(installed(name), 'package.json'), 'utf8')) as {
    bin?: { runnel: string }
    exports: Record<string, string | { types: string } | { import: { types: string } }>
    dependencies: Record<string, string>
    peerDependencies?: Record<string, string>
  }

beforeAll(async () => {
  packed = await packAll()
  faults = Promise.all(Object.values(packed.tarballs).flatMap(faultsOf)).then((words) => words.flat())
  project = await projectWith(Object.values(packed.tarballs))
}, 240_000)
afterAll(() => Promise.all([packed?.remove(), project?.remove()]))

/** Both end with an error where they find anything. CommonJS has these packages by `require(esm)`, which every Node that they run on knows. */
function faultsOf(tarball: string): Promise<string[]>[] {
  return [
    ['publint/src/cli.js', '--strict', tarball],
    ['@arethetypeswrong/cli/dist/index.js', '--profile', 'esm-only', tarball],
    ...(tarball === packed.tarballs.testing
      ? [['@arethetypeswrong/cli/dist/index.js', '--profile', 'node16', '--entrypoints', 'openai', '--', tarball]]
      : []),
  ].map(([program, ...args]) =>
    execProgram(root, process.execPath, join(root, 'node_modules', program!), ...args).then(
      () => [],
      (error: unknown) => [String(error)],
    ),
  )
}

describe('the packages, installed side by side', () => {
  test('serve, follow and fake from plain JavaScript, over one Yjs', { timeout: 30_000 }, async () => {
    await writeFile(
      join(project.folder, 'program.js'),
      `const said = []
for (const level of ['log', 'warn', 'error']) { const say = console[level]; console[level] = (...words) => { said.push(words.join(' ')); say(...words) } }
await import('./used.js')
if (said.length !== 1) throw new Error(said.join('\\n'))`,
    )
    await writeFile(join(project.folder, 'used.js'), PROGRAM)
    const said = await inProject(process.execPath, 'program.js')
    expect(JSON.parse(said.trim().split('\n').at(-1)!)).toEqual({
      text: expect.stringMatching(/.+/),
      same: true,
      copies: true,
      refused: ['rate_limited', 'Not so often, please.'],
      requests: 1,
      page: 200,
      html: true,
      collects: 'function',
    })
    const ofYjs = globSync('**/node_modules/{yjs,lib0,y-protocols}/package.json', { cwd: project.folder })
    expect(ofYjs.sort()).toEqual(['lib0', 'y-protocols', 'yjs'].map((name) => `node_modules/${name}/package.json`))
  })

  test('have types that hold, to the last file', { timeout: 60_000 }, async () => {
    // Other resolutions and older compilers: `npm run test:wide -- packages`.
    expect(await checkTypes(project.folder, join(root, 'node_modules/typescript'), 'nodenext')).toBe('')
  })

  test('name no class in their types that nobody can make', () => {
    for (const name of NAMES) {
      const entries = Object.values(manifest(name).exports).flatMap((entry) =>
        typeof entry === 'string' ? [] : join(installed(name), 'import' in entry ? entry.import.types : entry.types),
      )
      expect([name, innerClasses(entries)]).toEqual([name, []])
    }
  })

  test.each(NAMES)('%s has its sources in maps, its words and its licence', async (name) => {
    const files = globSync('**/*', { cwd: installed(name), withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(installed(name).length + 1))
    expect(files).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
    // A type's file is `.d.ts`; nothing else is TypeScript.
    expect(files.filter((file) => /(?<!\.d)\.tsx?$/.test(file))).toEqual([])
    const ours = files.filter((file) => file.endsWith('.js') && !file.startsWith('dist/page/'))
    expect(ours.length).toBeGreaterThan(20)
    for (const file of ours) {
      const map = JSON.parse(readFileSync(join(installed(name), `${file}.map`), 'utf8')) as {
        sourcesContent?: string[]
      }
      expect([file, map.sourcesContent?.length]).toEqual([file, 1])
      expect(readFileSync(join(installed(name), file), 'utf8')).toContain('//# sourceMappingURL=')
    }
    expect(files.some((file) => file.startsWith('dist/server/'))).toBe(name === 'core')
  })

  test('depend on what they import, in the ranges of package.json', async () => {
    const top = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: Record<string, string>
      peerDependencies: Record<string, string>
    }
    const ranges = { ...top.dependencies, ...top.peerDependencies }
    for (const name of NAMES) {
      const { dependencies, peerDependencies = {} } = manifest(name)
      const { '@runnel/core': core, ...others } = { ...peerDependencies, ...dependencies }
      expect(core).toBe(name === 'testing' ? '^0.1.0' : undefined)
      for (const [other, range] of Object.entries(others)) expect([other, range]).toEqual([other, ranges[other]])
    }
    expect(Object.keys(manifest('client').dependencies)).toEqual(['lib0', 'y-protocols', 'yjs'])
    expect(Object.keys(manifest('core').dependencies).sort()).toEqual(Object.keys(top.dependencies).sort())
    expect(manifest('testing').dependencies).not.toHaveProperty('marked')
  })
})

describe('the client', () => {
  test('weighs 36 kB in a page, and what replaces a WebSocket is loaded where it is needed', async () => {
    const size = await bundledBytes(project.folder, `import { connect } from '@runnel/client'\nglobalThis.c = connect`)
    expect(size.later.map((file) => file.replace(/.*dist\//, ''))).toEqual(
      expect.arrayContaining(['client/transport/http.js', 'shared/digest.js']),
    )
    expect(size.first, size.largest).toBeLessThanOrEqual(36_000)
  })
})

describe('the fake provider alone', () => {
  const program = (load: string) => `
const before = process.cpuUsage()
${load}
const { user, system } = process.cpuUsage(before)
startFakeOpenAI().then(async (fake) => {
  fake.on({ user: 'Hello' }, answer({ text: 'Hello, too.' }))
  const body = JSON.stringify({ model: 'm', messages: [{ role: 'user', content: 'Hello?' }] })
  const answered = await fetch(fake.url + '/chat/completions', { method: 'POST', body })
  const { choices } = await answered.json()
  fake.done()
  await fake.close()
  console.log(JSON.stringify({ cpuMs: (user + system) / 1000, text: choices[0].message.content }))
})`

  test(
    'loads in 100 ms, by import and by require, on the Node here and on an old one',
    { timeout: 60_000 },
    async () => {
      await writeFile(
        join(project.folder, 'fake.mjs'),
        program(`const { answer, startFakeOpenAI } = await import('@runnel/testing/openai')`),
      )
      await writeFile(
        join(project.folder, 'fake.cjs'),
        program(`const { answer, startFakeOpenAI } = require('@runnel/testing/openai')`),
      )
      const nodes = [process.execPath, ...(await oldNodes())]
      for (const node of nodes)
        for (const file of ['fake.mjs', 'fake.cjs']) {
          const { cpuMs, text } = JSON.parse(await inProject(node, file)) as { cpuMs: number; text: string }
          expect(text).toBe('Hello, too.')
          // Of its own: a machine that has other things to do makes the clock go faster, not this.
          expect([node, file, cpuMs < 100 || cpuMs]).toEqual([node, file, true])
        }
    },
  )

  test('is a program, too', { timeout: 30_000 }, async () => {
    expect(await inProject('npx', '@runnel/testing', '--help')).toContain('fake-openai')
    expect(JSON.parse(readFileSync(join(installed('testing'), 'package.json'), 'utf8'))).toMatchObject({
      engines: { node: '>=20' },
      bin: { 'runnel-testing': 'dist/testing/command.js' },
    })
  })
})

describe('the command runnel', () => {
  test('is brought by the core', { timeout: 30_000 }, async () => {
    const said = await inProject('npx', 'runnel', '--help')
    expect(said).toContain('DATABASE_URL')
    expect(said).toContain('sqlite:./data/runnel.db')
  })

  test('says on an old Node what it needs, and brings none itself', { timeout: 30_000 }, async () => {
    await writeFile(
      join(project.folder, 'old.cjs'),
      `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.20.8' } })`,
    )
    const program = join(installed('core'), manifest('core').bin!.runnel)
    await expect(inProject(process.execPath, '--require', './old.cjs', program)).rejects.toThrow(
      'runnel: Node 22.18 or newer is needed; this is 18.20.8.\n',
    )
    const names = await readdir(join(project.folder, 'node_modules'))
    expect(names.filter((name) => /^node(-bin)?-(linux|darwin|win)/.test(name))).toEqual([])
  })
})

describe('the tarballs', () => {
  test('are clean for publint and for are the types wrong', { timeout: 60_000 }, async () => {
    expect(await faults).toEqual([])
  })

  test('client: ten packages at the most are installed with it', { timeout: 60_000 }, async () => {
    const lock = JSON.parse(readFileSync(join(project.folder, 'package-lock.json'), 'utf8')) as {
      packages: Record<string, { dependencies?: Record<string, string> }>
    }
    const all = new Set<string>()
    const walk = (name: string) => {
      if (all.has(name)) return
      all.add(name)
      Object.keys(lock.packages[`node_modules/${name}`]!.dependencies ?? {}).forEach(walk)
    }
    walk('@runnel/client')
    expect([...all].sort()).toEqual(['@runnel/client', 'isomorphic.js', 'lib0', 'y-protocols', 'yjs'])
  })
})
