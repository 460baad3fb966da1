/** What is wrong with settings is said, all at once; the rest of them is what was meant. */
import { spawnSync } from 'node:child_process'
import { globSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createRunnel } from '../../server/app/app.ts'
import { loadOptions } from '../../server/app/config-module.ts'
import { settings, type ConfigInput, type SettingName } from '../../server/config/config.ts'
import { loadConfig, settingFaults } from '../../server/config/read-config.ts'
import { givenNames, misspelt, secretNames } from '../../server/config/setting-names.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const faultsOf = (input: ConfigInput) => settingFaults({ DATABASE_URL: 'memory:', ...input }, false)

function folderWith(files: Record<string, string> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-settings-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text)
  return folder
}

/** The command in a folder of its own: what it says and how it ends. */
function runnel(args: string[], env: Record<string, string>, cwd = folderWith()) {
  return spawnSync(process.execPath, [join(root, 'server/main.ts'), ...args], {
    cwd,
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 10_000,
  })
}

const numbers = (Object.keys(settings) as SettingName[]).filter((name) =>
  faultsOf({ [name]: 'no number' })
    .join()
    .includes('must be a whole number'),
)

test('a number is digits, in every setting that is one', () => {
  expect(numbers.length).toBeGreaterThan(35)
  for (const name of numbers)
    for (const value of ['1e3', ' ', '0x10', 'Infinity', 'NaN', '1.5', '1_000', '10s', '٣', '', '-', '1 000', '+-1']) {
      const faults = faultsOf({ [name]: value })
      if (value === '') expect(faults, `an empty ${name} is not set`).toEqual([])
      else expect(faults, `${name}=${value}`).toEqual([expect.stringMatching(new RegExp(`^${name}: must be a whole`))])
    }
  for (const name of numbers)
    for (const value of ['-1', '99999999999999999999'])
      expect(faultsOf({ [name]: value }), `${name}=${value}`).toEqual([expect.stringContaining(`${name}: `)])
  for (const value of [1e21, Infinity, NaN, 0.5]) expect(faultsOf({ RUNNEL_MAX_TASKS: value })).toHaveLength(1)
  expect(loadConfig({ DATABASE_URL: 'memory:', PORT: ' 80 ', RUNNEL_MAX_TASKS: 7 })).toMatchObject({
    PORT: 80,
    RUNNEL_MAX_TASKS: 7,
  })
})

test('no time is longer than a timer can wait: Node would not wait at all', () => {
  for (const name of numbers.filter((one) => one.endsWith('_MS'))) {
    expect(faultsOf({ [name]: '2147483648' }), name).toEqual([expect.stringContaining(name)])
    expect(faultsOf({ [name]: '99999999999' }), name).toEqual([expect.stringContaining(name)])
  }
})

test.each([
  '*',
  'chat.example',
  'https://*.example',
  'null',
  'ftp://chat.example',
  'https://chat.example/path',
  'https://',
])('the origin %s is none', (origin) => {
  for (const value of [origin, `https://good.example,${origin}`])
    expect(faultsOf({ RUNNEL_ALLOWED_ORIGINS: value })).toEqual([
      expect.stringContaining('RUNNEL_ALLOWED_ORIGINS: must be origins'),
    ])
})

test('an origin may have a port, and a slash at its end', () => {
  expect(faultsOf({ RUNNEL_ALLOWED_ORIGINS: 'https://chat.example/, http://localhost:3000,http://[::1]:80' })).toEqual(
    [],
  )
})

test.each(['OPENAI_BASE_URL', 'RUNNEL_AUTH_JWKS_URL', 'DATABASE_URL', 'REDIS_URL'] as const)(
  '%s has an address of its own kind',
  (name) => {
    const wrong = [
      'ftp://h.example/x',
      'file:///etc/passwd',
      'javascript:1',
      'h.example',
      'https:',
      'http:/',
      'redis://',
      ' ',
    ]
    for (const value of wrong.filter((one) => one !== '')) {
      const faults = faultsOf({ [name]: value }).filter((fault) => fault.startsWith(`${name}: must `))
      expect(faults, value).toHaveLength(1)
    }
  },
)

