import { Redis } from 'ioredis'
import { startRedis, type RedisServer } from './redis.ts'

export interface RedisClusterServers {
  url: string
  /** Three masters, in the order of their slots, then a replica of each. */
  servers: RedisServer[]
  /** Which of the masters had this key when the cluster was made. */
  masterOf(key: string): Promise<number>
  close(): Promise<void>
}

const shards = 3
const lastSlot = 16_383

/** A real Redis Cluster on loopback: three masters with a replica each. A master that is gone for half a second is replaced. */
export async function startRedisCluster(): Promise<RedisClusterServers> {
  const args = [
    '--cluster-enabled',
    'yes',
    '--cluster-node-timeout',
    '500',
    '--appendonly',
    'no',
    '--repl-diskless-sync-delay',
    '0',
    '--repl-ping-replica-period',
    '1',
  ]
  const servers = await Promise.all(Array.from({ length: 2 * shards }, () => startRedis({ args })))
  const clients = servers.map(({ port }) => new Redis(port, '127.0.0.1'))
  const close = async () => {
    for (const client of clients) client.disconnect()
    await Promise.all(servers.map((server) => server.kill()))
  }
  for (const client of clients) client.on('error', () => {})
  const start = (shard: number) => Math.ceil((shard * (lastSlot + 1)) / shards)
  try {
    await Promise.all(
      clients.slice(0, shards).map((client, i) => client.cluster('ADDSLOTSRANGE', start(i), start(i + 1) - 1)),
    )
    await Promise.all(clients.map((client, i) => client.call('CLUSTER', 'SET-CONFIG-EPOCH', i + 1)))
    for (const { port } of servers.slice(1)) await clients[0]!.cluster('MEET', '127.0.0.1', port)
    const ids = await Promise.all(clients.map((client) => client.cluster('MYID') as Promise<string>))
    const deadline = performance.now() + 20_000
    const all = async (done: (client: Redis, i: number) => Promise<boolean>) => {
      while (!(await Promise.all(clients.map(done))).every(Boolean)) {
        if (performance.now() > deadline) throw new Error('The Redis Cluster did not come up.')
        await new Promise((resolve) => setTimeout(resolve, 50))
      }
    }
    await all(async (client) =>
      ((await client.cluster('INFO')) as string).includes(`cluster_known_nodes:${2 * shards}`),
    )
    await Promise.all(clients.slice(shards).map((client, i) => client.cluster('REPLICATE', ids[i]!)))
    await all(async (client) => ((await client.cluster('INFO')) as string).includes('cluster_state:ok'))
    await all(async (client, i) => i < shards || (await client.info('replication')).includes('master_link_status:up'))
    await all(async (client) => ((await client.cluster('NODES')) as string).split('slave').length === shards + 1)
  } catch (error) {
    await close()
    throw error
  }
  return {
    url: servers
      .slice(0, shards)
      .map(({ url }) => url)
      .join(','),
    servers,
    // Masters are there to be killed.
    masterOf: async (key) =>
      Math.floor((Number(await clients.at(-1)!.cluster('KEYSLOT', key)) * shards) / (lastSlot + 1)),
    close,
  }
}
