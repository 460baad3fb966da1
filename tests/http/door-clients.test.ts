/** What client libraries read at the door is what they read from the provider; `npm run test:wide -- door` has all of them. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ownStreamsRoot, readCorpus, recordedStreamsRoot } from '../helpers/corpus.ts'
import { aiSdk } from '../wide/door/clients/ai-sdk.ts'
import { llamaIndex } from '../wide/door/clients/llama-index.ts'
import { openaiClients } from '../wide/door/clients/openai.ts'
import { startComparison } from '../wide/door/compare.ts'
import { rules, undeclared } from '../wide/door/declared.ts'

const streams = [ownStreamsRoot(), recordedStreamsRoot()]
  .flatMap((root) => (root === undefined ? [] : readCorpus(root)))
  .filter(({ api }) => api === 'chat')
const clients = [...openaiClients(7), aiSdk, llamaIndex]
let world: Awaited<ReturnType<typeof startComparison>>

beforeAll(async () => {
  world = await startComparison(streams)
})

afterAll(async () => {
  await world.close()
})

test.each(clients.map((client) => [client.name, client] as const))(
  '%s',
  async (_name, client) => {
    const pairs = await Promise.all(streams.map((stream) => world.ask(client, stream, 0)))
    const faults = pairs.flatMap((pair, index) =>
      undeclared(pair, streams[index]!, client.asksAgain === true).map((words) => `${pair.stream}: ${words}`),
    )
    expect(faults).toEqual([])
  },
  60_000,
)

test('in what they may differ stands in docs/DOOR.md', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/DOOR.md'), 'utf8')
  for (const { words } of rules) expect(page).toContain(`**${words}**`)
})
