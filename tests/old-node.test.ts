/** What an old Node gets: a new one by the lock file's hash, or a sentence that says what is needed. */
import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Locked {
  integrity?: string
  link?: boolean
  dev?: boolean
  optional?: boolean
  hasInstallScript?: boolean
  inBundle?: boolean
}
const lock = JSON.parse(read('package-lock.json')).packages as Record<string, Locked>

test('everything that npm installs has its hash in the lock file, and nothing of it runs meanwhile', () => {
  const installed = Object.entries(lock).filter(([path, { link }]) => path.includes('node_modules/') && !link)
  expect(installed.length).toBeGreaterThan(100)
  expect(installed.filter(([, { integrity, inBundle }]) => !inBundle && !integrity?.startsWith('sha512-'))).toEqual([])
  // An optional one for another system may have a script: npm never installs it here, and scripts are off.
  expect(installed.filter(([, { hasInstallScript, optional }]) => hasInstallScript && !optional)).toEqual([])
  expect(read('scripts/install.mjs')).toContain("'--ignore-scripts'")
  expect(JSON.parse(read('package.json'))).not.toHaveProperty('allowScripts')
})

test('the Node of each platform is in the lock file, for those who develop only', () => {
  const { optionalDependencies } = JSON.parse(read('scripts/node/package.json')) as {
    optionalDependencies: Record<string, string>
  }
  const names = Object.keys(optionalDependencies)
  expect(names).toHaveLength(5)
  for (const name of names) {
    expect(optionalDependencies[name]).toMatch(/^\d+\.\d+\.\d+$/)
    expect(lock[`node_modules/${name}`]).toMatchObject({
      optional: true,
      dev: true,
      version: optionalDependencies[name],
    })
  }
  expect([...read('scripts/node.mjs').matchAll(/^ {2}'[\w-]+': '(.+)',$/gm)].map(([, name]) => name).sort()).toEqual(
    names,
  )
  const { dependencies, optionalDependencies: published } = JSON.parse(read('package.json'))
  expect([published, Object.keys(dependencies).filter((name) => names.includes(name))]).toEqual([undefined, []])
})

/** Node as it is on this machine outside the project, where it is too old to run the sources. */
const oldNodes = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .map((folder) => join(folder, 'node'))
  .filter((path) => existsSync(path) && spawnSync(path, ['--eval', 'import("node:sqlite")']).status !== 0)

/** Makes any Node say that it is this one. */
function pretending(version: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-old-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'old.cjs')
  writeFileSync(
    file,
    `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`,
  )
  return ['--require', file]
}

test.each(['8.17.0', '18.20.8', '20.20.2', '22.17.1', '9.99.9'])(
  'the command says on Node %s what it needs',
  (version) => {
    for (const args of [[], ['--help'], ['--version']]) {
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [...pretending(version), join(root, 'scripts/runnel.cjs'), ...args],
        { encoding: 'utf8' },
      )
      expect([status, stdout, stderr]).toEqual([1, '', `runnel: Node 22.18 or newer is needed; this is ${version}.\n`])
    }
  },
)

test('a Node that is new enough gets past that', () => {
  for (const version of ['22.18.0', '22.99.1', '24.0.0', '100.0.0']) {
    const { stderr } = spawnSync(process.execPath, [...pretending(version), join(root, 'scripts/runnel.cjs')], {
      encoding: 'utf8',
    })
    expect(stderr).toContain('server/main.js')
  }
})

test('what runs before a new Node is there can be read by an old one, where there is one', { timeout: 60_000 }, () => {
  for (const node of oldNodes) {
    for (const file of globSync('scripts/*.{mjs,cjs}', { cwd: root }))
      expect([file, spawnSync(node, ['--check', join(root, file)]).status]).toEqual([file, 0])
    const { stderr } = spawnSync(node, [join(root, 'scripts/runnel.cjs')], { encoding: 'utf8' })
    expect(stderr).toMatch(/^runnel: Node 22\.18 or newer is needed; this is \S+\.\n$/)
  }
})

test('no page tells to run the sources on whatever Node there is', () => {
  const pages = globSync(['README.md', '{docs,examples,deploy}/**/*.md'], { cwd: root })
  expect(pages.length).toBeGreaterThan(10)
  const commands = pages.flatMap((page) => [...read(page).matchAll(/^(?:\S+=\S+ )*node .*\.ts\b.*$/gm)].map(String))
  expect(commands).toEqual([])
})

test(
  'npm start takes the documented configuration module in a clone that was never built',
  { timeout: 60_000 },
  async () => {
    const [, module] = /^```ts\n([^]*?)^```$/m.exec(read('docs/CONFIGURATION.md'))!
    expect(module).toContain("from '@runnel/core/server'")
    const folder = mkdtempSync(join(tmpdir(), 'runnel-clone-'))
    writeFileSync(join(folder, 'runnel.config.ts'), module!)
    // As in a clone: packages are found, this one is not among them.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'))
    const child = spawn(process.execPath, [join(root, 'scripts/start.mjs')], {
      cwd: folder,
      env: { ...process.env, PORT: '0', DATABASE_URL: 'memory:', LOG_LEVEL: 'error' },
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    const closed = once(child, 'close')
    onTestFinished(async () => {
      child.kill('SIGTERM')
      await closed
      rmSync(folder, { recursive: true, force: true })
    })
    const lines: string[] = []
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line)
      if (line.startsWith('Runnel listens on ')) return
    }
    throw new Error(`It ended: ${lines.join('\n')}`)
  },
)
