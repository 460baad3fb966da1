import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { openPostgresConnection, type PostgresLimits } from '../../server/store/postgres/connection.ts'
import { migrations } from '../../server/store/postgres/steps.ts'
import { openPostgresStore, postgresStore } from '../../server/store/postgres/postgres.ts'
import type { RunnelError } from '../../shared/errors.ts'
import { startPostgres, type Postgres } from '../helpers/postgres.ts'
import { startLine } from '../../testing/line.ts'
import { append, readLog, refusal } from './fixtures.ts'
import { answer, bytes, chat, chatId, newRun } from './records.ts'

const doc = 'msg_answer01'
/** On the wire, and no part of BEGIN … READ COMMITTED. */
const commit = 'COMMIT\0'
let postgres: Postgres
beforeAll(async () => {
  postgres = await startPostgres()
}, 30_000)
afterAll(() => postgres.close())

function connection(url: string, limits: Partial<PostgresLimits> = {}, steps = migrations) {
  const opened = openPostgresConnection(url, limits, steps)
  onTestFinished(() => opened.close())
  return opened
}

function open(url: string, limits?: Partial<PostgresLimits>) {
  return postgresStore(connection(url, limits))
}

async function openWithRun(url: string, limits?: Partial<PostgresLimits>) {
  const store = open(url, limits)
  await store.createChat(chat(), 'l')
  await store.startRun(newRun(doc))
  return store
}

/** A store that has a run, on the other side of a network that the test can spoil. */
async function behindProxy(limits?: Partial<PostgresLimits>) {
  const direct = await postgres.database()
  const url = new URL(direct)
  const proxy = await startLine(Number(url.port))
  onTestFinished(() => proxy.close())
  url.port = String(proxy.port)
  return { proxy, direct, store: await openWithRun(url.href, limits) }
}

/** Where it is, only the operator is told; the password is nowhere in it. */
async function unavailable(run: () => unknown): Promise<RunnelError> {
  const error = await refusal('store_unavailable', run)
  expect(error.message).not.toMatch(/127\.0\.0\.1|localhost|runnel@|test_\d/)
  expect(inspect(error, { depth: 12, showHidden: true })).not.toContain('secret')
  return error
}

