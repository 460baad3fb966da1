import { RunnelError } from '../../../shared/errors.ts'
import type { LogAppend, LogContents, LogHead, LogResult, UpdateLog } from '../../cluster/cluster.ts'
import type { Patience } from '../../waiting/patience.ts'
import { decodeEntry, encodeEntry } from '../log-entry.ts'
import type { PostgresConnection, Query } from './connection.ts'
import type { Store } from '../store.ts'

/**
 * The log of live documents. Each call is one statement, and may be repeated:
 * an append that finds its own entry there was made by the try whose answer
 * was lost. Compaction deletes rows; their bytes leave the disk by VACUUM. A
 * database that is back within `patience` only makes the answers pause.
 */
export function postgresLog(
  { query, repeat }: PostgresConnection,
  patience: Pick<Patience, 'ms' | 'signal'>,
): UpdateLog {
  return {
    append: async (entries) => {
      // Taken now: the caller may use its buffers again.
      const data = entries.map(({ updates }) => (updates.length > 0 ? encodeEntry(updates) : new Uint8Array()))
      const values = [
        entries.map(({ doc }) => doc),
        entries.map(({ epoch }) => epoch),
        entries.map(({ previousSeq }) => previousSeq),
        entries.map(({ shared = false }) => shared),
        data.map(({ length }) => length),
        Buffer.concat(data),
      ]
      return await repeat(patience, async (query, attempt) => {
        const rows = await query<AppendRow>(
          'SELECT status, last_seq AS seq FROM runnel_append($1, $2, $3, $4, $5, $6)',
          values,
        )
        return rows.map((row, i) => resultOf(row, entries[i]!, attempt > 0))
      })
    },

    read: async (id) => {
      // One statement: state and entries of one moment.
      const [row] = await query<Omit<LogContents, 'updates'> & { entries: Buffer | null }>(
        `SELECT lineage, epoch, documents.seq, state,
           (SELECT string_agg(data, ''::bytea ORDER BY updates.seq) FROM updates WHERE updates.document = documents.number) AS entries
         FROM documents LEFT JOIN states ON states.document = documents.number WHERE id = $1`,
        [id],
      )
      if (!row) return null
      const { entries, ...head } = row
      return { ...head, updates: entries ? decodeEntry(entries) : [] }
    },

    heads: async (docs) => {
      const rows = await query<LogHead & { id: string }>('SELECT id, seq, epoch FROM documents WHERE id = ANY ($1)', [
        docs,
      ])
      const heads = new Map(rows.map(({ id, ...head }) => [id, head]))
      return docs.map((doc) => heads.get(doc) ?? null)
    },

    compact: async (id, epoch, seq, state, shared = false) =>
      void (await repeat(patience, (query) =>
        query('SELECT runnel_compact($1, $2, $3, $4, $5)', [id, epoch, seq, state, shared]),
      )),
  }
}

interface AppendRow {
  status: Exclude<LogResult['status'], 'unanswered'>
  seq: number
}

function resultOf({ status, seq }: AppendRow, { previousSeq }: LogAppend, repeated: boolean): LogResult {
  if (status === 'fenced') return { status }
  if (status === 'gap' && repeated && seq > previousSeq) return { status: 'ok', seq: previousSeq + 1 }
  return { status, seq }
}

/** The documents' epochs. */
export function postgresEpochs({ write }: PostgresConnection): Pick<Store, 'drawEpoch' | 'releaseEpoch'> {
  return {
    drawEpoch: (id) =>
      write(async (query) => {
        const [row] = await query<{ epoch: number }>(
          'UPDATE documents SET epoch = epoch + (NOT released)::int, released = FALSE WHERE id = $1 RETURNING epoch',
          [id],
        )
        if (!row) throw new RunnelError('not_found', `There is no document ${id}.`)
        return row.epoch
      }),
    // Repeated, it would give back what somebody else has drawn since.
    releaseEpoch: async (id, epoch) =>
      void (await write((query) =>
        query('UPDATE documents SET released = TRUE WHERE id = $1 AND epoch = $2 AND epoch > 0', [id, epoch]),
      )),
  }
}

/** Inside a transaction. */
export async function createDocument(query: Query, id: string, lineage: string, epoch: number): Promise<void> {
  await query('INSERT INTO documents (id, lineage, epoch) VALUES ($1, $2, $3)', [id, lineage, epoch])
}

/** Inside a transaction: the number of the log's last entry if this epoch is the newest, which it stays until the end of the transaction. */
export async function lockDocument(query: Query, id: string, epoch: number): Promise<{ seq: number } | undefined> {
  const [row] = await query<{ seq: number }>(
    'SELECT seq FROM documents WHERE id = $1 AND epoch = $2 FOR NO KEY UPDATE',
    [id, epoch],
  )
  return row
}

/** Inside a transaction: the state takes the place of the whole log, which may have come to this number elsewhere. */
export async function finishDocument(
  query: Query,
  id: string,
  epoch: number,
  seq: number,
  state: Uint8Array,
): Promise<void> {
  await query('UPDATE documents SET seq = $2 WHERE id = $1 AND seq < $2', [id, seq])
  await query('SELECT runnel_compact($1, $2, $3, $4, FALSE)', [id, epoch, seq, state])
}

/** Inside a transaction. The documents first: an append that is under way then comes before the deletion of its entries. */
export async function deleteDocuments(query: Query, ids: readonly string[]): Promise<void> {
  await query('SELECT 1 FROM documents WHERE id = ANY ($1) ORDER BY number FOR UPDATE', [ids])
  const gone = await query<{ number: number }>('DELETE FROM documents WHERE id = ANY ($1) RETURNING number', [ids])
  const numbers = gone.map(({ number }) => number)
  await query('DELETE FROM states WHERE document = ANY ($1)', [numbers])
  await query('DELETE FROM updates WHERE document = ANY ($1)', [numbers])
}
