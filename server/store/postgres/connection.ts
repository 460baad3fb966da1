import { Client, Pool, types, type PoolClient, type QueryConfig } from 'pg'
import { isRunnelError, RunnelError } from '../../../shared/errors.ts'
import { awayBackOff, outcomeUnknown } from '../../waiting/patience.ts'
import { retried } from '../../waiting/retry.ts'
import { isConflict, isLost, isPassing, sqlState, storeError } from './errors.ts'
import type { Query } from './query.ts'
import { migrate } from './schema.ts'
import { migrations } from './steps.ts'
import { fromText, toText } from './text.ts'

export interface PostgresLimits {
  /** Connections of this process. */
  connections: number
  /** To wait for a connection, new or in use. */
  connectMs: number
  /** After which the server gives a statement up. */
  statementMs: number
  /** After which a server that says nothing is given up. */
  answerMs: number
  /** How long a call tries again what a broken connection cut off. */
  patienceMs: number
  /** How long is asked whether a commit was made whose answer was lost. */
  doubtMs: number
  /** A step of the schema may take this long on a large database. */
  migrationMs: number
  /** Aborted: nobody waits for the database any more. */
  signal?: AbortSignal
}

/** Tries of what another transaction was in the way of. */
const conflictTries = 10

const defaultLimits: PostgresLimits = {
  connections: 10,
  connectMs: 5_000,
  statementMs: 10_000,
  answerMs: 15_000,
  patienceMs: 500,
  doubtMs: 5_000,
  migrationMs: 600_000,
}

/** How long, and until when. */
interface Waiting {
  ms: number
  signal?: AbortSignal | undefined
}

export type { Query }

/** The connections of this process to its database. Whatever it throws is a RunnelError. */
export interface PostgresConnection {
  /** A statement of its own that may run twice: a read, or a write that leaves the same when it is repeated. */
  readonly query: Query
  /** Work that may run twice, tried again for so long while the database is away; `attempt` counts from 0. */
  readonly repeat: <T>(patience: Waiting, work: (query: Query, attempt: number) => Promise<T>) => Promise<T>
  /**
   * One transaction: all or nothing, once, durable against a power cut. The
   * work may run again where nothing of it was committed.
   */
  readonly write: <T>(work: (query: Query) => Promise<T>) => Promise<T>
  /** Waits for what is under way. Idempotent. */
  close(): Promise<void>
}

/** bigint holds times and counters here, all of them below 2^53. */
const parsers: Record<number, (text: string) => unknown> = {
  [types.builtins.INT8]: Number,
  [types.builtins.TEXT]: fromText,
}

/**
 * Connects when it is first used, and brings the schema up to date then:
 * until the database can be reached and is Runnel's, every call throws
 * `store_unavailable`, and the next one tries again. `admit` comes before
 * each call, and throws where it may not be made.
 */