describe('opening a database', () => {
  it('migrates once where several nodes start on an empty one', async () => {
    const url = await postgres.database()
    await Promise.all(Array.from({ length: 6 }, () => open(url).probe()))
    expect(await postgres.run('SELECT version FROM runnel_schema', url)).toEqual([{ version: migrations.length }])
  })

  it('migrates once where several nodes start on an older one, and keeps what is in it', async () => {
    const url = await postgres.database()
    await (await openWithRun(url)).close()
    const next = [
      ...migrations,
      'ALTER TABLE chats ADD COLUMN colour TEXT',
      `UPDATE chats SET colour = coalesce(colour, '') || 'blue'; SELECT pg_sleep(0.2)`,
    ]
    await Promise.all(Array.from({ length: 6 }, () => connection(url, {}, next).query('SELECT 1')))
    expect(await postgres.run('SELECT title, colour FROM chats', url)).toEqual([{ title: 'Tides', colour: 'blue' }])
    expect((await unavailable(() => open(url).probe())).message).toMatch(
      new RegExp(`newer Runnel \\(schema ${next.length}; this one knows up to ${migrations.length}\\)`),
    )
  })

  it('leaves a step that fails undone, and goes on from there', async () => {
    const url = await postgres.database()
    await refusal('internal', () =>
      connection(url, {}, [...migrations, 'CREATE TABLE songs (title TEXT); SELECT 1/0']).query('SELECT 1'),
    )
    expect(await postgres.run(`SELECT version, to_regclass('songs') AS songs FROM runnel_schema`, url)).toEqual([
      { version: migrations.length, songs: null },
    ])
    await open(url).probe()
  })

  it('leaves the tables of another program as they are', async () => {
    const url = await postgres.database()
    await postgres.run('CREATE TABLE songs (title TEXT)', url)
    expect((await unavailable(() => open(url).probe())).message).toMatch(
      /^The database holds the tables of another program/,
    )
    expect(await postgres.run(`SELECT tablename FROM pg_tables WHERE schemaname = 'public'`, url)).toEqual([
      { tablename: 'songs' },
    ])
  })

  it('leaves one that is not what its version says as it is', async () => {
    const early = migrations[0]!.replace('    node TEXT,\n', '').replace(/CREATE TABLE orders[^;]*;/, '')
    const otherAppend = migrations[0]!.replace("status := 'fenced'", "status := 'gap'")
    const halfMade = migrations[0]!.slice(0, migrations[0]!.indexOf('CREATE TABLE documents'))
    for (const [made, lacks] of [
      [early, 'messages.node'],
      [otherAppend, 'runnel_append()'],
      [halfMade, 'documents.number'],
      ['', 'chats.number'],
    ]) {
      const url = await postgres.database()
      await postgres.run(`CREATE TABLE runnel_schema AS SELECT 1 AS version; ${made}`, url)
      const tables = () =>
        postgres.run(
          `SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2`,
          url,
        )
      const before = await tables()
      const later = [...migrations, 'ALTER TABLE chats ADD COLUMN colour TEXT']
      for (const steps of [migrations, later])
        expect((await unavailable(() => connection(url, {}, steps).query('SELECT 1'))).message).toMatch(
          `has schema 1 of Runnel, but lacks ${lacks}`,
        )
      expect(await tables()).toEqual(before)
    }
    const url = await postgres.database()
    await postgres.run(`CREATE TABLE runnel_schema (version TEXT)`, url)
    expect((await unavailable(() => open(url).probe())).message).toMatch(/another program/)
  })

  it('refuses one that is not UTF-8', async () => {
    await postgres.run(`CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0`)
    const url = (await postgres.database()).replace(/\/test_\d+$/, '/latin')
    expect((await unavailable(() => open(url).probe())).message).toMatch(/keeps text as LATIN1/)
  })

  it('says that there is no such database, or no server', async () => {
    const url = await postgres.database()
    expect((await unavailable(() => open(url.replace('test_', 'none_')).probe())).message).toMatch(
      /^There is no such database/,
    )
    expect((await unavailable(() => open(url.replace(/:\d+\//, ':1/')).probe())).message).toMatch(
      /cannot be reached \(ECONNREFUSED\)/,
    )
  })

  it('gives up a server that says nothing', async () => {
    const sockets: Socket[] = []
    const server = createServer((socket) => void sockets.push(socket)).listen(0, '127.0.0.1')
    await once(server, 'listening')
    onTestFinished(() => {
      server.close()
      sockets.forEach((socket) => socket.destroy())
    })
    const store = open(`postgres://runnel:secret@127.0.0.1:${(server.address() as AddressInfo).port}/db`, {
      connectMs: 100,
      patienceMs: 0,
    })
    expect((await unavailable(() => store.probe())).message).toMatch(/cannot be reached \(no answer\)/)
  })

  it('opens when the server is there at last', async () => {
    const url = await postgres.database()
    await postgres.stop('fast')
    const store = open(url)
    await unavailable(() => store.probe())
    await postgres.start()
    await store.probe()
  })
})

describe('time limits', () => {
  it('end a statement that waits for a row, and a call for which no connection is free', async () => {
    const url = await postgres.database()
    const store = await openWithRun(url, { statementMs: 100, connections: 2, connectMs: 300 })
    const other = connection(url)
    let release = () => {}
    const held = new Promise<void>((resolve) => {
      release = resolve
    })
    const holding = other.write(async (query) => {
      await query('SELECT 1 FROM documents WHERE id = $1 FOR UPDATE', [doc])
      await held
    })
    await expect
      .poll(
        async () =>
          await other.query(`SELECT 1 FROM pg_locks WHERE relation = 'documents'::regclass AND mode = 'RowShareLock'`),
      )
      .toHaveLength(1)
    expect((await unavailable(() => store.drawEpoch(doc))).message).toMatch(/took too long/)
    release()
    await holding
    expect(await store.drawEpoch(doc)).toBe(2)

    const busy = connection(url, { connections: 1, connectMs: 100 })
    const slow = busy.query('SELECT pg_sleep(1)')
    expect((await unavailable(() => busy.query('SELECT 1'))).message).toMatch(/All connections .* are in use/)
    await slow
  })
})

describe('transactions', () => {
  it("in each other's way are tried again", async () => {
    const url = await postgres.database()
    const store = await openWithRun(url)
    await store.startRun(newRun('msg_answer02'))
    // A deadlock is found after a second: longer than a call waits for a database that is away.
    const nodes = [connection(url), connection(url)]
    let tries = 0
    // Each locks its own row first, and the other's when both have done so.
    const locked = nodes.map(() => Promise.withResolvers<void>())
    await Promise.all(
      nodes.map((node, i) =>
        node.write(async (query) => {
          tries += 1
          for (const id of i === 0 ? [doc, 'msg_answer02'] : ['msg_answer02', doc]) {
            await query('UPDATE documents SET seq = seq + 1 WHERE id = $1', [id])
            locked[i]!.resolve()
            await Promise.all(locked.map(({ promise }) => promise))
          }
        }),
      ),
    )
    expect(tries).toBeGreaterThan(2)
    expect(await postgres.run('SELECT seq FROM documents WHERE epoch = 1', url)).toEqual([{ seq: '2' }, { seq: '2' }])
  })

  it('whose answer is lost are looked up: a commit that was made is not made again', async () => {
    const { proxy, store } = await behindProxy()
    for (const moment of ['before', 'after'] as const) {
      const epoch = await store.drawEpoch(doc)
      proxy.breakAt = { words: commit, moment }
      expect(await store.drawEpoch(doc)).toBe(epoch + 1)
      proxy.breakAt = { words: commit, moment }
      expect(await store.startRun(newRun(`msg_${moment}000`))).toEqual({ repeated: false })
    }
    expect(proxy.breaks).toBe(4)
    expect((await store.unfinished()).map(({ id }) => id)).toEqual([doc, 'msg_before000', 'msg_after000'])
  })

  it('that give an epoch back do not do so again when somebody has drawn it in the meantime', async () => {
    const { proxy, store, direct } = await behindProxy()
    const other = open(direct)
    for (const [i, words] of ['SET released = TRUE', commit].entries()) {
      const epoch = await store.drawEpoch(doc)
      proxy.breakAt = { words, moment: 'after' }
      const released = store.releaseEpoch(doc, epoch)
      await expect.poll(() => proxy.breaks, { interval: 1 }).toBe(i + 1)
      proxy.mode = 'refuse'
      const drawn = await other.drawEpoch(doc)
      proxy.mode = 'pass'
      await released
      expect(await store.drawEpoch(doc)).toBe(drawn + 1)
    }
  })

  it('of a database that went away in the middle say that they do not know', async () => {
    const { proxy, store } = await behindProxy({ doubtMs: 200 })
    proxy.breakAt = { words: commit, moment: 'after' }
    proxy.mode = 'refuse'
    const { message } = await unavailable(() => store.drawEpoch(doc))
    proxy.mode = 'pass'
    expect(message).toMatch(/whether that was written is not known/)
    expect(await store.drawEpoch(doc)).toBe(3)
  })

  it("outlive a power cut, also where the server's settings do not ask for it", async () => {
    const url = await postgres.database()
    await postgres.run(`ALTER DATABASE ${new URL(url).pathname.slice(1)} SET synchronous_commit = off`)
    const store = await openWithRun(url)
    const isFlushed = async () =>
      (
        await postgres.run<{ flushed: boolean }>(
          'SELECT pg_current_wal_flush_lsn() >= pg_current_wal_insert_lsn() AS flushed',
          url,
        )
      )[0]!.flushed
    const seen = new Set<boolean>()
    for (let seq = 0; seq < 20; seq++) {
      await append(store, doc, seq + 1, seq, 'x')
      seen.add(await isFlushed())
      await store.drawEpoch(doc)
      expect(await isFlushed()).toBe(true)
    }
    expect(seen).toContain(false)
  })
})

describe('appends', () => {
  it('are in the log once, whenever the connection breaks', async () => {
    const { proxy, store } = await behindProxy()
    for (const [seq, moment] of (['before', 'after', 'before', 'after'] as const).entries()) {
      proxy.breakAt = { words: 'runnel_append', moment }
      expect(await append(store, doc, 1, seq, `u${seq}`)).toEqual([{ status: 'ok', seq: seq + 1 }])
    }
    expect(proxy.breaks).toBe(4)
    expect(await readLog(store, doc)).toMatchObject({ seq: 4, updates: ['u0', 'u1', 'u2', 'u3'] })
    expect(await append(store, doc, 1, 3, 'again')).toEqual([{ status: 'gap', seq: 4 }])
  })

  it('wait for a server that was killed, or shut down, and comes back', { timeout: 40_000 }, async () => {
    const store = await openWithRun(await postgres.database())
    for (const [seq, how] of (['fast', 'kill'] as const).entries()) {
      await postgres.stop(how)
      const appending = append(store, doc, 1, seq, `u${seq}`)
      expect((await unavailable(() => store.getChat(chatId))).message).toMatch(
        /cannot be reached|going down or starting/,
      )
      await unavailable(() => store.probe())
      await postgres.start()
      expect(await appending).toEqual([{ status: 'ok', seq: seq + 1 }])
      expect(await store.getChat(chatId)).toEqual(chat())
    }
    expect((await readLog(store, doc))?.updates).toEqual(['u0', 'u1'])
    expect(await store.endRun({ taskId: `task_${doc}`, message: answer(doc), epoch: 1, state: bytes('final') })).toBe(
      'ended',
    )
  })

  it('under way when the server is killed are whole or not there', { timeout: 60_000 }, async () => {
    const url = await postgres.database()
    const store = await openWithRun(url)
    let seq = 0
    let ended = false
    const writing = (async () => {
      while (!ended) {
        const [result] = await append(store, doc, 1, seq, `${seq},`)
        expect(result).toEqual({ status: 'ok', seq: ++seq })
      }
    })()
    for (let i = 0; i < 3; i++) {
      const before = seq
      await expect.poll(() => seq, { timeout: 10_000 }).toBeGreaterThan(before + 20)
      await postgres.stop('kill')
      await postgres.start()
    }
    ended = true
    await writing
    expect((await readLog(store, doc))?.updates).toEqual(Array.from({ length: seq }, (_, i) => `${i},`))
  })
})

it('closes while the database is away', async () => {
  const store = openPostgresStore((await postgres.database()).replace(/:\d+\//, ':1/'))
  const appending = unavailable(() => append(store, doc, 1, 0, 'x'))
  await store.close()
  await appending
})