test('what does not go together is said, and only where each is right by itself', () => {
  expect(faultsOf({ REDIS_URL: 'redis://h' })).toEqual([expect.stringMatching(/^REDIS_URL: .*DATABASE_URL=postgres/)])
  expect(faultsOf({ REDIS_URL: 'redis://h', DATABASE_URL: 'sqlite:./a.db' })).toHaveLength(1)
  expect(faultsOf({ REDIS_URL: 'redis://h', DATABASE_URL: 'mysql://h' })).toEqual([
    expect.stringMatching(/^DATABASE_URL: /),
  ])
  expect(faultsOf({ PORT: 4000, RUNNEL_METRICS_PORT: 4000 })).toEqual([expect.stringContaining('RUNNEL_METRICS_PORT')])
  expect(faultsOf({ PORT: 0, RUNNEL_METRICS_PORT: 0 })).toEqual([])
})

test('a folder that cannot be written is said before anything is made', () => {
  const folder = folderWith({ file: '' })
  for (const RUNNEL_FILES_DIR of [join(folder, 'file'), join(folder, 'file/below'), '/proc/runnel-files'])
    expect(faultsOf({ RUNNEL_FILES_DIR, DATABASE_URL: `sqlite:${folder}/a.db` }), RUNNEL_FILES_DIR).toEqual([
      expect.stringContaining('RUNNEL_FILES_DIR: '),
    ])
  expect(faultsOf({ DATABASE_URL: `sqlite:${folder}/file/a.db` })).toEqual([expect.stringContaining('DATABASE_URL: ')])
  expect(faultsOf({ RUNNEL_FILES_DIR: join(folder, 'new/one'), DATABASE_URL: `sqlite:${folder}/a.db` })).toEqual([])
  expect(globSync('*', { cwd: folder })).toEqual(['file'])
})

test('the command names all of it in one message, and nothing of a secret or a login', () => {
  const folder = folderWith({ file: '' })
  const wrong = {
    PORT: '1e3',
    RUNNEL_MAX_TASKS: '0x10',
    RUNNEL_ALLOWED_ORIGINS: '*',
    OPENAI_BASE_URL: 'ftp://me:passw0rd@models.example',
    RUNNEL_FILES_DIR: join(folder, 'file'),
    REDIS_URL: 'redis://:passw0rd@h',
    RUNNEL_AUTH_SECRET: 'passw0rd',
    DATABASE_URL: 'sqlite:./a.db',
  }
  const { status, stderr } = runnel([], wrong, folder)
  expect(status).toBe(1)
  for (const name of Object.keys(wrong).filter((one) => one !== 'DATABASE_URL'))
    expect(stderr).toMatch(new RegExp(`^  ${name}: .+`, 'm'))
  expect(stderr).not.toContain('passw0rd')
})

test.each([
  ['RUNNEL_MODLE', 'RUNNEL_MODEL'],
  ['RUNNEL_ALLOWED_ORIGIN', 'RUNNEL_ALLOWED_ORIGINS'],
  ['RUNNEL_MAX_TASK_PER_USER', 'RUNNEL_MAX_TASKS_PER_USER'],
  ['RUNNEL_AUTH_SECRET_FIEL', 'RUNNEL_AUTH_SECRET_FILE'],
  ['RUNNEL_FLUSH', 'RUNNEL_FLUSH_MS'],
  ['RUNNEL_PORT', 'PORT'],
  ['RUNNEL_DATABASE_URL', 'DATABASE_URL'],
])('%s: %s is meant', (name, meant) => {
  expect(misspelt([name])).toEqual([`${name}: there is no such setting: ${meant} is meant, perhaps`])
})

test('a name that is like none says where all are; other programs’ names are their own', () => {
  expect(misspelt(['RUNNEL_QQQQQQQQ'])).toEqual(['RUNNEL_QQQQQQQQ: there is no such setting; runnel --help names all'])
  expect(misspelt([...givenNames, 'PATH', 'OPENAI_ORG_ID', 'RUNNEL_SERVICE_HOST', 'RUNNEL_PORT_8787_TCP'])).toEqual([])
})

