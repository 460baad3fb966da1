import { onTestFinished } from 'vitest'
import type { Cluster, LiveEntry } from '../../server/cluster/cluster.ts'
import { redisCluster, type RedisClusterOptions } from '../../server/cluster/redis.ts'
import { text } from '../store/records.ts'

export { doc, other, readLog as readText, storeWithDocuments, write } from '../../testing/contracts/fixtures.ts'

/** A node on Redis, closed with the test. */
export function node(options: Pick<RedisClusterOptions, 'url' | 'base'> & Partial<RedisClusterOptions>): Cluster {
  const cluster = redisCluster({ leaseMs: 10_000, ...options })
  onTestFinished(() => cluster.close())
  return cluster
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
