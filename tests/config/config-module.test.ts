/** `runnel.config.ts`, by the real command. */
import { spawn } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect, onTestFinished, test } from 'vitest'
import { createRunnel } from '../../server/app/app.ts'
import { loadOptions } from '../../server/app/config-module.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const index = pathToFileURL(join(root, 'server/index.ts')).href

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'runnel-config-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  return folder
}

/** Runs `runnel` to its first line of output or its end. */
async function runnel(
  folder: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<{ line: string; error: string; code: number | null }> {
  const child = spawn(process.execPath, [join(root, 'server/main.ts'), ...args], {
    cwd: folder,
    env: { ...process.env, ...env },
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const found = { line: '', error: '', code: null as number | null }
  child.stderr.on('data', (chunk) => {
    found.error += chunk
  })
  const ended = new Promise<void>((resolve) =>
    child.on('close', (code) => {
      found.code = code
      resolve()
    }),
  )
  await Promise.race([
    ended,
    new Promise<void>((resolve) =>
      createInterface({ input: child.stdout }).once('line', (line) => {
        found.line = line
        resolve()
      }),
    ),
  ])
  return found
}

const module = `
import { defineConfig, defineFilter } from '${index}'
export default defineConfig({
  PORT: 0,
  DATABASE_URL: 'memory:',
  RUNNEL_BASE_PATH: '/from-module',
  RUNNEL_MODEL: 'model-of-the-module',
  RUNNEL_MODELS: ['model-of-the-module', 'another'],
  filters: [defineFilter({ name: 'shout', inlet: (request, context) => { context.progress('Thinking aloud') } })],
})
`

test('a module in the working directory has settings, filters and the rest', async () => {
  const folder = await folderWith({ 'runnel.config.ts': module })
  const { line } = await runnel(folder)
  const url = line.replace('Runnel listens on ', '')
  expect(url).toMatch(/\/from-module$/)
  const post = async (path: string, body: object) =>
    (await (
      await fetch(url + path, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      })
    ).json()) as Record<string, any>
  const { id } = await post('/api/chats', {})
  const {
    error: {
      details: { message },
    },
  } = await post(`/api/chats/${id}/messages`, { content: 'an error please', stream: false })
  expect(message.model).toBe('model-of-the-module')
  expect(message.output).toContainEqual(
    expect.objectContaining({ type: 'progress', text: expect.stringContaining('Thinking aloud') }),
  )
})

test('--config names another one; what the environment says wins over it', async () => {
  const folder = await folderWith({ 'elsewhere.mjs': module, 'runnel.config.ts': 'export default 7' })
  const { line } = await runnel(folder, ['--config', 'elsewhere.mjs'], { RUNNEL_BASE_PATH: '/from-environment' })
  expect(line).toMatch(/\/from-environment$/)
})

test('several providers stand in a module, beside the OPENAI_… of the environment', async () => {
  const folder = await folderWith({
    key: 'sk-of-a-file',
    'runnel.config.ts': `
import { defineConfig, openaiProvider } from '${index}'
export default defineConfig({
  PORT: 0,
  DATABASE_URL: 'memory:',
  RUNNEL_MODEL: 'local/qwen',
  providers: {
    local: { baseUrl: 'http://127.0.0.1:9/v1', apiKeyFile: 'key', models: [{ id: 'qwen', tools: true, fallback: ['openai/gpt-5'] }] },
    made: { provider: openaiProvider({ baseUrl: 'http://127.0.0.1:9/v1' }), models: ['m'] },
  },
})`,
  })
  const { line } = await runnel(folder, [], {
    OPENAI_API_KEY: 'sk-of-the-environment',
    RUNNEL_MODELS: 'local/*,openai/gpt-5',
  })
  const url = line.replace('Runnel listens on ', '')
  const { items } = (await (await fetch(`${url}/api/models`)).json()) as { items: object[] }
  expect(items).toEqual([
    { id: 'local/qwen', provider: 'local', tools: true, isDefault: true },
    { id: 'openai/gpt-5', provider: 'openai' },
  ])
})

test('an empty variable is none, and without a module the environment is all', async () => {
  const folder = await folderWith({ 'runnel.config.js': `export default { PORT: 0, RUNNEL_MODEL: 'm' }` })
  expect(
    await loadOptions({ path: undefined, folder, environment: { RUNNEL_MODEL: '', PATH: '/bin', LOG_LEVEL: 'warn' } }),
  ).toEqual({ PORT: 0, RUNNEL_MODEL: 'm', LOG_LEVEL: 'warn' })
  expect(await loadOptions({ path: undefined, folder: join(folder, 'none'), environment: { PORT: '1' } })).toEqual({
    PORT: '1',
  })
})

test('every fault is named at once, with what was meant', async () => {
  const folder = await folderWith({
    'runnel.config.ts': `export default {
    PORT: 'eighty', port: 80, RUNNEL_FLUSH: 4, heartbeatMs: 1, tools: {}, filters: [{}], provider: 'openai', authenticate: true, onMessageEnd: [], logger: { info() {} },
  }`,
  })
  const { code, error } = await runnel(folder, [], { HOST: '0.0.0.0', RUNNEL_FLUSH_MS: '9999' })
  expect(code).toBe(1)
  for (const words of [
    'runnel: The configuration (runnel.config.ts and the environment) is wrong:',
    'port: there is no such setting: PORT is meant, perhaps',
    'heartbeatMs: there is no such setting: RUNNEL_HEARTBEAT_MS is meant, perhaps',
    'RUNNEL_FLUSH: there is no such setting: RUNNEL_FLUSH_MS is meant, perhaps',
    'tools: must be a list of tools',
    'filters: must be a list of filters',
    'provider: must be a function',
    'authenticate: must be a function',
    'onMessageEnd: must be a function',
    'logger: must have the methods',
    'PORT: ',
    'RUNNEL_FLUSH_MS: ',
  ])
    expect(error).toContain(words)
})

test.each([
  ['is not there', {}, ['--config', 'mine.ts'], 'There is no configuration module mine.ts.'],
  [
    'has no default export',
    { 'runnel.config.mjs': 'export const config = {}' },
    [],
    'The configuration module runnel.config.mjs has no default export that is an object',
  ],
  [
    'does not parse',
    { 'runnel.config.ts': 'export default {' },
    [],
    'The configuration module runnel.config.ts could not be loaded: ',
  ],
  [
    'throws',
    { 'runnel.config.ts': 'throw new Error("no key in the vault")' },
    [],
    'could not be loaded: no key in the vault',
  ],
])('a module that %s is an error that says so', async (_what, files, args, words) => {
  const { code, error } = await runnel(await folderWith(files), args)
  expect(code).toBe(1)
  expect(error).toContain(words)
})

test('options of the wrong type are refused in a program, too', () => {
  expect(() => createRunnel({ DATABASE_URL: 'memory:', tools: 'none' as never, PORT: -1 })).toThrow(
    /tools: must be a list[^]*PORT: /,
  )
})
