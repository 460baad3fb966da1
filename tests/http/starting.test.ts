/** Starts that fail are tried again; a close goes through all parts, whatever one of them does. */
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { createRunnel } from '../../server/app/app.ts'
import type { ToolSource } from '../../server/extension/tool.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { freePort } from '../helpers/programs.ts'
import { startLine } from '../../testing/line.ts'

const quiet = { LOG_LEVEL: 'silent', RUNNEL_DRAIN_MS: 0, PORT: 0 } as const

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 60_000)
afterAll(() => postgres.close())

function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), 'runnel-starting-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return `sqlite:${join(folder, 'runnel.db')}`
}

const brokenTool = (name: string): ToolSource => ({
  name,
  list: () => Promise.resolve([]),
  close: () => Promise.reject(new Error(`${name} cannot be closed`)),
})

test('a handler that was asked while the store was away serves when it is back', async () => {
  const direct = new URL(await postgres.database())
  const proxy = await startLine(Number(direct.port))
  onTestFinished(() => proxy.close())
  proxy.mode = 'refuse'
  direct.port = String(proxy.port)
  const runnel = createRunnel({ ...quiet, DATABASE_URL: direct.href })
  onTestFinished(() => runnel.close())
  const server = createServer((request, response) => runnel.handler(request, response)).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const ask = async () =>
    (
      await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/api/chats`, {
        headers: { connection: 'close' },
      })
    ).status
  expect(await ask()).toBe(503)
  expect(await ask()).toBe(503)
  proxy.mode = 'pass'
  expect(await ask()).toBe(200)
})

test.each([
  ['SQLite', () => Promise.resolve(newPath())],
  ['Postgres', () => postgres.database()],
])('%s: a tool that cannot be closed leaves neither lock nor port behind', async (_name, newUrl) => {
  const DATABASE_URL = await newUrl()
  const [PORT, RUNNEL_METRICS_PORT] = [await freePort(), await freePort()]
  const settings = { ...quiet, DATABASE_URL, PORT, RUNNEL_METRICS_PORT }
  const first = createRunnel({ ...settings, tools: [brokenTool('one'), brokenTool('two')] })
  await first.listen()
  await expect(first.close()).rejects.toMatchObject({
    errors: [{ message: 'one cannot be closed' }, { message: 'two cannot be closed' }],
  })
  const second = createRunnel({ ...settings, tools: [brokenTool('three')] })
  await second.listen()
  await expect(second.close()).rejects.toThrow('three cannot be closed')
  const third = createRunnel(settings)
  await third.listen()
  await third.close()
})

test('what cannot be made of its settings leaves nothing locked: the next one gets the database', async () => {
  const DATABASE_URL = newPath()
  const file = DATABASE_URL.slice('sqlite:'.length)
  const broken = { ...quiet, DATABASE_URL } as const
  Object.defineProperty(broken, 'provider', {
    enumerable: true,
    get: () => {
      if (existsSync(file)) throw new Error('There is no such provider.')
      return undefined
    },
  })
  expect(() => createRunnel(broken)).toThrow('There is no such provider.')
  await new Promise((resolve) => setImmediate(resolve))
  const runnel = createRunnel({ ...quiet, DATABASE_URL })
  await runnel.listen()
  await runnel.close()
})

test('a port that was taken, for requests or for scrapers, is tried again', async () => {
  const [PORT, RUNNEL_METRICS_PORT] = [await freePort(), await freePort()]
  const runnel = createRunnel({ ...quiet, DATABASE_URL: 'memory:', PORT, RUNNEL_METRICS_PORT })
  onTestFinished(() => runnel.close())
  const host = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void host.close())
  const taken = createServer().listen(RUNNEL_METRICS_PORT, '127.0.0.1')
  await once(taken, 'listening')
  await expect(runnel.attach(host)).rejects.toThrow('EADDRINUSE')
  taken.close()
  await once(taken, 'close')
  expect((await runnel.attach(host)).metricsUrl).toContain(`:${RUNNEL_METRICS_PORT}`)
  const other = createServer().listen(PORT, '127.0.0.1')
  await once(other, 'listening')
  await expect(runnel.listen()).rejects.toThrow('EADDRINUSE')
  other.close()
  await once(other, 'close')
  expect((await runnel.listen()).url).toContain(`:${PORT}`)
})
