import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteConnection } from '../../server/store/sqlite/connection.ts'
import { migrate } from '../../server/store/sqlite/schema.ts'
import { migrations } from '../../server/store/sqlite/steps.ts'
import { openSqliteStore, sqliteStore } from '../../server/store/sqlite/sqlite.ts'
import { append, readLog, refusal, temporaryFolder } from './fixtures.ts'
import { answer, bytes, chat, chatId, claim, newRun, question } from './records.ts'

const doc = 'msg_answer01'

/** A store with one run, and the connection that it stands on. */
async function openWithRun() {
  const path = join(temporaryFolder(), 'runnel.db')
  const connection = openSqliteConnection(path)
  const store = sqliteStore(connection)
  onTestFinished(() => store.close())
  await store.createChat(chat(), 'l')
  await store.startRun(newRun(doc))
  return { path, store, database: connection.database }
}

function openRaw(path: string): DatabaseSync {
  const database = new DatabaseSync(path)
  onTestFinished(() => database.close())
  return database
}

describe('opening a database file', () => {
  it('says that a folder cannot be made', async () => {
    const folder = temporaryFolder()
    writeFileSync(join(folder, 'file'), '')
    for (const path of [join(folder, 'file', 'sub', 'runnel.db'), '/proc/runnel/runnel.db']) {
      expect((await refusal('store_unavailable', () => openSqliteStore(path))).message).toMatch(
        /^The folder .* cannot be made: .* Set DATABASE_URL/,
      )
    }
  })

  it('says that a folder is no file', async () => {
    const folder = temporaryFolder()
    mkdirSync(join(folder, 'runnel.db'))
    expect((await refusal('store_unavailable', () => openSqliteStore(join(folder, 'runnel.db')))).message).toMatch(
      /cannot be opened/,
    )
  })

  it('leaves a file that is no database as it is', async () => {
    const path = join(temporaryFolder(), 'notes.txt')
    writeFileSync(path, 'dear diary\n'.repeat(500))
    expect((await refusal('store_unavailable', () => openSqliteStore(path))).message).toMatch(
      /The file of DATABASE_URL is no SQLite database/,
    )
    expect(readFileSync(path, 'utf8')).toBe('dear diary\n'.repeat(500))
  })

  it('leaves one that is not what its version says as it is', () => {
    for (const [version, made, lacks] of [
      [1, 'CREATE TABLE chats (id TEXT)', 'chats\\.number'],
      [2, migrations[0]!, '\\w+\\.\\w+'],
      [migrations.length, migrations.slice(0, 2).join(';'), '\\w+\\.\\w+'],
      [1, migrations[0]!.replace(/\n    title TEXT[^\n]*/, ''), 'chats\\.title'],
    ] as const) {
      const path = join(temporaryFolder(), 'early.db')
      const raw = new DatabaseSync(path)
      raw.exec(`${made}; PRAGMA application_id = ${0x526e6e6c}; PRAGMA user_version = ${version}`)
      raw.close()
      const before = readFileSync(path)
      expect(() => openSqliteStore(path)).toThrow(
        new RegExp(`has schema ${version} of Runnel, but lacks ${lacks}; nothing was changed`),
      )
      expect(readFileSync(path).equals(before)).toBe(true)
    }
  })

  it('leaves the database of another program as it is', async () => {
    const path = join(temporaryFolder(), 'other.db')
    openRaw(path).exec('CREATE TABLE songs (title TEXT)')
    const before = readFileSync(path)
    expect((await refusal('store_unavailable', () => openSqliteStore(path))).message).toMatch(
      /the database of another program/,
    )
    expect(readFileSync(path)).toEqual(before)
  })

  it('refuses a schema that a newer Runnel wrote', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    await openSqliteStore(path).close()
    openRaw(path).exec('PRAGMA user_version = 99')
    expect((await refusal('store_unavailable', () => openSqliteStore(path))).message).toMatch(
      /newer Runnel \(schema 99; this one knows up to \d+\)/,
    )
  })

  it('lets go of the file where it refuses', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    await openSqliteStore(path).close()
    const raw = new DatabaseSync(path)
    raw.exec('PRAGMA user_version = 99')
    await refusal('store_unavailable', () => openSqliteStore(path))
    raw.exec(`PRAGMA user_version = ${migrations.length}`)
    await openSqliteStore(path).close()
  })

  it('says who may help where another program holds a lock', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    await openSqliteStore(path).close()
    openRaw(path).exec('BEGIN IMMEDIATE')
    expect((await refusal('store_unavailable', () => openSqliteStore(path))).message).toMatch(
      /locked by another program/,
    )
  })
})

