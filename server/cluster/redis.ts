import { randomBytes } from 'node:crypto'
import { documentKind } from '../../shared/schema.ts'
import { closeAll } from '../waiting/close.ts'
import { Patience } from '../waiting/patience.ts'
import type { Cluster, LogAppend, LogContents, LogHead, LogResult, OnUnreadable, UpdateLog } from './cluster.ts'
import { RedisChannels } from './redis-channels.ts'
import { RedisConnection } from './redis-connection.ts'
import { tagBytes } from './redis-entry.ts'
import { Lease } from './redis-lease.ts'
import { RedisLog } from './redis-log.ts'

export interface RedisClusterOptions {
  /** REDIS_URL. */
  url: string
  /** The store's own log: chats are written there, and a message that is not live is read there. */
  base: UpdateLog
  /** Without a sign of life for so long, a node counts as gone. */
  leaseMs: number
  /** A live message that nobody writes any more goes from Redis after this time: longer than a run may wait. */
  ttlMs?: number
  /** An answer that takes longer counts as lost. */
  timeoutMs?: number
  /** Commands under way at once. */
  maxPending?: number
  /** How long a write waits for Redis to come back. */
  patience?: Pick<Patience, 'ms' | 'signal'>
  onUnreadable?: OnUnreadable
}

/** Many machines: Redis carries live messages and what nodes tell each other. */
export function redisCluster(options: RedisClusterOptions): Cluster {
  const {
    url,
    base,
    leaseMs,
    ttlMs = 24 * 3_600_000,
    timeoutMs = 2_000,
    maxPending = 10_000,
    onUnreadable = () => {},
    patience = new Patience(2 * leaseMs),
  } = options
  const connection = new RedisConnection({ url, timeoutMs, maxPending })
  const node = randomBytes(12).toString('base64url')
  const tag = randomBytes(tagBytes)
  const live = new RedisLog({ connection, tag, ttlMs, patience })
  const channels = new RedisChannels({ connection, node, tag, onNews: (news) => cluster.onNews(news), onUnreadable })
  const lease = new Lease({ leaseMs, renew, onLost: () => cluster.onLeaseLost() })

  async function renew(): Promise<boolean> {
    connection.checkSubscriber()
    void channels.hearNews()
    // Putting the end off needs no memory: a Redis that is full still takes it.
    const [kept] = await connection.ask([['PEXPIRE', lifeKey(node), leaseMs]])
    if (kept === 1) return true
    await connection.ask([['SET', lifeKey(node), 1, 'PX', leaseMs]])
    return false
  }

  /** To the store first: what is told to others lasts. */
  async function appendToChats(entries: readonly LogAppend[]): Promise<LogResult[]> {
    const results = await base.append(entries)
    results.forEach((result, i) => {
      const { doc, updates } = entries[i]!
      if (result.status === 'ok' && updates.length > 0) channels.publish(doc, { seq: result.seq, updates })
    })
    return results
  }

  const log: UpdateLog = {
    async append(entries) {
      // After a stop of the process, whoever writes learns first what has become of it.
      lease.check()
      const [chats, messages] = [entries.filter(isOfChat), entries.filter((entry) => !isOfChat(entry))]
      const [ofChats, ofMessages] = await Promise.all([
        chats.length > 0 ? appendToChats(chats) : [],
        live.append(messages),
      ])
      // It may have stood still behind the check as well: told before the answer, which may be that it is fenced.
      lease.check()
      return entries.map((entry) => (isOfChat(entry) ? ofChats : ofMessages).shift()!)
    },

    async read(doc) {
      if (documentKind(doc) === 'chat') return await base.read(doc)
      // Redis first: a message that ends in between is then found in the store.
      const now = await live.read(doc)
      const kept = await base.read(doc)
      return kept && now ? join(kept, now) : kept
    },

    compact: (doc, epoch, seq, state, shared) =>
      documentKind(doc) === 'chat'
        ? base.compact(doc, epoch, seq, state, shared)
        : live.compact(doc, epoch, seq, state),

    restore: (doc, epoch, seq, state) =>
      documentKind(doc) === 'chat' ? { status: 'fenced' } : live.restore(doc, epoch, seq, state),

    heads: async (docs) => {
      const chats = docs.filter((doc) => documentKind(doc) === 'chat')
      const messages = docs.filter((doc) => documentKind(doc) !== 'chat')
      const [ofChats, ofMessages] = await Promise.all([
        headsOf(base, chats),
        messages.length > 0 ? live.heads(messages) : [],
      ])
      return docs.map((doc) => (documentKind(doc) === 'chat' ? ofChats : ofMessages).shift())
    },

    release: (doc, epoch) => live.release(doc, epoch),
    forget: (docs) => live.forget(docs),
  }

  let closing: Promise<void> | null = null
  const cluster: Cluster = {
    node,
    many: true,
    log,
    follow: (doc, onEntry) => channels.follow(doc, onEntry),
    heads: async (docs) => await log.heads!(docs),

    async alive(nodes) {
      const [own, ...found] = await connection.ask([node, ...nodes].map((node) => ['EXISTS', lifeKey(node)] as const))
      // One under way may have come before this question and not told yet what it found.
      await lease.settled()
      // Where this node's own sign of life is lost, those of others may be; they need time to show another.
      if (own === 0 || !lease.steady) throw connection.unavailable()
      return new Set(nodes.filter((_node, i) => found[i] === 1))
    },

    tell: (news, node) => channels.tell(news, node),
    onNews: () => {},
    onLeaseLost: () => {},

    async probe() {
      await connection.ask([['PING']])
      await lease.settled()
      if (!lease.held) throw connection.unavailable()
    },

    close() {
      closing ??= closeAll([
        () => lease.close(),
        () => live.close(),
        // Others need not wait for the end of the lease.
        () => connection.send([['DEL', lifeKey(node)]]),
        () => connection.close(),
      ])
      return closing
    },
  }
  return cluster
}

/** All under one hash tag: they are lost together or not at all. */
function lifeKey(node: string): string {
  return `runnel:{nodes}:${node}`
}

function isOfChat({ doc }: LogAppend): boolean {
  return documentKind(doc) === 'chat'
}

/** The store has what was before Redis knew the message, and what has ended; each may have what the other has. */
function join(kept: LogContents, now: Omit<LogContents, 'lineage'>): LogContents {
  const updates = [...kept.updates, ...now.updates]
  return {
    lineage: kept.lineage,
    epoch: now.epoch,
    seq: now.seq,
    state: now.state ?? kept.state,
    updates: kept.state && now.state ? [kept.state, ...updates] : updates,
  }
}

async function headsOf(log: UpdateLog, docs: readonly string[]): Promise<(LogHead | null | undefined)[]> {
  if (docs.length === 0) return []
  return log.heads ? await log.heads(docs) : await Promise.all(docs.map((doc) => log.read(doc)))
}
