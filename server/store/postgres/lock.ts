import { RunnelError } from '../../../shared/errors.ts'
import { pause } from '../../waiting/retry.ts'
import { holdConnection, type HeldConnection } from './connection.ts'

/** Of the lock that a process holds as long as it runs ("Rnnl"). */
const lockKey = 0x526e6e6c
/** A process that was killed is let go so soon that its successor need not be refused. */
const patienceMs = 2_000
const againMs = 500

export interface PostgresLock {
  /** Resolves when it has been taken. Throws `store_unavailable` while another process is in its way. */
  held(): Promise<void>
  close(): Promise<void>
}

/**
 * One process without Redis, or any number that Redis connects: `alone` keeps
 * all others out of the database, and is kept out by them. Postgres drops the
 * lock with its connection; where that breaks it is taken again, and what
 * is under way goes on meanwhile.
 */
export function postgresLock(url: string, alone: boolean): PostgresLock {
  const closing = new AbortController()
  let connection: HeldConnection | null = null
  /** Its connection as Postgres knows it: one that it has not missed yet is in nobody's way but ours. */
  let own: { pid: number; began: string } | undefined
  let first: Promise<void> | undefined
  let refusal: RunnelError | null = null

  async function take(): Promise<boolean> {
    let ours: HeldConnection | null = null
    const opened = await holdConnection(url, () => {
      // One that ends while it is being opened has not been the connection.
      if (ours === null || connection !== ours) return
      connection = null
      void takeAgain()
    })
    ours = opened
    try {
      // A machine that has lost its power is missed within half a minute.
      await opened.query('SET tcp_keepalives_idle = 15; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3')
      if (own)
        await opened.query(
          'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND backend_start::text = $2',
          [own.pid, own.began],
        )
      const [row] = await opened.query<{ taken: boolean }>(
        `SELECT pg_try_advisory_lock${alone ? '' : '_shared'}($1::int, hashtext(current_schema())) AS taken`,
        [lockKey],
      )
      const [found] = await opened.query<{ pid: number; began: string }>(
        'SELECT pid, backend_start::text AS began FROM pg_stat_activity WHERE pid = pg_backend_pid()',
      )
      if (!row!.taken || closing.signal.aborted) {
        await opened.close()
        return false
      }
      own = found
      connection = opened
      return true
    } catch (error) {
      await opened.close()
      throw error
    }
  }

  async function takeFirst(): Promise<void> {
    for (const deadline = performance.now() + patienceMs; !(await take()); await pause(againMs, closing.signal)) {
      if (performance.now() > deadline || closing.signal.aborted) throw inUse(alone)
    }
  }

  async function takeAgain(): Promise<void> {
    for (let misses = 0; !closing.signal.aborted && !connection; await pause(againMs, closing.signal)) {
      // A database that is away is told of by those who use it.
      const taken = await take().catch(() => null)
      // The first miss may be our own connection, which goes only now.
      if (taken !== null) refusal = taken || misses++ === 0 ? null : inUse(alone)
    }
  }

  return {
    async held() {
      if (refusal) throw refusal
      await (first ??= takeFirst().catch((error: unknown) => {
        first = undefined
        throw error
      }))
    },
    async close() {
      closing.abort()
      await first?.catch(() => {})
      const last = connection
      connection = null
      await last?.close()
    },
  }
}

function inUse(alone: boolean): RunnelError {
  return new RunnelError(
    'store_unavailable',
    alone
      ? 'Another Runnel process uses this database. Several need REDIS_URL, each of them the same; without it stop the other one, or set DATABASE_URL to another database.'
      : 'A Runnel process without REDIS_URL uses this database. Stop it, or start it with the same REDIS_URL.',
  )
}