export function openPostgresConnection(
  url: string,
  options: Partial<PostgresLimits> = {},
  steps: readonly string[] = migrations,
  admit?: () => Promise<void>,
): PostgresConnection {
  const limits = { ...defaultLimits, ...options }
  const where = nameOf(url)
  const pool = new Pool({
    connectionString: url,
    max: limits.connections,
    connectionTimeoutMillis: limits.connectMs,
    statement_timeout: limits.statementMs,
    query_timeout: limits.answerMs,
    // A process that hangs in a transaction must not hold its locks for ever.
    idle_in_transaction_session_timeout: limits.answerMs,
    keepAlive: true,
    application_name: 'runnel',
    types: { getTypeParser: (oid: number) => parsers[oid] ?? (types.getTypeParser(oid) as (text: string) => unknown) },
  })
  // A connection that breaks is told to whoever uses it, by the statement; one that rests is replaced.
  pool.on('connect', (client) => client.on('error', () => {}))
  pool.on('error', () => {})
  const closing = new AbortController()
  let ready: Promise<void> | undefined
  let closed: Promise<void> | undefined

  /** However long each try took: a deadlock is found after a second. */
  const unlessInTheWay = <T>(work: () => Promise<T>) =>
    retried(work, {
      ...awayBackOff,
      signal: closing.signal,
      again: (error, failures) => isConflict(error) && failures < conflictTries,
    })

  const brief = { ms: limits.patienceMs, signal: closing.signal }

  async function repeat<T>({ ms, signal }: Waiting, work: (attempt: number) => Promise<T>): Promise<T> {
    try {
      return await retried((failures) => unlessInTheWay(() => work(failures)), {
        ...awayBackOff,
        deadline: performance.now() + ms,
        signal: closing.signal,
        again: (error) => isPassing(error) && !signal?.aborted,
      })
    } catch (error) {
      throw storeError(error, where)
    }
  }

  const statement: Query = async <Row>(sql: string, values?: readonly unknown[]) =>
    (await pool.query(configOf(sql, values))).rows as Row[]

  /** One try. Its error says whether another can help; a commit whose answer was lost is looked up. */
  async function transact<T>(work: (query: Query) => Promise<T>, answerMs = limits.answerMs): Promise<T> {
    const client = await pool.connect()
    const query: Query = async <Row>(sql: string, values?: readonly unknown[]) =>
      (await client.query(configOf(sql, values, answerMs))).rows as Row[]
    let transaction: string | undefined
    let result: T
    let committing = false
    try {
      transaction = await begin(client)
      result = await work(query)
      committing = true
      await client.query('COMMIT')
      client.release()
      return result
    } catch (error) {
      await abandon(client, error)
      if (!committing || !isLost(error) || !(await wasCommitted(transaction!, error))) throw error
      return result!
    }
  }

  async function wasCommitted(transaction: string, cause: unknown): Promise<boolean> {
    try {
      return await repeat({ ms: limits.doubtMs, signal: limits.signal }, async () => {
        const [row] = await statement<{ status: string | null }>('SELECT pg_xact_status($1::xid8) AS status', [
          transaction,
        ])
        // Its server has not noticed yet that nobody waits for the answer.
        if (row?.status === 'in progress') throw cause
        return row?.status === 'committed'
      })
    } catch (error) {
      // A server that crashed before the number reached its disk has never heard of it.
      if (isRunnelError(error) && sqlState(error.cause) === '22023') return false
      throw new RunnelError(
        'store_unavailable',
        'The connection to the database was lost while it was writing: whether that was written is not known.',
        { cause, where, details: outcomeUnknown },
      )
    }
  }

  async function prepare(): Promise<void> {
    if (closed) throw new RunnelError('store_unavailable', 'The database was closed.', { where })
    if (admit) await repeat(brief, admit)
    ready ??= repeat(brief, () => migrate(slowly, where, steps)).catch((error: unknown) => {
      ready = undefined
      throw error
    })
    await ready
  }

  /** Each step may take its time, and wait for that of another node. */
  const slowly = <T>(work: (query: Query) => Promise<T>) =>
    transact(async (query) => {
      await query(`SET LOCAL statement_timeout = ${limits.migrationMs}`)
      return await work(query)
    }, limits.migrationMs)

  const repeatWith: PostgresConnection['repeat'] = async (patience, work) => {
    await prepare()
    return await repeat(patience, (attempt) => work(statement, attempt))
  }

  return {
    query: (sql, values) => repeatWith(brief, (query) => query(sql, values)),
    repeat: repeatWith,
    write: async (work) => {
      await prepare()
      return await repeat(brief, () => transact(work))
    },
    close: () => {
      closing.abort()
      return (closed ??= pool.end())
    },
  }
}

export interface HeldConnection {
  readonly query: Query
  close(): Promise<void>
}

/** A connection of its own, for what Postgres keeps as long as it lasts. `onEnd`: it is gone, by `close` or otherwise. */
export async function holdConnection(url: string, onEnd: () => void): Promise<HeldConnection> {
  const { connectMs, statementMs, answerMs } = defaultLimits
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    statement_timeout: statementMs,
    query_timeout: answerMs,
    keepAlive: true,
    keepAliveInitialDelayMillis: answerMs,
    application_name: 'runnel',
  })
  client.on('error', () => {})
  client.on('end', onEnd)
  await client.connect()
  return {
    query: async <Row>(sql: string, values?: readonly unknown[]) =>
      (await client.query(configOf(sql, values))).rows as Row[],
    close: () => client.end(),
  }
}

/** Returns the transaction's number, by which its outcome can be asked for. What the server's settings say of `synchronous_commit` is for the log of live documents alone. */
async function begin(client: PoolClient): Promise<string> {
  const results = (await client.query(
    'BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit = on; SELECT pg_current_xact_id()::text AS id',
  )) as unknown as { rows: { id: string }[] }[]
  return results.at(-1)!.rows[0]!.id
}

async function abandon(client: PoolClient, error: unknown): Promise<void> {
  if (isLost(error)) {
    client.release(true)
    return
  }
  await client.query('ROLLBACK').then(
    () => client.release(),
    () => client.release(true),
  )
}

function configOf(text: string, values?: readonly unknown[], answerMs?: number): QueryConfig {
  return {
    text,
    ...(values && { values: values.map(toParameter) }),
    ...(answerMs !== undefined && { query_timeout: answerMs }),
  } as QueryConfig
}

function toParameter(value: unknown): unknown {
  if (typeof value === 'string') return toText(value)
  return Array.isArray(value) ? value.map(toParameter) : value
}

/** Server and database, without user and password. */
function nameOf(url: string): string {
  const { host, pathname, searchParams } = new URL(url)
  return `postgres://${host || searchParams.get('host') || 'localhost'}${pathname}`
}
