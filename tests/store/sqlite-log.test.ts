import { join } from 'node:path'
import { describe, expect, it, onTestFinished } from 'vitest'
import { openSqliteConnection } from '../../server/store/sqlite/connection.ts'
import { sqliteDocuments, type SqliteDocuments } from '../../server/store/sqlite/documents.ts'
import { refusal, temporaryFolder } from './fixtures.ts'
import { bytes, text } from './records.ts'

function openDocuments(path: string) {
  const connection = openSqliteConnection(path)
  const documents = sqliteDocuments(connection)
  const close = () => {
    documents.close()
    connection.close()
  }
  onTestFinished(close)
  const rowBytes = () =>
    Number(connection.database.prepare('SELECT coalesce(sum(length(data)), 0) AS bytes FROM updates').get()!['bytes'])
  return { connection, documents, rowBytes, close }
}

/** Documents that are written in turns, and what their logs must hold. */
class Writers {
  readonly expected = new Map<string, { seq: number; state: string | null; updates: string[] }>()
  readonly #documents: SqliteDocuments
  #random = 1

  constructor(documents: SqliteDocuments, ids: readonly string[], write: (work: () => void) => void) {
    this.#documents = documents
    write(() => ids.forEach((id) => documents.create(id, 'l', 1)))
    for (const id of ids) this.expected.set(id, { seq: 0, state: null, updates: [] })
  }

  /** One entry for each document but those that rest; one in `compactEvery` is compacted, as a whole or up to its last entry but three. */
  tick(compactEvery: number, resting: ReadonlySet<string> = new Set()): void {
    const written = [...this.expected].filter(([id]) => !resting.has(id))
    const entries = written.map(([id, log]) => {
      const update = `${id} ${log.seq + 1} ${'x'.repeat(this.#draw(80))}`
      log.updates.push(update)
      return { doc: id, epoch: 1, previousSeq: log.seq++, updates: [bytes(update)] }
    })
    expect(this.#documents.log.append(entries)).toEqual(
      entries.map((entry) => ({ status: 'ok', seq: entry.previousSeq + 1 })),
    )
    for (const [id, log] of written) {
      if (this.#draw(compactEvery) > 0 || log.updates.length < 4) continue
      const kept = this.#draw(2) * 3
      log.state = `state of ${log.seq - kept}`
      log.updates = kept === 0 ? [] : log.updates.slice(-kept)
      void this.#documents.log.compact(id, 1, log.seq - kept, bytes(log.state))
    }
  }

  #draw(below: number): number {
    this.#random = (this.#random * 48_271) % 0x7fffffff
    return this.#random % below
  }
}

async function readAll(documents: SqliteDocuments, ids: Iterable<string>) {
  const read = new Map<string, { seq: number; state: string | null; updates: string[] }>()
  for (const id of ids) {
    const { seq, state, updates } = (await documents.log.read(id))!
    read.set(id, { seq, state: text(state), updates: updates.map((update) => text(update)!) })
  }
  return read
}

const names = (count: number) => Array.from({ length: count }, (_, index) => `msg_${String(index).padStart(8, '0')}`)

