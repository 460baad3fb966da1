import { RunnelError } from '../../../shared/errors.ts'
import { decodeEntry, encodeEntry } from '../log-entry.ts'
import type { SqliteConnection } from './connection.ts'
import { lastSeq, LogIndex, type DocumentRows } from './log-index.ts'

/** Dead rows up to this size, or up to the size of the live ones, stay in the file. */
const allowedDeadBytes = 1_000_000
/**
 * How much of the file's oldest end an append cleans when there is more: a
 * little, and so much for each row or byte that it writes. At half dead, two
 * would keep pace; four come to an end.
 */
const cleaned = { rows: 64, bytes: 65_536, perWritten: 4 }
/** What SQLite needs for a row beside its data, about. */
const rowOverheadBytes = 12

/**
 * The table `updates`, written like a log: rows are added at its end, where
 * those of one tick share a page, and taken away at its oldest end, live ones
 * moved to the end once more. Row ids are therefore no order; `seq` is.
 * Changes are made inside a transaction of the caller.
 */
export interface SqliteLog {
  readonly index: LogIndex
  append(rows: DocumentRows, updates: readonly Uint8Array[]): void
  read(rows: DocumentRows): Uint8Array[]
  /** Deletes what compaction left of a document. */
  erase(rows: DocumentRows): void
  /** Cleans a little, if there is much to clean. To be called after some appends. */
  clean(): void
  /** Deletes all that is dead. */
  cleanAll(): void
}

/**
 * Reads where the rows are.
 * @param head finds a document by number, without its rows
 */
export function sqliteLog(connection: SqliteConnection, head: (number: number) => DocumentRows | null): SqliteLog {
  const index = new LogIndex((undo) => connection.onRollback(undo))
  const insertRow = connection.prepare('INSERT INTO updates (id, document, seq, data) VALUES (?, ?, ?, ?)')
  const selectRow = connection.prepare('SELECT data FROM updates WHERE id = ?')
  const selectOldest = connection.prepare('SELECT id, document, seq, length(data) FROM updates ORDER BY id LIMIT ?')
  selectOldest.setReturnArrays(true)
  const moveRow = connection.prepare('UPDATE updates SET id = ? WHERE id = ?')
  const deleteRow = connection.prepare('DELETE FROM updates WHERE id = ?')
  const deleteOldest = connection.prepare('DELETE FROM updates WHERE id <= ?')
  const selectAll = connection.prepare('SELECT id, document, seq, length(data) FROM updates ORDER BY document, seq')
  selectAll.setReturnArrays(true)
  /** Never used twice: a row id that is known to be dead must not come to life. */
  let nextId = 1
  /** Since the last cleaning. */
  const written = { rows: 0, bytes: 0 }

  connection.read(() => {
    let rows: DocumentRows | null = null
    for (const row of selectAll.iterate()) {
      const [id, document, seq, dataBytes] = row as unknown as RowPlace
      if (rows?.number !== document) rows = head(document)
      if (!rows || (seq >= rows.firstSeq && seq !== lastSeq(rows) + 1)) {
        throw new RunnelError(
          'store_unavailable',
          'The database is damaged: entries of the log are missing. Restore it from a backup.',
        )
      }
      index.load(rows, seq, id, dataBytes + rowOverheadBytes)
      nextId = Math.max(nextId, id + 1)
    }
  })

  function removeRow(rows: DocumentRows, id: number): void {
    deleteRow.run(id)
    index.remove(rows, id)
  }

  return {
    index,

    append(rows, updates) {
      const data = encodeEntry(updates)
      const size = data.length + rowOverheadBytes
      insertRow.run(nextId, rows.number, lastSeq(rows) + 1, data)
      index.append(rows, nextId++, size)
      written.rows += 1
      written.bytes += size
    },

    read: (rows) => rows.ids.flatMap((id) => decodeEntry(selectRow.get(id)?.['data'] as Uint8Array)),

    erase(rows) {
      for (const id of [...rows.dead.keys()]) removeRow(rows, id)
    },

    clean() {
      const most = cleaned.rows + cleaned.perWritten * written.rows
      let bytes = cleaned.bytes + cleaned.perWritten * written.bytes
      written.rows = written.bytes = 0
      if (index.deadBytes <= Math.max(index.liveBytes, allowedDeadBytes)) return
      let last = 0
      for (const row of selectOldest.all(most)) {
        const [id, document, seq, dataBytes] = row as unknown as RowPlace
        const rows = index.ofNumber(document)!
        if (seq < rows.firstSeq) {
          index.remove(rows, id)
        } else {
          moveRow.run(nextId, id)
          index.move(rows, seq, nextId++)
        }
        last = id
        bytes -= dataBytes
        if (bytes <= 0) break
      }
      deleteOldest.run(last)
    },

    cleanAll() {
      for (const { id, rows } of index.deadRows()) removeRow(rows, id)
    },
  }
}

type RowPlace = [id: number, document: number, seq: number, dataBytes: number]
