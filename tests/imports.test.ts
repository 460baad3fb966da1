import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { brokenRules } from './helpers/import-rules.ts'
import { readSource } from '../scripts/imports.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const SIDES = ['shared', 'server', 'client', 'client-demo', 'testing', 'tests', 'bench', 'examples']

describe('the imports of the project', () => {
  test('run downwards, without circles, each package through one door', () => {
    const files = globSync(`{${SIDES.join(',')}}/**/*.{ts,tsx}`, { cwd: root, exclude: ['**/node_modules'] })
      .map((file) => file.replaceAll('\\', '/'))
      .sort()
    expect(files.length).toBeGreaterThan(20)
    const { dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      dependencies: object
      peerDependencies: object
    }
    const sources = files.map((file) => readSource(file, readFileSync(join(root, file), 'utf8')))

    expect(brokenRules(sources, Object.keys({ ...dependencies, ...peerDependencies }))).toEqual([])
  })
})

test('a table that is asked for any word is a Map: a plain object has an answer to "constructor", too', () => {
  const tables = globSync('server/**/*.ts', { cwd: root }).filter((file) =>
    /^(?:export )?const \w+: (?:Readonly<)?Record<string,/m.test(readFileSync(join(root, file), 'utf8')),
  )
  expect(tables).toEqual([])
})

test('no error is told by its class: other packages have copies of it', () => {
  const asked = globSync('{shared,server,client,client-demo,testing,examples}/**/*.{ts,tsx}', {
    cwd: root,
    exclude: ['**/node_modules'],
  }).filter((file) => /instanceof RunnelError\b/.test(readFileSync(join(root, file), 'utf8')))
  expect(asked).toEqual([])
})

describe('reading imports', () => {
  const read = (text: string) =>
    readSource('server/app/app.ts', text).imports.map(
      ({ line, specifier, value }) => `${line} ${specifier} ${value ? 'value' : 'type'}`,
    )

  test('finds each kind, with its line', () => {
    expect(
      read(`import a from './a.ts'
import type { B } from './b.ts'
import { type C } from './c.ts'
export * from './d.ts'
export type { E } from './e.ts'
import './f.ts'
const g = await import('./g.ts')
type H = import('./h.ts').H
type I = typeof import('./i.ts')
const j = await import(a)
// import './not.ts'
const k = "import './nor.ts'"`),
    ).toEqual([
      '1 ./a.ts value',
      '2 ./b.ts type',
      '3 ./c.ts value',
      '4 ./d.ts value',
      '5 ./e.ts type',
      '6 ./f.ts value',
      '7 ./g.ts value',
      '8 ./h.ts type',
      '9 ./i.ts type',
      '10 null value',
    ])
  })

  test('finds the global process', () => {
    expect(
      readSource(
        'x.ts',
        `const process = 1\n'process.env'\nglobalThis.process.exit()\nprocess.env.A\nconst { env } = process`,
      ).processLines,
    ).toEqual([3, 4, 5])
  })
})

