/** A Postgres that failed over without the last entry of a chat's log, while the node lives that wrote it. */
import { isDeepStrictEqual } from 'node:util'
import { expect, onTestFinished, test } from 'vitest'
import * as Y from 'yjs'
import { openPostgresStore } from '../../server/store/postgres/postgres.ts'
import { readChat } from '../../shared/schema.ts'
import { answer } from '../../testing/index.ts'
import { newWorld, usePostgres, view } from './nodes.ts'
import { ended } from './seen.ts'

const server = usePostgres()

for (const [what, writesOn] of [
  ['nobody writes it before that is noticed', false],
  ['another node gives its number to words of its own', true],
] as const) {
  test(`a chat whose last entry is lost gets it back: ${what}`, { timeout: 60_000 }, async () => {
    const { fake, node, settings } = await newWorld()
    const url = settings.DATABASE_URL as string
    const [a, b] = await Promise.all([node(), node()])
    const { id: chatId } = (await a.call('POST', '/api/chats', { title: 'Tides' })).body
    const ask = async (on: typeof a, content: string) => {
      fake.enqueue(answer({ text: `${content}!` }))
      const { body } = await on.call('POST', `/api/chats/${chatId}/messages`, { content })
      await ended(on, body.messageId)
      await expect.poll(() => server.postgres.run(`SELECT 1 FROM unlisted_ends`, url)).toEqual([])
      return body as { messageId: string; userMessageId: string }
    }
    const lose = () =>
      server.postgres.run(
        `WITH head AS (UPDATE documents SET seq = seq - 1 WHERE id = '${chatId}' AND seq > compacted_seq RETURNING number, seq)
           DELETE FROM updates USING head WHERE document = head.number AND updates.seq > head.seq RETURNING 1`,
        url,
      )
    const there = view(b)
    const [copy] = await there.follow(chatId)
    const entries = (from: { doc: Y.Doc }) =>
      Object.entries(readChat(from.doc).messages)
        .map(([id, { status }]) => `${id} ${status}`)
        .toSorted()
    await ask(b, 'First')
    const second = await ask(a, 'Second')
    const confirmed = () => entries(copy!).some((entry) => entry === `${second.messageId} completed`)
    await there.until(confirmed, 'the end in the list')
    expect(await lose()).toHaveLength(1)
    if (writesOn) await ask(b, 'Third')
    const before = entries(copy!)
    const store = openPostgresStore(url)
    onTestFinished(() => store.close())
    const logged = async () => {
      const { state, updates } = (await store.log.read(chatId))!
      const doc = new Y.Doc()
      for (const update of state ? [state, ...updates] : updates) Y.applyUpdate(doc, update)
      return entries({ doc })
    }
    await expect.poll(logged, { timeout: 10_000 }).toEqual(before)
    const newcomer = view(await node())
    const [fresh] = await newcomer.follow(chatId)
    await newcomer.until(() => isDeepStrictEqual(entries(fresh!), before), 'what was confirmed')
    expect([copy!.refused, entries(copy!)]).toEqual([null, before])
  })
}