describe('the log in its file', () => {
  it('keeps order and contents and stays small while 200 documents are written in turns, and has the same when it is opened anew', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    const { connection, documents, rowBytes, close } = openDocuments(path)
    const ids = names(200)
    const writers = new Writers(documents, ids, connection.write)
    const { index } = documents
    // Those that rest lie at the file's oldest end and are moved again and again.
    const resting = new Set(ids.slice(0, 20))
    let most = 0
    for (let tick = 0; tick < 600; tick++) {
      writers.tick(60, tick < 50 ? new Set() : resting)
      expect(index.deadBytes).toBeLessThan(index.liveBytes + 2_000_000)
      most = Math.max(most, index.deadBytes)
    }
    expect(most).toBeGreaterThan(1_000_000)
    expect(rowBytes()).toBeLessThanOrEqual(index.liveBytes + index.deadBytes)
    const firstRow = connection.database.prepare('SELECT min(id) AS id FROM updates').get()!['id']
    expect(firstRow).toBeGreaterThan(10_000)
    expect(await readAll(documents, ids)).toEqual(writers.expected)
    close()

    const again = openDocuments(path)
    expect(again.documents.index.deadBytes).toBe(0)
    expect(again.documents.index.liveBytes).toBe(index.liveBytes)
    expect(await readAll(again.documents, ids)).toEqual(writers.expected)
  })

  it('forgets documents that have ended: 10,000 leave what the file holds of them, and none after a new opening', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    const { connection, documents, rowBytes, close } = openDocuments(path)
    const update = bytes('x'.repeat(1_000))
    for (const id of names(10_000)) {
      connection.write(() => documents.create(id, 'l', 1))
      for (let seq = 0; seq < 2; seq++)
        await documents.log.append([{ doc: id, epoch: 1, previousSeq: seq, updates: [update] }])
      connection.write(() => documents.finish(id, bytes('state')))
    }
    expect(documents.index.liveBytes).toBe(0)
    expect(rowBytes()).toBeLessThan(1_100_000)
    expect(documents.index.size).toBeLessThan(550)
    close()
    expect(openDocuments(path).documents.index.size).toBe(0)
  })

  it('knows after a commit that failed what it knew before', async () => {
    const { connection, documents } = openDocuments(join(temporaryFolder(), 'runnel.db'))
    const { database } = connection
    const ids = names(20)
    const writers = new Writers(documents, ids, connection.write)
    for (let tick = 0; tick < 40; tick++) writers.tick(20)
    const { liveBytes, deadBytes, size } = documents.index
    const pages = (pragma: string) => Number(database.prepare(`PRAGMA ${pragma}`).get()![pragma])
    const big = bytes('x'.repeat(4_096 * (pages('freelist_count') + 50)))
    const entries = ids.map((doc) => ({
      doc,
      epoch: 1,
      previousSeq: writers.expected.get(doc)!.seq,
      updates: [bytes('lost')],
      rewrites: true,
    }))
    const last = { ...entries[0]!, previousSeq: entries[0]!.previousSeq + 1, updates: [big] }
    database.exec(`PRAGMA max_page_count = ${pages('page_count')}`)
    await refusal('store_unavailable', () => documents.log.append([...entries, last]))
    await refusal('store_unavailable', () => documents.log.compact(ids[1]!, 1, entries[1]!.previousSeq, big))
    database.exec('PRAGMA max_page_count = 1000000')
    expect(() =>
      connection.write(() => {
        documents.finish(ids[2]!, bytes('lost'))
        throw new Error('after the changes')
      }),
    ).toThrow('after the changes')
    expect(documents.index).toMatchObject({ liveBytes, deadBytes, size })
    expect(await readAll(documents, ids)).toEqual(writers.expected)
    for (let tick = 0; tick < 40; tick++) writers.tick(20)
    expect(await readAll(documents, ids)).toEqual(writers.expected)
  })

  it('undoes a pass of cleaning with the transaction that it was part of', async () => {
    const connection = openSqliteConnection(join(temporaryFolder(), 'runnel.db'))
    onTestFinished(() => connection.close())
    let failing = false
    const documents = sqliteDocuments({
      ...connection,
      write: (work) =>
        connection.write(() => {
          const result = work()
          if (failing) throw new Error('not committed')
          return result
        }),
    })
    const ids = names(50)
    const writers = new Writers(documents, ids, connection.write)
    const resting = new Set(ids.slice(0, 10))
    for (let tick = 0; tick < 20; tick++) writers.tick(1_000)
    while (documents.index.deadBytes < 1_000_001) writers.tick(30, resting)
    const oldest = () => connection.database.prepare('SELECT min(id) AS id FROM updates').get()!['id']
    const rest = { doc: ids[0]!, epoch: 1, previousSeq: writers.expected.get(ids[0]!)!.seq, updates: [] }
    const [before, { liveBytes, deadBytes }] = [oldest(), documents.index]
    failing = true
    for (let i = 0; i < 5; i++) expect(() => documents.log.append([rest])).toThrow('not committed')
    failing = false
    expect([oldest(), documents.index.liveBytes, documents.index.deadBytes]).toEqual([before, liveBytes, deadBytes])
    expect(await readAll(documents, ids)).toEqual(writers.expected)
    await documents.log.append([rest])
    expect(oldest()).not.toBe(before)
    for (let tick = 0; tick < 100; tick++) writers.tick(30)
    expect(await readAll(documents, ids)).toEqual(writers.expected)
  })

  it('refuses a file in which entries are missing', async () => {
    const path = join(temporaryFolder(), 'runnel.db')
    const { connection, documents, close } = openDocuments(path)
    connection.write(() => documents.create('msg_answer01', 'l', 1))
    for (let seq = 0; seq < 3; seq++)
      await documents.log.append([{ doc: 'msg_answer01', epoch: 1, previousSeq: seq, updates: [bytes('a')] }])
    connection.database.exec('DELETE FROM updates WHERE seq = 2')
    close()
    const damaged = openSqliteConnection(path)
    onTestFinished(() => damaged.close())
    expect((await refusal('store_unavailable', () => sqliteDocuments(damaged))).message).toMatch(
      /damaged: entries of the log are missing/,
    )
  })
})