describe('migrations', () => {
  it('take an older file to the present schema and keep what is in it', () => {
    const database = openRaw(':memory:')
    migrate(database, migrations)
    database.exec(`INSERT INTO chats (id, owner_id, title, created_at) VALUES ('${chatId}', 'user_1', 'Tides', 1)`)
    const next = [...migrations, 'ALTER TABLE chats ADD COLUMN colour TEXT', `UPDATE chats SET colour = 'blue'`]
    migrate(database, next)
    migrate(database, next)
    expect(database.prepare('SELECT title, colour FROM chats').all()).toEqual([{ title: 'Tides', colour: 'blue' }])
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: next.length })
  })

  it('know of files that were there before which of them a message has', () => {
    const database = openRaw(':memory:')
    migrate(database, migrations.slice(0, 3))
    const insert = database.prepare(
      `INSERT INTO files (id, chat_id, user_id, name, mime_type, size, created_at) VALUES (?, 'c', 'u', 'n', 't', 1, 1)`,
    )
    for (const id of ['had', 'not had']) insert.run(id)
    database.exec(`INSERT INTO message_files VALUES ('m', 'had')`)
    migrate(database)
    expect(database.prepare('SELECT id, attached FROM files').all()).toEqual([
      { id: 'had', attached: 1 },
      { id: 'not had', attached: 0 },
    ])
  })

  it('take the words of an older file along, each to its chat, and leave none in the old index', () => {
    const database = openRaw(':memory:')
    migrate(database, migrations.slice(0, 7))
    database.exec(`INSERT INTO chats (number, id, owner_id, title, created_at) VALUES (7, '${chatId}', 'user_1', 'Crème tides', 1);
      INSERT INTO messages (number, id, chat_id, role, created_at, user_id, status) VALUES (5, 'm', '${chatId}', 'user', 1, 'u', 'completed');
      INSERT INTO chat_text (rowid, title) VALUES (7, 'Crème tides');
      INSERT INTO message_text (rowid, text) VALUES (5, 'Why, oh why?')`)
    migrate(database)
    expect(database.prepare('SELECT chat, word, owner FROM words').all()).toEqual([
      { chat: 7, word: 'creme', owner: -7 },
      { chat: 7, word: 'oh', owner: 5 },
      { chat: 7, word: 'tides', owner: -7 },
      { chat: 7, word: 'why', owner: 5 },
    ])
    expect(database.prepare('SELECT owner, words FROM word_pieces WHERE piece = owner ORDER BY piece').all()).toEqual([
      { owner: -7, words: 'creme tides' },
      { owner: 5, words: 'oh why' },
    ])
    expect(database.prepare(`SELECT 1 FROM sqlite_schema WHERE name LIKE '%_text%'`).all()).toEqual([])
  })

  it('take what an older file says of messages and chats out of their rows', () => {
    const database = openRaw(':memory:')
    migrate(database, migrations.slice(0, 10))
    database.exec(`INSERT INTO chats (number, id, owner_id, title, system, created_at) VALUES
        (7, '${chatId}', 'u', 'Tides', 'Be brief.', 1), (8, 'c', 'u', 'Ebb', NULL, 1);
      INSERT INTO messages (number, id, chat_id, role, created_at, user_id, status, request, json, node)
      VALUES (5, 'm', '${chatId}', 'assistant', 1, 'u', 'completed', '{"model":"m"}', '{"id":"m"}', 'n')`)
    migrate(database, migrations.slice(0, 12))
    expect(database.prepare('SELECT * FROM contents').all()).toEqual([
      { message: 5, request: '{"model":"m"}', json: '{"id":"m"}' },
    ])
    expect(database.prepare('SELECT * FROM systems').all()).toEqual([{ chat: 7, system: 'Be brief.' }])
    expect(database.prepare('SELECT * FROM chats WHERE number = 7').all()).toEqual([
      { number: 7, id: chatId, owner_id: 'u', title: 'Tides', created_at: 1, expires_at: null },
    ])
    expect(database.prepare('SELECT * FROM messages').all()).toEqual([
      {
        ...{ number: 5, id: 'm', chat_id: chatId, parent_id: null, role: 'assistant', created_at: 1 },
        ...{ task_id: null, user_id: 'u', status: 'completed', node: 'n' },
      },
    ])
  })

  it('undo a step that fails, whole, and keep those before it', () => {
    const database = openRaw(':memory:')
    const steps = [...migrations, 'CREATE TABLE good (id)', 'CREATE TABLE half (id); INSERT INTO nowhere VALUES (1)']
    expect(() => migrate(database, steps)).toThrow(/no such table: nowhere/)
    expect(database.prepare('PRAGMA user_version').get()).toEqual({ user_version: steps.length - 1 })
    expect(database.prepare(`SELECT name FROM sqlite_schema WHERE name IN ('good', 'half')`).all()).toEqual([
      { name: 'good' },
    ])
  })
})