describe('the rules', () => {
  /** Files made up for one rule; imported files are there without a word of their own. */
  function broken(made: Record<string, string>): string[] {
    return brokenRules(
      Object.entries(made).map(([file, text]) => readSource(file, text)),
      ['ws', 'yjs', 'zod', '@scope/kit'],
    )
  }

  test.each<[string, Record<string, string>, string | null]>([
    ['a downward import', { 'server/room/a.ts': `import '../document/b.ts'`, 'server/document/b.ts': '' }, null],
    [
      'an upward import',
      { 'server/document/b.ts': `\nimport '../room/a.ts'`, 'server/room/a.ts': '' },
      'server/document/b.ts:2: imports run downwards only',
    ],
    [
      'an upward import of a type',
      { 'server/room/b.ts': `import type { A } from '../task/a.ts'`, 'server/task/a.ts': '' },
      'downwards only',
    ],
    [
      'shared that knows the server',
      { 'shared/a.ts': `import '../server/config/config.ts'`, 'server/config/config.ts': '' },
      'downwards only',
    ],
    [
      'a client that knows the server',
      { 'client/a.ts': `import '../server/room/b.ts'`, 'server/room/b.ts': '' },
      'client/ may import shared only',
    ],
    [
      'a server that knows the client',
      { 'server/room/b.ts': `import '../../client/a.ts'`, 'client/a.ts': '' },
      'downwards only',
    ],
    [
      'testing that knows the inside of the server',
      { 'testing/a.ts': `import '../server/store/b.ts'`, 'server/store/b.ts': '' },
      'server/index.ts only',
    ],
    [
      'testing by the entry of the server',
      { 'testing/a.ts': `import '../server/index.ts'`, 'server/index.ts': '' },
      null,
    ],
    [
      'http that knows sockets',
      { 'server/http/a.ts': `import '../socket/b.ts'`, 'server/socket/b.ts': '' },
      'downwards only',
    ],
    [
      'a file without a layer',
      { 'server/helpers/a.ts': `import '../config/config.ts'`, 'server/config/config.ts': '' },
      'has no layer',
    ],
    [
      'a product file that imports a test',
      { 'testing/a.ts': `import '../tests/b.ts'`, 'tests/b.ts': '' },
      'nothing imports tests/',
    ],
    [
      'a port as a type',
      { 'server/task/a.ts': `import type { S } from '../store/store.ts'`, 'server/store/store.ts': '' },
      null,
    ],
    [
      'a port as a value',
      { 'server/task/a.ts': `import { S } from '../store/store.ts'`, 'server/store/store.ts': '' },
      'a port is imported as a type',
    ],
    [
      'a port by its adapter',
      { 'server/store/sqlite/sqlite.ts': `import { S } from '../store.ts'`, 'server/store/store.ts': '' },
      null,
    ],
    [
      'a port folder that uses another',
      { 'server/store/a.ts': `import { S } from '../cluster/b.ts'`, 'server/cluster/b.ts': '' },
      'types of ports only',
    ],
    [
      'a port folder that takes a port type',
      { 'server/store/a.ts': `import type { S } from '../cluster/cluster.ts'`, 'server/cluster/cluster.ts': '' },
      null,
    ],
    [
      'an adapter named by adapters.ts',
      { 'server/app/adapters.ts': `import '../store/sqlite/sqlite.ts'`, 'server/store/sqlite/sqlite.ts': '' },
      null,
    ],
    [
      'an adapter named elsewhere',
      { 'server/task/a.ts': `import '../store/sqlite/sqlite.ts'`, 'server/store/sqlite/sqlite.ts': '' },
      'only server/app/adapters.ts names an adapter',
    ],
    [
      'a circle',
      { 'client/a.ts': `import './b.ts'`, 'client/b.ts': `import './c.ts'`, 'client/c.ts': `import './a.ts'` },
      'client/c.ts:1: closes a circle: client/a.ts → client/b.ts → client/c.ts → client/a.ts',
    ],
    [
      'a circle of types',
      { 'client/a.ts': `import './b.ts'`, 'client/b.ts': `import type { A } from './a.ts'` },
      'client/b.ts:1: closes a circle: client/a.ts → client/b.ts → client/a.ts',
    ],
    [
      'a second door',
      { 'server/socket/a.ts': `import 'ws'`, 'server/socket/b.ts': `import 'ws'` },
      'server/socket/b.ts:1: imports ws, whose one door in server/ is server/socket/a.ts',
    ],
    [
      'a second door by another path of the package',
      {
        'server/extension/a.ts': `import '@scope/kit/client.js'`,
        'server/extension/b.ts': `import '@scope/kit/types.js'`,
      },
      'imports @scope/kit, whose one door',
    ],
    [
      'types beside the door',
      { 'server/socket/a.ts': `import type { WebSocket } from 'ws'`, 'server/socket/b.ts': `import 'ws'` },
      null,
    ],
    [
      'types far from the door',
      { 'server/http/a.ts': `import type { WebSocket } from 'ws'`, 'server/socket/b.ts': `import 'ws'` },
      'whose one door',
    ],
    ['one door on each side', { 'server/socket/a.ts': `import 'ws'`, 'testing/b.ts': `import 'ws'` }, null],
    [
      'yjs in many files of the document',
      { 'server/document/a.ts': `import 'yjs'`, 'server/room/b.ts': `import 'yjs'` },
      null,
    ],
    [
      'yjs in many other files',
      { 'server/http/a.ts': `import 'yjs'`, 'server/task/b.ts': `import 'yjs'` },
      'whose one door',
    ],
    ['a package that users would not get', { 'server/http/a.ts': `import 'vitest'` }, 'not in the dependencies'],
    ['Node in shared', { 'shared/a.ts': `import type { Server } from 'node:http'` }, 'runs in browsers'],
    ['Node in the client', { 'client/a.ts': `await import('fs')` }, 'runs in browsers'],
    ['the process in app.ts', { 'server/app/app.ts': `process.exit()` }, 'uses the global process'],
    [
      'node:process in http',
      { 'server/http/a.ts': `import 'node:process'` },
      'only server/main.ts, testing/command.ts, testing/world/left-open.ts use the process',
    ],
    ['the process in the command of testing', { 'testing/command.ts': `import 'node:process'; process.exit()` }, null],
    [
      'a fake provider that needs what it comes with',
      { 'testing/openai/a.ts': `import '../b.ts'`, 'testing/b.ts': '' },
      'testing/openai/ stands alone',
    ],
    ['a fake provider that needs a package', { 'testing/openai/a.ts': `import 'ws'` }, 'testing/openai/ stands alone'],
    ['the process in main.ts', { 'server/main.ts': `import 'node:process'; process.exit()` }, null],
    ['a computed import in a layer', { 'server/http/a.ts': `await import(name)` }, 'computed name'],
    ['a configuration module', { 'server/app/config-module.ts': `await import(name)` }, null],
  ])('know %s', (_name, made, words) => {
    const found = broken(made)
    if (words === null) expect(found).toEqual([])
    else {
      expect(found).toHaveLength(1)
      expect(found[0]).toContain(words)
    }
  })
})
