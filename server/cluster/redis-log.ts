import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import { readArrays } from '../../shared/wire.ts'
import type { Patience } from '../waiting/patience.ts'
import { retried } from '../waiting/retry.ts'
import type { LogAppend, LogContents, LogHead, LogResult } from './cluster.ts'
import { reconnectBackOff, type Call, type RedisConnection, type Reply } from './redis-connection.ts'
import { decodeNumber, encodeAppend, encodeUpdates, keyOf } from './redis-entry.ts'
import { isPassing } from './redis-errors.ts'
import { logScripts, type LogScripts } from './redis-scripts.ts'

/** What ended is still there for those who are a little behind. */
const releasedMs = 60_000

export interface RedisLogOptions {
  connection: RedisConnection
  /** Tag of this node in what it publishes. */
  tag: Uint8Array
  /** A log that nobody writes any more goes after this time. */
  ttlMs: number
  /** A write waits so long for Redis to come back. */
  patience: Pick<Patience, 'ms' | 'signal'>
}

/** A log in Redis without what only the store knows. */
export type RedisLogContents = Omit<LogContents, 'lineage'>

/** The logs of live messages. What writes waits while Redis is away, and knows what it has already written. */
export class RedisLog {
  readonly #connection: RedisConnection
  readonly #tag: Uint8Array
  readonly #patience: RedisLogOptions['patience']
  readonly #scripts: LogScripts
  readonly #closing = new AbortController()

  constructor({ connection, tag, ttlMs, patience }: RedisLogOptions) {
    this.#connection = connection
    this.#tag = tag
    this.#patience = patience
    this.#scripts = logScripts(ttlMs)
  }

  /** Of a document that was written before only one entry may be under way. */
  async append(entries: readonly LogAppend[]): Promise<LogResult[]> {
    const calls = entries.map((entry) => this.#call('append', entry.doc, encodeAppend(entry, this.#tag)))
    const replies = await this.#connection.send(calls)
    const results = entries.map((entry, i): LogResult => {
      const reply = replies[i]!
      if (!(reply instanceof Error)) return appendResult(entry, reply, false)
      return {
        status: 'unanswered',
        answer: this.#untilAnswered(calls[i]!, (reply, again) => appendResult(entry, reply, again), reply),
      }
    })
    // A shard that is away holds up its own documents only; one alone holds up nobody.
    return results.length === 1 && results[0]!.status === 'unanswered' ? [await results[0]!.answer] : results
  }

  async read(doc: string): Promise<RedisLogContents | null> {
    const [reply] = await this.#connection.ask([this.#call('read', doc)])
    if (!reply) return null
    return legible(() => {
      const [epoch, seq, snapshot, entries] = reply as [Buffer, Buffer | null, Buffer | null, Buffer[]]
      return {
        epoch: decodeNumber(String(epoch)),
        seq: decodeNumber(String(seq)),
        state: snapshot && readArrays(snapshot)[0]!,
        updates: entries.flatMap((entry) => readArrays(entry)),
      }
    })
  }

  async compact(doc: string, epoch: number, seq: number, state: Uint8Array): Promise<void> {
    await this.#untilAnswered(this.#call('compact', doc, epoch, seq, encodeUpdates([state])), (reply) => reply)
  }

  async restore(doc: string, epoch: number, seq: number, state: Uint8Array): Promise<LogResult> {
    const head = encodeAppend({ epoch, previousSeq: seq, updates: [state] }, this.#tag)
    return await this.#untilAnswered(this.#call('restore', doc, head), (reply) =>
      reply === 0 ? { status: 'fenced' } : { status: 'ok', seq: legible(() => decodeNumber(String(reply))) },
    )
  }

  async heads(docs: readonly string[]): Promise<(LogHead | null | undefined)[]> {
    const replies = await this.#connection.askEach(docs.map((doc) => ['HMGET', keyOf(doc), 'q', 'e'] as const))
    return replies.map((reply) => {
      if (reply instanceof Error) return undefined
      const [seq, epoch] = reply as (Buffer | null)[]
      try {
        return seq ? { seq: decodeNumber(String(seq)), epoch: decodeNumber(String(epoch)) } : null
      } catch {
        return undefined
      }
    })
  }

  async release(doc: string, epoch: number): Promise<void> {
    await this.#connection.ask([this.#call('release', doc, epoch, releasedMs)])
  }

  async forget(docs: readonly string[]): Promise<void> {
    await this.#connection.ask(docs.map((doc) => ['UNLINK', keyOf(doc), `${keyOf(doc)}l`] as const))
  }

  /** Whoever waits for Redis waits no more. */
  close(): void {
    this.#closing.abort()
  }

  #call(script: keyof LogScripts, doc: string, ...args: (string | number | Uint8Array)[]): Call {
    return { script: this.#scripts[script], key: keyOf(doc), args: args as (string | number | Buffer)[] }
  }

  /** `again`: an answer to an earlier attempt was lost, which may have been carried out. `first`: what came of an attempt that was made already. */
  async #untilAnswered<T>(call: Call, read: (reply: Reply, again: boolean) => T, first?: Reply | Error): Promise<T> {
    const { ms, signal } = this.#patience
    const answered = retried(
      async (failures) => {
        const reply = failures === 0 && first !== undefined ? first : (await this.#connection.send([call]))[0]!
        if (reply instanceof Error) throw reply
        return read(reply, failures > 0)
      },
      {
        ...reconnectBackOff,
        deadline: performance.now() + ms,
        signal: this.#closing.signal,
        again: (error) => !isRunnelError(error) && isPassing(error as Error) && !signal.aborted,
      },
    )
    return await answered.catch((error: unknown) => {
      throw isRunnelError(error) ? error : this.#connection.unavailable(error as Error)
    })
  }
}

function appendResult({ epoch, previousSeq, updates }: LogAppend, reply: Reply, again: boolean): LogResult {
  if (reply === 1) return { status: 'ok', seq: previousSeq + (updates.length > 0 ? 1 : 0) }
  if (reply === 0) return { status: 'fenced' }
  const [seq, lastEpoch] = legible(() => String(reply).split(' ').map(decodeNumber)) as [number, number]
  // The last entry is of this writer and stands where this one was to stand: it is this one.
  if (again && lastEpoch === epoch && seq === previousSeq + 1) return { status: 'ok', seq }
  return { status: 'gap', seq }
}

/** What stands in Redis may be of anybody: a log that is none is one that cannot be had. */
function legible<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new RunnelError('store_unavailable', 'What Redis has of this document cannot be read.', { cause: error })
  }
}
