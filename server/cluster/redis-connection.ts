import { Cluster, Command, Redis, type RedisOptions } from 'ioredis'
import type { RunnelError } from '../../shared/errors.ts'
import { within } from '../waiting/race.ts'
import { backOff, retried } from '../waiting/retry.ts'
import { ClosedEarly, holdsUpAll, isPassing, replyCode, unavailable } from './redis-errors.ts'
import type { Script } from './redis-scripts.ts'

export type Argument = string | number | Buffer
/** A command by its words, or a script with its key. */
export type Call =
  | readonly [name: string, ...args: Argument[]]
  | { script: Script; key: string; args: readonly Argument[] }
/** Strings come as bytes. */
export type Reply = Buffer | number | null | readonly Reply[]

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://` (TLS); several by commas, or one with `?cluster`, are a Redis Cluster. */
  url: string
  /** An answer that takes longer counts as lost. */
  timeoutMs: number
  /** Commands under way at once; more are refused. */
  maxPending: number
}

/** Of a connection that was lost, and of what was under way on it. */
export const reconnectBackOff = { firstMs: 25, longestMs: 1_000 } as const
const askBackOff = { firstMs: 50, longestMs: 50 } as const

/** The connections of a node to Redis: one for commands, one (in a Cluster one a master) for what is published. The only file that knows ioredis. */
export class RedisConnection {
  /** A message of a channel, sharded or not. */
  onMessage: (channel: string, message: Buffer) => void = () => {}
  readonly #client: Redis | Cluster
  /** In a Cluster the client sees to it itself. */
  readonly #subscriber: Redis | Cluster
  readonly #timeoutMs: number
  readonly #maxPending: number
  /** Whether they are sharded. */
  readonly #channels = new Map<string, boolean>()
  /** Those who wait for a connection, by client. */
  readonly #waiting = new Map<Redis | Cluster, Promise<void>>()
  /** Host and port of each, for the operator. */
  readonly #where: string
  readonly #isTls: boolean
  /** Why there is no connection, or one that is of no use. */
  #fault: Error | null = null
  #pending = 0
  #closed: Promise<void> | null = null