describe('a failing disk', () => {
  it('that is full loses nothing, writes nothing by halves, and goes on when there is space', async () => {
    const { store, database } = await openWithRun()
    await store.startRun(newRun('msg_answer02'))
    await append(store, doc, 1, 0, 'a')
    const { page_count: pages } = database.prepare('PRAGMA page_count').get()!
    database.exec(`PRAGMA max_page_count = ${Number(pages)}`)
    const big = 'x'.repeat(100_000)
    const entries = [
      { doc: 'msg_answer02', epoch: 1, previousSeq: 0, updates: [bytes('small')] },
      { doc, epoch: 1, previousSeq: 1, updates: [bytes('small'), bytes(big)] },
    ]
    const message = answer(doc, { model: big })

    expect((await refusal('store_unavailable', () => store.log.append(entries))).message).toMatch(
      /is full\. Free some space/,
    )
    await refusal('store_unavailable', () => store.log.compact(doc, 1, 1, bytes(big)))
    await refusal('store_unavailable', () =>
      store.endRun({ message, taskId: message.taskId!, epoch: 1, state: bytes('final') }),
    )
    await refusal('store_unavailable', () =>
      store.startRun(
        newRun('msg_answer03', {}, { userMessage: question('msg_ask00001', { model: big }), claim: claim() }),
      ),
    )
    await refusal('store_unavailable', () =>
      store.putProviderData(doc, [
        { blockId: 'a', data: 1 },
        { blockId: 'b', data: big },
      ]),
    )

    expect(await readLog(store, doc)).toMatchObject({ seq: 1, state: null, updates: ['a'] })
    expect((await readLog(store, 'msg_answer02'))?.updates).toEqual([])
    expect((await store.unfinished()).map((row) => row.id)).toEqual([doc, 'msg_answer02'])
    expect(await store.getMessage('msg_ask00001')).toBeNull()
    expect(await store.getProviderData(doc)).toEqual([])

    database.exec('PRAGMA max_page_count = 1000000')
    expect(await store.log.append(entries)).toEqual([
      { status: 'ok', seq: 1 },
      { status: 'ok', seq: 2 },
    ])
    expect(await store.endRun({ message, taskId: message.taskId!, epoch: 1, state: bytes(big) })).toBe('ended')
    expect((await store.getMessage(doc))?.json).toEqual(message)
    expect(await store.startRun(newRun('msg_answer03', {}, { claim: claim() }))).toEqual({ repeated: false })
  })

  it('that cannot be written is said, and reading goes on', async () => {
    const { store, database } = await openWithRun()
    database.exec('PRAGMA query_only = ON')
    expect((await refusal('store_unavailable', () => append(store, doc, 1, 0, 'a'))).message).toMatch(
      /cannot be written/,
    )
    await refusal('store_unavailable', () => store.drawEpoch(doc))
    expect(await store.getChat(chatId)).toEqual(chat())
    database.exec('PRAGMA query_only = OFF')
    expect(await append(store, doc, 1, 0, 'a')).toEqual([{ status: 'ok', seq: 1 }])
  })

  it('with a file that was moved away takes no writes, which would be lost, until it is back', async () => {
    const { path, store } = await openWithRun()
    renameSync(path, `${path}-away`)
    expect((await refusal('store_unavailable', () => append(store, doc, 1, 0, 'a'))).message).toMatch(
      /was moved or deleted/,
    )
    writeFileSync(path, '')
    await refusal('store_unavailable', () => store.drawEpoch(doc))
    renameSync(`${path}-away`, path)
    expect(await append(store, doc, 1, 0, 'a')).toEqual([{ status: 'ok', seq: 1 }])
  })

  it('syncs a draw of an epoch and nothing else', async () => {
    const connection = openSqliteConnection(join(temporaryFolder(), 'runnel.db'))
    onTestFinished(() => connection.close())
    const synchronous = () => connection.database.prepare('PRAGMA synchronous').get()?.['synchronous']
    const [normal, full] = [1, 2]
    expect(connection.writeDurably(synchronous)).toBe(full)
    expect(connection.write(synchronous)).toBe(normal)
    expect(() =>
      connection.writeDurably(() => {
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(connection.write(synchronous)).toBe(normal)
  })
})
