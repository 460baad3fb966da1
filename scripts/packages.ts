/**
 * Makes dist/packages/{client,core,testing} of what was built in dist/: three packages of one tree. Each holds what its
 * entries reach, laid out as in dist/, and a manifest that follows from package.json and from what its files import.
 */
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { codeBelow, reach, type PackageFile } from './package-files.ts'
import { manifestOf, type Entry, type TopManifest } from './package-manifest.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const top = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as TopManifest

export interface Package {
  folder: 'client' | 'core' | 'testing'
  name: string
  description: string
  /** The part of package.json's `exports` that it has: `./client/markdown` is `./markdown` of the client. */
  part: '.' | './client' | './testing'
  readme: string
  /** Folders that it has with all their JavaScript: workers are started by their path. */
  whole: string[]
  /** Copied as they are. */
  more: string[]
  /** Its commands. */
  bin?: Record<string, string>
  /** Where it runs on an older Node than the project. */
  node?: string
}

const PACKAGES: Package[] = [
  {
    folder: 'client',
    name: '@runnel/client',
    description: 'Follows the answers of a Runnel server live: each is a Yjs document. For browsers and Node.',
    part: './client',
    readme: 'client/README.md',
    whole: [],
    more: [],
  },
  {
    folder: 'core',
    name: top.name,
    description: top.description,
    part: '.',
    readme: 'README.md',
    whole: ['dist/server', 'dist/client', 'dist/shared', 'dist/testing', 'dist/commonjs'],
    more: ['dist/page', 'dist/runnel.cjs', 'dist/runnel-start.cjs', 'dist/commonjs/package.json'],
    bin: top.bin,
  },
  {
    folder: 'testing',
    name: '@runnel/testing',
    description:
      'A fake OpenAI server with faults, a real Runnel server for tests, and viewers that keep what they get.',
    part: './testing',
    readme: 'testing/README.md',
    whole: ['dist/commonjs'],
    more: ['dist/commonjs/package.json'],
    bin: { 'runnel-testing': 'dist/testing/command.js' },
    // What needs the server needs the server's own.
    node: '>=20',
  },
]

for (const one of PACKAGES) assemble(one)

function assemble(one: Package): void {
  const exports = exportsOf(one.part)
  const entries = [
    ...Object.values(exports).flatMap(filesOf),
    ...Object.values(one.bin ?? {}).filter((file) => file.endsWith('.js')),
  ]
  const load = (starts: string[]) => reach(root, starts, one.name === top.name ? () => null : inCore)
  const files = new Map<string, PackageFile>(
    [...load(entries), ...load(one.whole.flatMap((folder) => codeBelow(root, folder)))].map((file) => [
      file.path,
      file,
    ]),
  )
  const main = exports['.']
  const needed = main === undefined ? [...files.values()] : load(filesOf(main))

  const target = join(root, 'dist/packages', one.folder)
  rmSync(target, { recursive: true, force: true })
  for (const { path, text } of files.values()) {
    mkdirSync(dirname(join(target, path)), { recursive: true })
    writeFileSync(join(target, path), text)
    if (path.endsWith('.js')) copyFileSync(join(root, `${path}.map`), join(target, `${path}.map`))
  }
  for (const path of one.more) cpSync(join(root, path), join(target, path), { recursive: true })
  copyFileSync(join(root, 'LICENSE'), join(target, 'LICENSE'))
  copyFileSync(join(root, one.readme), join(target, 'README.md'))
  const manifest = manifestOf(top, one, exports, [...files.values()], needed)
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, null, 2)}\n`)
}

function exportsOf(part: Package['part']): TopManifest['exports'] {
  const own = Object.entries(top.exports).filter(([name]) => part === '.' || `${name}/`.startsWith(`${part}/`))
  return {
    ...Object.fromEntries(own.map(([name, files]) => [part === '.' ? name : `.${name.slice(part.length)}`, files])),
    './package.json': './package.json',
  }
}

/** The modules of an entry, and their types. */
function filesOf(entry: TopManifest['exports'][string]): string[] {
  if (typeof entry === 'string') return []
  return Object.values(entry).flatMap((file: string | Entry) => (typeof file === 'string' ? [file] : filesOf(file)))
}

/** Other packages have no server of their own: they have it from the core's entry. */
function inCore(path: string): string | null {
  if (!path.startsWith('dist/server/')) return null
  if (/^dist\/server\/index\.(js|ts|d\.ts)$/.test(path)) return `${top.name}/server`
  throw new Error(`${path} is of ${top.name}: other packages import server/index.ts only.`)
}