  constructor({ url, timeoutMs, maxPending }: RedisConnectionOptions) {
    const urls = url.split(',')
    this.#where = urls.map((url) => new URL(url).host).join(', ')
    this.#isTls = url.startsWith('rediss:')
    this.#timeoutMs = timeoutMs
    this.#maxPending = maxPending
    const options: RedisOptions = {
      // Who calls knows what may be sent twice, and for how long: nothing is queued or sent again behind its back.
      enableOfflineQueue: false,
      autoResendUnfulfilledCommands: false,
      maxRetriesPerRequest: 0,
      commandTimeout: timeoutMs,
      socketTimeout: timeoutMs,
      connectTimeout: timeoutMs,
      retryStrategy: reconnectAfter,
      keepAlive: 10_000,
      // Done here: where the connection is lost meanwhile, ioredis leaves a rejection that nobody handles.
      autoResubscribe: false,
    }
    if (urls.length > 1 || new URL(url).searchParams.has('cluster')) {
      this.#client = this.#subscriber = openCluster(urls, options)
    } else {
      this.#client = new Redis(url, options)
      this.#subscriber = new Redis(url, options)
      this.#subscriber.on('ready', () => this.#resubscribe())
    }
    for (const client of new Set([this.#client, this.#subscriber])) {
      // Whoever is waiting for an answer is told.
      client.on('error', (error) => this.#failed(error))
    }
    this.#watch(urls[0]!, options)
    this.#subscriber.on('messageBuffer', (channel: Buffer, message: Buffer) =>
      this.onMessage(channel.toString(), message),
    )
    this.#subscriber.on('smessageBuffer', (channel: Buffer, message: Buffer) =>
      this.onMessage(channel.toString(), message),
    )
  }

  /**
   * Sends all at once and waits for all answers: one round trip. An error
   * stands in place of an answer that did not come.
   */
  async send(calls: readonly Call[]): Promise<(Reply | Error)[]> {
    if (this.#pending + calls.length > this.#maxPending)
      return calls.map(() => new Error('Too many commands are under way.'))
    this.#pending += calls.length
    try {
      const replies = await this.#exchange(calls, 'EVALSHA')
      const unknown = calls.filter((_call, i) => isUnknownScript(replies[i]!))
      if (unknown.length === 0) return replies
      const again = await this.#exchange(unknown, 'EVAL')
      return replies.map((reply) => (isUnknownScript(reply) ? again.shift()! : reply))
    } finally {
      this.#pending -= calls.length
    }
  }

  /** What a command came to nothing by, or what the connection did. */
  unavailable(error?: Error): RunnelError {
    const fault = error && replyCode(error) !== null ? error : (this.#fault ?? error)
    return unavailable(fault, this.#where, this.#isTls)
  }

  /** As `send`, for what can be asked again at will: waits for a connection that is being made. Throws `store_unavailable` when the time of one answer is over. */
  async ask(calls: readonly Call[]): Promise<Reply[]> {
    return (await this.askEach(calls, () => true)) as Reply[]
  }

  /** As `ask`, but what Redis refuses for good stands in its place, and holds up no other. Where it refuses all, that is thrown. */
  async askEach(calls: readonly Call[], holdsUp = holdsUpAll): Promise<(Reply | Error)[]> {
    return await this.#inTime(async (until) => {
      await this.#ready(this.#client)
      // A connection whose user or database was refused is there, but is of no use.
      if (this.#fault && !isPassing(this.#fault)) throw this.#fault
      const answered = async () => {
        const replies = await this.send(calls)
        const fault = replies.find((reply) => reply instanceof Error && holdsUp(reply, replies))
        if (fault) throw fault as Error
        return replies
      }
      // A Cluster that is failing over says so at once, and soon no more.
      const again = (error: unknown) => isPassing(error as Error) && !this.#closed
      return await retried(answered, { ...askBackOff, deadline: until, again })
    })
  }

  /** From when it resolves on, messages of this channel arrive, across reconnections. Throws `store_unavailable`. */
  async subscribe(channel: string, sharded: boolean): Promise<void> {
    await this.#inTime(async (until) => {
      await this.#ready(this.#subscriber)
      // Who asked was told that it failed.
      if (performance.now() > until) return
      this.#channels.set(channel, sharded)
      await (sharded ? this.#subscriber.ssubscribe(channel) : this.#subscriber.subscribe(channel))
    })
  }

  unsubscribe(channel: string): void {
    const sharded = this.#channels.get(channel)
    if (sharded === undefined) return
    this.#channels.delete(channel)
    const done: Promise<unknown> = sharded
      ? this.#subscriber.sunsubscribe(channel)
      : this.#subscriber.unsubscribe(channel)
    // Without a connection there is nothing to unsubscribe from; a stray message finds nobody.
    done.catch(() => {})
  }

  /** Finds a subscriber's connection that is dead without having been closed; it is then made anew. In a Cluster TCP does. */
  checkSubscriber(): void {
    if (this.#subscriber instanceof Redis) this.#subscriber.ping().catch(() => {})
  }

  close(): Promise<void> {
    this.#closed ??= Promise.all(
      [...new Set([this.#client, this.#subscriber])].map(async (client) => {
        const ended = new Promise((resolve) => client.once('end', resolve))
        // Between two attempts there is no connection whose end it would tell.
        const isOpen = client.status !== 'end' && client.status !== 'reconnecting'
        client.disconnect()
        if (isOpen) await ended
      }),
    ).then(() => {})
    return this.#closed
  }

  #failed(error: Error): void {
    const fault = ('lastNodeError' in error && (error.lastNodeError as Error | undefined)) || error
    // What Redis says to the first question of ioredis comes in words of its own.
    const said = /^Ready check failed: (.*)/s.exec(fault.message)?.[1]
    this.#fault = said === undefined ? fault : Object.assign(new Error(said), { name: 'ReplyError' })
  }

  /** Keeps what is known of a connection until the next one is there. */
  #watch(url: string, options: RedisOptions): void {
    const client = this.#client
    if (client instanceof Cluster) {
      let scout: Redis | null = null
      client
        .on('ready', () => (this.#fault = null))
        // It says only that none of its nodes has answered: the first one is asked why.
        .on('error', () => {
          if (scout || this.#closed) return
          scout = new Redis(url.split('?', 1)[0]!, { ...options, retryStrategy: () => null })
          scout.on('error', (error) => this.#failed(error)).on('ready', () => scout?.disconnect())
          scout.on('end', () => (scout = null))
        })
      return
    }
    let spoke = false
    client
      .on('connect', () => {
        this.#fault = null
        spoke = false
      })
      .on('ready', () => (spoke = true))
      .on('close', () => {
        if (!spoke) this.#fault ??= new ClosedEarly()
      })
  }

  #resubscribe(): void {
    const channels = [...this.#channels]
    const [sharded, plain] = [channels.filter(([, sharded]) => sharded), channels.filter(([, sharded]) => !sharded)]
    // If the connection is lost again, the next one does it.
    if (sharded.length > 0) this.#subscriber.ssubscribe(...sharded.map(([channel]) => channel)).catch(() => {})
    if (plain.length > 0) this.#subscriber.subscribe(...plain.map(([channel]) => channel)).catch(() => {})
  }

  async #exchange(calls: readonly Call[], by: 'EVALSHA' | 'EVAL'): Promise<(Reply | Error)[]> {
    const commands = calls.map((call) => {
      const [name, ...args] =
        'script' in call
          ? ([by, by === 'EVAL' ? call.script.lua : call.script.sha, 1, call.key, ...call.args] as const)
          : call
      return new Command(name, args, { replyEncoding: null })
    })
    // All of a turn of the event loop leave in one write; a Cluster's go to several nodes.
    const { stream } = this.#client as { stream?: { cork(): void; uncork(): void } }
    stream?.cork()
    const answers = commands.map((command) => this.#client.sendCommand(command) as Promise<Reply>)
    stream?.uncork()
    return await Promise.all(answers.map((answer) => answer.catch((error: unknown) => error as Error)))
  }

  async #ready(client: Redis | Cluster): Promise<void> {
    if (client.status === 'ready') return
    if (this.#closed) throw this.unavailable()
    // All who wait share one look at the client.
    let waiting = this.#waiting.get(client)
    if (!waiting) {
      waiting = new Promise((resolve) => {
        const settle = () => {
          client.off('ready', settle).off('end', settle)
          this.#waiting.delete(client)
          resolve()
        }
        client.on('ready', settle).on('end', settle)
      })
      this.#waiting.set(client, waiting)
    }
    await waiting
  }

  async #inTime<T>(work: (until: number) => Promise<T>): Promise<T> {
    const until = performance.now() + this.#timeoutMs
    try {
      return await within(this.#timeoutMs, () => new Error('No answer in time.'), work(until))
    } catch (error) {
      throw this.unavailable(error as Error)
    }
  }
}

/** Nodes do not return in step. */
function reconnectAfter(attempt: number): number {
  return backOff(attempt + 1, reconnectBackOff)
}

function openCluster(urls: readonly string[], options: RedisOptions): Cluster {
  const { username, password, protocol } = new URL(urls[0]!)
  return new Cluster(
    urls.map((url) => url.split('?', 1)[0]!),
    {
      shardedSubscribers: true,
      enableOfflineQueue: false,
      // See above: MOVED and ASK were not carried out, a lost connection may have been.
      retryDelayOnFailover: 0,
      clusterRetryStrategy: reconnectAfter,
      slotsRefreshInterval: 1_000,
      redisOptions: {
        ...without(options, ['retryStrategy', 'enableOfflineQueue']),
        ...(username !== '' && { username: decodeURIComponent(username) }),
        ...(password !== '' && { password: decodeURIComponent(password) }),
        ...(protocol === 'rediss:' && { tls: {} }),
      },
      // Certificates bear names.
      ...(protocol === 'rediss:' && {
        dnsLookup: (address: string, found: (error: null, address: string) => void) => found(null, address),
      }),
    },
  )
}

function without<T extends object, K extends keyof T>(options: T, names: readonly K[]): Omit<T, K> {
  return Object.fromEntries(Object.entries(options).filter(([name]) => !names.includes(name as K))) as Omit<T, K>
}

function isUnknownScript(reply: Reply | Error): boolean {
  return reply instanceof Error && replyCode(reply) === 'NOSCRIPT'
}
