import { RunnelError } from '../../../shared/errors.ts'
import type { LogContents, UpdateLog } from '../../cluster/cluster.ts'
import type { SqliteConnection } from './connection.ts'
import { lastSeq, type DocumentRows, type LogIndex } from './log-index.ts'
import { sqliteLog } from './log.ts'

/** The documents' epochs, states and logs. What is called "inside a transaction" opens none itself. */
export interface SqliteDocuments {
  readonly log: UpdateLog
  /** For tests: what is kept in memory. */
  readonly index: LogIndex
  /** Inside a transaction. */
  create(id: string, lineage: string, epoch: number): void
  isNewest(id: string, epoch: number): boolean
  /** Inside a transaction: the state takes the place of the whole log. */
  finish(id: string, state: Uint8Array): void
  /** Inside a transaction: every byte of it. */
  delete(id: string): void
  drawEpoch(id: string): number
  releaseEpoch(id: string, epoch: number): void
  /** Cleans the log's file. Idempotent. */
  close(): void
}

/** Reads where the log is, and cleans what an earlier process left of it. */
export function sqliteDocuments(connection: SqliteConnection): SqliteDocuments {
  const headColumns = 'SELECT number, id, epoch, rewritten, compacted_seq FROM documents'
  const selectHead = connection.prepare(`${headColumns} WHERE id = ?`)
  const selectHeadByNumber = connection.prepare(`${headColumns} WHERE number = ?`)
  selectHead.setReturnArrays(true)
  selectHeadByNumber.setReturnArrays(true)
  const selectState = connection.prepare(
    'SELECT lineage, state FROM documents LEFT JOIN states ON document = number WHERE number = ?',
  )
  const insertDocument = connection.prepare('INSERT INTO documents (id, lineage, epoch) VALUES (?, ?, ?)')
  const setState = connection.prepare(
    'INSERT INTO states (document, state) VALUES (?, ?) ON CONFLICT (document) DO UPDATE SET state = excluded.state',
  )
  const setCompacted = connection.prepare('UPDATE documents SET compacted_seq = ? WHERE number = ?')
  const setRewritten = connection.prepare('UPDATE documents SET rewritten = ? WHERE number = ?')
  const deleteState = connection.prepare('DELETE FROM states WHERE document = ?')
  const deleteDocument = connection.prepare('DELETE FROM documents WHERE number = ?')
  const draw = connection.prepare(
    'UPDATE documents SET epoch = epoch + NOT released, released = 0 WHERE id = ? RETURNING epoch',
  )
  const release = connection.prepare('UPDATE documents SET released = 1 WHERE id = ? AND epoch = ? AND epoch > 0')

  const rowsLog = sqliteLog(connection, (number) => toHead(selectHeadByNumber.get(number)))
  const { index } = rowsLog
  connection.write(() => rowsLog.cleanAll())
  // Also what a killed process had removed may still be in its WAL.
  connection.scrub()

  function head(id: string): DocumentRows | null {
    return index.get(id) ?? toHead(selectHead.get(id))
  }

  function markRewritten(document: DocumentRows, rewritten: boolean): void {
    if (document.rewritten === rewritten) return
    setRewritten.run(rewritten ? 1 : 0, document.number)
    index.set(document, { rewritten })
  }

  function replace(document: DocumentRows, seq: number, state: Uint8Array): void {
    setState.run(document.number, state)
    setCompacted.run(seq, document.number)
    index.compact(document, seq)
    if (!document.rewritten) return
    rowsLog.erase(document)
    // What was removed later than `seq` is in this state yet.
    if (seq === lastSeq(document)) markRewritten(document, false)
    connection.scrubSoon()
  }

  const log: UpdateLog = {
    append: (entries) =>
      connection.write(() => {
        const results = entries.map((entry) => {
          const document = head(entry.doc)
          if (!document || (entry.shared ? document.epoch < entry.epoch : document.epoch !== entry.epoch))
            return { status: 'fenced' } as const
          if (!entry.shared && lastSeq(document) !== entry.previousSeq)
            return { status: 'gap', seq: lastSeq(document) } as const
          if (entry.updates.length > 0) rowsLog.append(document, entry.updates)
          if (entry.rewrites) markRewritten(document, true)
          return { status: 'ok', seq: lastSeq(document) } as const
        })
        rowsLog.clean()
        return results
      }),

    read: async (id) =>
      connection.read((): LogContents | null => {
        const document = head(id)
        const row = document && selectState.get(document.number)
        if (!document || !row) return null
        return {
          lineage: String(row['lineage']),
          epoch: document.epoch,
          seq: lastSeq(document),
          state: row['state'] as Uint8Array | null,
          updates: rowsLog.read(document),
        }
      }),

    compact: (id, epoch, seq, state, shared = false) =>
      connection.write(() => {
        const document = head(id)
        if (!document || (!shared && document.epoch !== epoch) || seq > lastSeq(document)) return
        // One that comes late would put an older state in place of a newer one.
        if (seq < document.firstSeq - 1) return
        replace(document, seq, state)
      }),
  }

  return {
    log,
    index,
    create(id, lineage, epoch) {
      insertDocument.run(id, lineage, epoch)
    },
    isNewest: (id, epoch) => head(id)?.epoch === epoch,
    finish(id, state) {
      const document = head(id)
      // With nothing in the log since the last state, that is this one.
      if (document && (document.ids.length > 0 || document.firstSeq === 1)) replace(document, lastSeq(document), state)
    },
    delete(id) {
      const document = head(id)
      if (!document) return
      index.compact(document, lastSeq(document))
      rowsLog.erase(document)
      deleteState.run(document.number)
      deleteDocument.run(document.number)
      connection.scrubSoon()
    },
    drawEpoch: (id) =>
      connection.writeDurably(() => {
        const row = draw.get(id)
        if (!row) throw new RunnelError('not_found', `There is no document ${id}.`)
        const epoch = Number(row['epoch'])
        const document = index.get(id)
        if (document) index.set(document, { epoch })
        return epoch
      }),
    releaseEpoch(id, epoch) {
      connection.write(() => release.run(id, epoch))
    },
    close() {
      if (!connection.database.isOpen || index.deadBytes === 0) return
      try {
        connection.write(() => rowsLog.cleanAll())
      } catch {
        // A disk that is full or away: the next opening cleans.
      }
    },
  }
}

/** A document without its rows, from its columns. */
function toHead(columns: unknown): DocumentRows | null {
  if (!columns) return null
  const [number, id, epoch, rewritten, compactedSeq] = columns as [number, string, number, number, number]
  return {
    number,
    id,
    epoch,
    rewritten: rewritten === 1,
    firstSeq: compactedSeq + 1,
    ids: [],
    sizes: [],
    dead: new Map(),
  }
}