test('every RUNNEL_ name that something here reads is known', () => {
  const sources = globSync(['{scripts,tests,bench,testing,deploy}/**/*.{ts,mjs,yaml}', 'vite*.ts'], { cwd: root })
  const read = sources.flatMap((file) =>
    [...readFileSync(join(root, file), 'utf8').matchAll(/(?:env\.|env\[['"]|\$\{)(RUNNEL_\w+)/g)].map(
      ([, name]) => name!,
    ),
  )
  expect(read).toContain('RUNNEL_STREAM_CORPUS')
  expect(misspelt([...new Set(read)])).toEqual([])
})

test('a misspelt name is a warning: the server starts', async () => {
  const { stderr, status } = runnel([], { RUNNEL_MODLE: 'm', PORT: 'none' })
  expect(stderr).toContain('runnel: RUNNEL_MODLE: there is no such setting: RUNNEL_MODEL is meant, perhaps\n')
  expect(status).toBe(1)
  const said: string[] = []
  const say = (_fields: object, message: string) => void said.push(message)
  const embedded = createRunnel({
    DATABASE_URL: 'memory:',
    logger: { debug() {}, info() {}, warn: say, error() {} },
    ...({ RUNNEL_MODLE: 'm' } as object),
  })
  expect(said).toEqual(['RUNNEL_MODLE: there is no such setting: RUNNEL_MODEL is meant, perhaps'])
  await embedded.close()
})

test('--version', () => {
  const { stdout, status } = runnel(['--version'], { PORT: 'none' })
  expect([stdout, status]).toEqual([`${JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version}\n`, 0])
})

const good: Record<string, string> = {
  OPENAI_API_KEY: 'sk-from-a-file',
  DATABASE_URL: 'postgres://user:word@host/runnel',
  REDIS_URL: 'redis://:word@host',
  RUNNEL_AUTH_SECRET: 'thirty-two characters or more, these',
}

test.each(secretNames)('%s may stand in a file', (name) => {
  const value = good[name]!
  const folder = folderWith({
    one: `${value}\n`,
    two: `${value}\r\n`,
    three: value,
    empty: '\n',
    large: 'x'.repeat(70_000),
  })
  symlinkSync('one', join(folder, 'link'))
  const base = name === 'DATABASE_URL' ? {} : { DATABASE_URL: 'postgres://host/runnel' }
  for (const file of ['one', 'two', 'three', 'link'])
    expect(loadConfig({ ...base, [`${name}_FILE`]: join(folder, file) })[name]).toBe(value)
  for (const [file, reason] of [
    ['none', 'cannot be read (ENOENT)'],
    ['.', 'names no file'],
    ['empty', 'is empty'],
    ['large', 'is larger'],
  ] as const) {
    const faults = faultsOf({ ...base, DATABASE_URL: undefined, ...base, [`${name}_FILE`]: join(folder, file) })
    expect(faults).toEqual([
      expect.stringMatching(new RegExp(`^${name}_FILE: .*${reason.replaceAll(/[()]/g, '\\$&')}`)),
    ])
  }
  expect(faultsOf({ ...base, [name]: value, [`${name}_FILE`]: join(folder, 'one') })).toEqual([
    `${name}, ${name}_FILE: set one of the two`,
  ])
})

test('what a file says that is wrong is not repeated', () => {
  const folder = folderWith({ short: 'sh0rt\n', address: 'mysql://u:sh0rt@h' })
  const { stderr, status } = runnel([], {
    RUNNEL_AUTH_SECRET_FILE: join(folder, 'short'),
    DATABASE_URL_FILE: join(folder, 'address'),
  })
  expect(status).toBe(1)
  expect(stderr).toContain('RUNNEL_AUTH_SECRET: must have 32 characters')
  expect(stderr).toContain('DATABASE_URL: must be')
  expect(stderr).not.toContain('sh0rt')
})

test('a secret of the environment wins over that of a module, in either form', async () => {
  const folder = folderWith({
    'runnel.config.js': `export default { OPENAI_API_KEY: 'of the module', RUNNEL_AUTH_SECRET_FILE: '/of/the/module' }`,
    key: 'of a file\n',
  })
  const options = await loadOptions({
    path: undefined,
    folder,
    environment: {
      DATABASE_URL: 'memory:',
      OPENAI_API_KEY_FILE: join(folder, 'key'),
      RUNNEL_AUTH_SECRET: good.RUNNEL_AUTH_SECRET,
    },
  })
  expect(loadConfig(options)).toMatchObject({
    OPENAI_API_KEY: 'of a file',
    RUNNEL_AUTH_SECRET: good.RUNNEL_AUTH_SECRET,
  })
})
