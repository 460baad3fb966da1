/** Who may use a Postgres database beside whom. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { openPostgresStore } from '../../server/store/postgres/postgres.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { refusal } from './fixtures.ts'

let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 30_000)
afterAll(() => postgres.close())

function open(url: string, use: 'alone' | 'together') {
  const store = openPostgresStore(url, use)
  onTestFinished(() => store.close())
  return store
}

const holders = (url: string) =>
  postgres.run<{ pid: number }>(
    `SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    url,
  )

test('a second process without Redis is refused, until the first one has ended', async () => {
  const url = await postgres.database()
  const [first, second] = [open(url, 'alone'), open(url, 'alone')]
  await first.probe()
  expect((await refusal('store_unavailable', () => second.probe())).message).toBe(
    'Another Runnel process uses this database. Several need REDIS_URL, each of them the same; without it stop the other one, or set DATABASE_URL to another database.',
  )
  await first.probe()
  await first.close()
  await second.probe()
  expect(await holders(url)).toHaveLength(1)
  await second.close()
  expect(await holders(url)).toEqual([])
})

test('processes with Redis share a database, and one without is kept out, as they are by it', async () => {
  const url = await postgres.database()
  const nodes = [open(url, 'together'), open(url, 'together')]
  await Promise.all(nodes.map((node) => node.probe()))
  await refusal('store_unavailable', () => open(url, 'alone').probe())
  for (const node of nodes) await node.close()
  const alone = open(url, 'alone')
  await alone.probe()
  expect((await refusal('store_unavailable', () => open(url, 'together').probe())).message).toContain(
    'without REDIS_URL',
  )
})

test('two databases of one server do not know of each other', async () => {
  for (const url of [await postgres.database(), await postgres.database()]) await open(url, 'alone').probe()
})

test('a lock whose connection broke is taken again, and work goes on meanwhile', async () => {
  const url = await postgres.database()
  const first = open(url, 'alone')
  await first.probe()
  const [before] = await holders(url)
  await postgres.run(`SELECT pg_terminate_backend(${before!.pid})`, url)
  await first.probe()
  await expect
    .poll(async () => (await holders(url)).filter(({ pid }) => pid !== before!.pid).length, { timeout: 5_000 })
    .toBe(1)
  await refusal('store_unavailable', () => open(url, 'alone').probe())
  await first.probe()
})

test('a connection that Postgres has not missed yet is not in the way of its own process', async () => {
  const direct = new URL(await postgres.database())
  const clients = new Set<Socket>()
  const kept: Socket[] = []
  // Whose client is gone, it does not say.
  const proxy = createServer((client) => {
    const server = connect(Number(direct.port), '127.0.0.1')
    clients.add(client)
    kept.push(server)
    client.on('data', (data) => server.write(data)).on('error', () => {})
    server.on('data', (data) => client.write(data)).on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  const store = openPostgresStore(
    direct.href.replace(`:${direct.port}/`, `:${(proxy.address() as AddressInfo).port}/`),
    'alone',
  )
  await store.probe()
  const [before] = await holders(direct.href)
  for (const client of clients) client.destroy()
  await expect
    .poll(async () => (await holders(direct.href)).map(({ pid }) => pid).filter((pid) => pid !== before!.pid).length, {
      timeout: 8_000,
    })
    .toBe(1)
  await store.probe()
  await store.close()
  for (const socket of [...kept, ...clients]) socket.destroy()
  proxy.close()
  await once(proxy, 'close')
})
