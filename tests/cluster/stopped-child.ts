/** A node that writes all the time, to be stopped by a signal: says on its standard output what it does. */
import { redisCluster } from '../../server/cluster/redis.ts'
import { bytes } from '../store/records.ts'
import { doc } from '../../testing/contracts/fixtures.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'

const cluster = redisCluster({ url: process.argv[2]!, base: memoryStore().log, leaseMs: 500 })
const say = (word: string) => process.stdout.write(`${word}\n`)
cluster.onLeaseLost = () => say('lost')
let seq = 0
for (;;) {
  const [result] = await cluster.log.append([{ doc, epoch: 1, previousSeq: seq, updates: [bytes('a')] }])
  say(result!.status)
  if (result!.status !== 'ok') break
  seq = result!.seq
  await new Promise((resolve) => setTimeout(resolve, 1))
}
await cluster.close()
