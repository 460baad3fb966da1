import { RunnelError } from '../../shared/errors.ts'
import type { LogContents, UpdateLog } from '../cluster/cluster.ts'
import type { SqliteConnection } from './sqlite-connection.ts'

/** What an append is judged by; `number` is the document's key in the other tables. */
interface DocumentHead {
  number: number
  epoch: number
  seq: number
}

/** The documents' epochs, states and logs. What is called "inside a transaction" opens none itself. */
export interface SqliteDocuments {
  readonly log: UpdateLog
  /** Inside a transaction. */
  create(id: string, lineage: string, epoch: number): void
  isNewest(id: string, epoch: number): boolean
  /** Inside a transaction: the state takes the place of the whole log. */
  finish(id: string, state: Uint8Array): void
  drawEpoch(id: string): number
  releaseEpoch(id: string, epoch: number): void
}

export function sqliteDocuments(connection: SqliteConnection): SqliteDocuments {
  // The last sequence number is derived: an append then writes the update and no second row.
  const selectHead = connection.prepare(
    `SELECT number, epoch,
       coalesce((SELECT max(seq) FROM updates WHERE document = documents.number), compacted_seq)
     FROM documents WHERE id = ?`,
  )
  selectHead.setReturnArrays(true)
  const selectCompacted = connection.prepare(
    'SELECT lineage, compacted_seq AS compactedSeq, state FROM documents LEFT JOIN states ON document = number WHERE number = ?',
  )
  const insertDocument = connection.prepare('INSERT INTO documents (id, lineage, epoch) VALUES (?, ?, ?)')
  const insertUpdate = connection.prepare('INSERT INTO updates (document, seq, part, data) VALUES (?, ?, ?, ?)')
  const selectUpdates = connection.prepare('SELECT data FROM updates WHERE document = ? ORDER BY seq, part')
  const deleteUpdates = connection.prepare('DELETE FROM updates WHERE document = ? AND seq <= ?')
  const setState = connection.prepare(
    'INSERT INTO states (document, state) VALUES (?, ?) ON CONFLICT (document) DO UPDATE SET state = excluded.state',
  )
  const setCompacted = connection.prepare('UPDATE documents SET compacted_seq = ? WHERE number = ?')
  const draw = connection.prepare(
    'UPDATE documents SET epoch = epoch + NOT released, released = 0 WHERE id = ? RETURNING epoch',
  )
  const release = connection.prepare('UPDATE documents SET released = 1 WHERE id = ? AND epoch = ? AND epoch > 0')

  function head(id: string): DocumentHead | null {
    const row = selectHead.get(id) as unknown as [number, number, number] | undefined
    return row ? { number: row[0], epoch: row[1], seq: row[2] } : null
  }

  function replace(number: number, seq: number, state: Uint8Array): void {
    deleteUpdates.run(number, seq)
    setState.run(number, state)
    setCompacted.run(seq, number)
    connection.scrubSoon()
  }

  const log: UpdateLog = {
    append: entries => connection.write(() => entries.map(entry => {
      const document = head(entry.doc)
      if (!document || document.epoch !== entry.epoch) return { status: 'fenced' }
      if (document.seq !== entry.previousSeq) return { status: 'gap', seq: document.seq }
      if (entry.updates.length === 0) return { status: 'ok', seq: document.seq }
      const seq = document.seq + 1
      let part = 0
      for (const update of entry.updates) insertUpdate.run(document.number, seq, part++, update)
      return { status: 'ok', seq }
    })),

    read: async id => connection.read((): LogContents | null => {
      const document = head(id)
      const compacted = document && selectCompacted.get(document.number)
      if (!document || !compacted) return null
      return {
        lineage: String(compacted['lineage']),
        epoch: document.epoch,
        seq: document.seq,
        state: compacted['state'] as Uint8Array | null,
        updates: selectUpdates.all(document.number).map(row => row['data'] as Uint8Array),
      }
    }),

    compact: (id, epoch, seq, state) => connection.write(() => {
      const document = head(id)
      if (!document || document.epoch !== epoch || seq > document.seq) return
      // One that comes late would put an older state in place of a newer one.
      if (seq < Number(selectCompacted.get(document.number)?.['compactedSeq'])) return
      replace(document.number, seq, state)
    }),
  }

  return {
    log,
    create(id, lineage, epoch) {
      insertDocument.run(id, lineage, epoch)
    },
    isNewest: (id, epoch) => head(id)?.epoch === epoch,
    finish(id, state) {
      const document = head(id)
      if (document) replace(document.number, document.seq, state)
    },
    drawEpoch: id => connection.writeDurably(() => {
      const row = draw.get(id)
      if (!row) throw new RunnelError('not_found', `There is no document ${id}.`)
      return Number(row['epoch'])
    }),
    releaseEpoch(id, epoch) {
      connection.write(() => release.run(id, epoch))
    },
  }
}
