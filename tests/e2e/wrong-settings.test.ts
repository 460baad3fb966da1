/** A DATABASE_URL or REDIS_URL that cannot work ends the start with its reason; later `/readyz` says it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { RunnelError } from '../../shared/errors.ts'
import { createRunnel } from '../../server/app/app.ts'
import { startRunnel } from '../../testing/index.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { startRedis, tellRedis, type RedisServer } from '../helpers/redis.ts'
import { startLine } from '../../testing/line.ts'

let postgres: Postgres
let redis: RedisServer
let database: string
beforeAll(async () => {
  ;[postgres, redis] = await Promise.all([startPostgres(), startRedis()])
  await tellRedis(redis.port, 'CONFIG SET requirepass right')
  database = await postgres.database()
  // Whoever is not the owner needs a password, and has none.
  await postgres.run("CREATE USER ann PASSWORD 'right'")
  const [hba] = await postgres.run<{ hba_file: string }>('SHOW hba_file')
  await postgres.run(
    `COPY (VALUES ('host all runnel 127.0.0.1/32 trust'), ('host all all 127.0.0.1/32 scram-sha-256')) TO '${hba!.hba_file}'`,
  )
  await postgres.run('SELECT pg_reload_conf()')
}, 30_000)
afterAll(async () => {
  await Promise.all([postgres.close(), redis.kill()])
})

const places = /127\.0\.0\.1|localhost|nowhere|runnel@|\bann\b|test_\d|none_\d|:\d{4}/

async function refusalOf(settings: { DATABASE_URL?: string; REDIS_URL?: string }): Promise<RunnelError> {
  const runnel = createRunnel({
    HOST: '127.0.0.1',
    PORT: 0,
    LOG_LEVEL: 'silent',
    DATABASE_URL: database,
    RUNNEL_FILES_DIR: '/tmp',
    ...settings,
  })
  try {
    return (await runnel.listen().then(
      () => expect.unreachable('it has started'),
      (error: unknown) => error,
    )) as RunnelError
  } finally {
    await runnel.close()
  }
}

test('each fault of a DATABASE_URL is told from the others, without its place', async () => {
  const change = (edit: (url: URL) => void) => {
    const url = new URL(database)
    edit(url)
    return url.href
  }
  const wrong: [string, RegExp][] = [
    [
      change((url) => ((url.username = 'ann'), (url.password = 'wrong'))),
      /refuses this user.*password in DATABASE_URL/,
    ],
    [change((url) => ((url.username = 'nobody'), (url.password = 'x'))), /refuses this user.*DATABASE_URL/],
    [change((url) => (url.pathname = '/none_1')), /no such database.*DATABASE_URL/],
    [change((url) => (url.search = '?sslmode=verify-full')), /do not agree on TLS.*DATABASE_URL/],
    [change((url) => (url.hostname = 'nowhere.invalid')), /cannot be reached \((ENOTFOUND|EAI_AGAIN)\).*DATABASE_URL/],
    [change((url) => (url.port = '1')), /cannot be reached \(ECONNREFUSED\).*DATABASE_URL/],
  ]
  for (const [DATABASE_URL, words] of wrong) {
    const { code, message, where } = await refusalOf({ DATABASE_URL })
    expect([code, message]).toEqual(['store_unavailable', expect.stringMatching(words)])
    expect(message).not.toMatch(places)
    expect(where).toContain(new URL(DATABASE_URL).host)
  }
})

test('each fault of a REDIS_URL is told from the others, without its place', async () => {
  const at = `127.0.0.1:${redis.port}`
  const wrong: [string, RegExp][] = [
    [`redis://:wrong@${at}`, /refuses this user or its password.*REDIS_URL/],
    [`redis://ann:right@${at}`, /refuses this user or its password.*REDIS_URL/],
    [`redis://${at}`, /wants a password.*REDIS_URL/],
    [`redis://:right@${at}/99`, /no database of that number.*REDIS_URL/],
    [`rediss://:right@${at}`, /Does it speak TLS\? REDIS_URL/],
    ['redis://:right@nowhere.invalid:6379', /cannot be reached \((ENOTFOUND|EAI_AGAIN)\).*REDIS_URL/],
    ['redis://:right@127.0.0.1:1', /cannot be reached \(ECONNREFUSED\).*REDIS_URL/],
    ['redis://:right@127.0.0.1:1,redis://:right@127.0.0.1:2', /cannot be reached \(ECONNREFUSED\).*REDIS_URL/],
    [`redis://:wrong@${at}?cluster`, /refuses this user or its password.*REDIS_URL/],
  ]
  await Promise.all(
    wrong.map(async ([REDIS_URL, words]) => {
      const { code, message, where } = await refusalOf({ REDIS_URL })
      expect([REDIS_URL, code, message]).toEqual([REDIS_URL, 'store_unavailable', expect.stringMatching(words)])
      expect(message).not.toMatch(places)
      expect(where).toContain(new URL(REDIS_URL.split(',')[0]!).host)
    }),
  )
})

test('the command says it in one line, and ends', async () => {
  const child = spawn(process.execPath, [fileURLToPath(new URL('../../server/main.ts', import.meta.url))], {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, PORT: '0', DATABASE_URL: database, REDIS_URL: `redis://:wrong@127.0.0.1:${redis.port}` },
  })
  let words = ''
  child.stderr.on('data', (data: Buffer) => {
    words += data.toString()
  })
  expect(await once(child, 'exit')).toEqual([1, null])
  expect(words).toBe(
    `runnel: Redis refuses this user or its password. Check both in REDIS_URL. (127.0.0.1:${redis.port})\n`,
  )
})

test(
  'a password that is changed while a node runs is named by /readyz, and by what a reader gets',
  { timeout: 30_000 },
  async () => {
    const own = await startRedis()
    await tellRedis(own.port, 'CONFIG SET requirepass right')
    const proxy = await startLine(own.port)
    const url = new URL(await postgres.database())
    const toDatabase = await startLine(Number(url.port))
    await postgres.run(`ALTER DATABASE ${url.pathname.slice(1)} OWNER TO ann`)
    await postgres.run('ALTER SCHEMA public OWNER TO ann', url.href)
    onTestFinished(async () => {
      await Promise.all([own.kill(), proxy.close(), toDatabase.close()])
    })
    ;[url.username, url.password, url.port] = ['ann', 'right', String(toDatabase.port)]
    const server = await startRunnel({
      LOG_LEVEL: 'silent',
      DATABASE_URL: url.href,
      REDIS_URL: `redis://:right@127.0.0.1:${proxy.port}`,
      RUNNEL_FILES_DIR: '/tmp',
    })
    onTestFinished(() => server.close())
    const ready = () => server.call('GET', '/readyz')
    expect((await ready()).status).toBe(200)
    const saysSo = async (words: RegExp, setting: string) => {
      await expect.poll(async () => (await ready()).body.error?.message, { timeout: 10_000 }).toMatch(words)
      const { status, body } = await ready()
      expect([status, body.error.code]).toEqual([503, 'store_unavailable'])
      expect(body.error.message).toContain(setting)
      const asked = await server.call('POST', '/api/chats', {})
      for (const { message } of [body.error, ...(asked.status === 201 ? [] : [asked.body.error])])
        expect(message).not.toMatch(places)
    }
    await tellRedis(own.port, 'AUTH right', 'CONFIG SET requirepass other')
    proxy.cut()
    await saysSo(/refuses this user or its password/, 'REDIS_URL')
    await tellRedis(own.port, 'AUTH other', 'CONFIG SET requirepass right')
    await expect.poll(async () => (await ready()).status, { timeout: 10_000 }).toBe(200)
    await postgres.run("ALTER USER ann PASSWORD 'other'")
    toDatabase.cut()
    await saysSo(/refuses this user/, 'DATABASE_URL')
    await postgres.run("ALTER USER ann PASSWORD 'right'")
    await expect.poll(async () => (await ready()).status, { timeout: 10_000 }).toBe(200)
  },
)
