import { onTestFinished } from 'vitest'
import type { Cluster, LiveEntry } from '../../server/cluster/cluster.ts'
import { redisCluster, type RedisClusterOptions } from '../../server/cluster/redis.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import type { Store } from '../../server/store/store.ts'
import { bytes, chat, newRun, text } from '../store/records.ts'
import { doc, other } from './documents.ts'

export { doc, other }

/** A store with a chat and two messages that are being written under epoch 1. */
export async function storeWithDocuments(): Promise<Store> {
  const store = memoryStore()
  await store.createChat(chat(), 'l')
  for (const id of [doc, other]) await store.startRun(newRun(id, {}, { lineage: 'line' }))
  return store
}

/** A node on Redis, closed with the test. */
export function node(options: Pick<RedisClusterOptions, 'url' | 'base'> & Partial<RedisClusterOptions>): Cluster {
  const cluster = redisCluster({ leaseMs: 10_000, ...options })
  onTestFinished(() => cluster.close())
  return cluster
}

export async function write(cluster: Cluster, id: string, epoch: number, previousSeq: number, ...updates: string[]) {
  const [result] = await cluster.log.append([{ doc: id, epoch, previousSeq, updates: updates.map(bytes) }])
  return result!
}

/** The log of a document with its bytes as text. */
export async function readText(cluster: Cluster, id: string) {
  const contents = await cluster.log.read(id)
  return (
    contents && { ...contents, state: text(contents.state), updates: contents.updates.map((update) => text(update)) }
  )
}

/** What a follower was told, as text. */
export class Heard {
  readonly entries: { seq: number; updates: (string | null)[] }[] = []
  readonly hear = ({ seq, updates }: LiveEntry): void => {
    this.entries.push({ seq, updates: updates.map(text) })
  }
}

export async function until(condition: () => unknown, what: string, deadlineMs = 10_000): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!(await condition())) {
    if (performance.now() > deadline) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}
