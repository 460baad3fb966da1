/** Foreign client software at the door: each compared with itself talking directly to the provider. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { ownStreamsRoot, readCorpus, recordedStreamsRoot } from '../../helpers/corpus.ts'
import { allClients } from './clients/all.ts'
import { installClients } from './clients/load.ts'
import { startComparison } from './compare.ts'
import { undeclared } from './declared.ts'

const streams = [ownStreamsRoot(), recordedStreamsRoot()]
  .flatMap((root) => (root === undefined ? [] : readCorpus(root)))
  .filter(({ api }) => api === 'chat')
// Those with the most calls, the shortest first: each chunk of them waits.
const withCalls = streams
  .filter(({ expected, sse }) => expected.toolCalls.length > 0 && sse.length < 40_000)
  .toSorted((a, b) => b.expected.toolCalls.length - a.expected.toolCalls.length || a.sse.length - b.sse.length)
  .slice(0, 10)
let world: Awaited<ReturnType<typeof startComparison>>

beforeAll(async () => {
  installClients()
  world = await startComparison(streams)
}, 120_000)

afterAll(async () => {
  await world?.close()
})

const atOnce = 8

test.each(allClients.map((client) => [client.name, client] as const))('%s reads all streams', async (_name, client) => {
  const faults: string[] = []
  for (let at = 0; at < streams.length; at += atOnce) {
    const some = streams.slice(at, at + atOnce)
    const pairs = await Promise.all(some.map((stream) => world.ask(client, stream, 0)))
    for (const [index, pair] of pairs.entries())
      faults.push(
        ...undeclared(pair, some[index]!, client.asksAgain === true).map((words) => `${pair.stream}: ${words}`),
      )
  }
  expect(faults).toEqual([])
})

test.each([5, 20, 40].flatMap((ms) => allClients.map((client) => [client.name, ms, client] as const)))(
  '%s reads calls at %i ms a chunk',
  async (_name, ms, client) => {
    const pairs = await Promise.all(withCalls.map((stream) => world.ask(client, stream, ms)))
    const faults = pairs.flatMap((pair, index) =>
      undeclared(pair, withCalls[index]!, client.asksAgain === true).map((words) => `${pair.stream}: ${words}`),
    )
    expect(faults).toEqual([])
  },
)
