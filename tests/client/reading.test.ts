/** What has no place on the line: how often it is read over HTTP, however much of it there is. */
import { onTestFinished, expect, test, vi } from 'vitest'
import * as Y from 'yjs'
import { mostFollowed, Subscriptions } from '../../client/subscriptions.ts'

const id = (n: number) => `msg_${String(n).padStart(8, '0')}`

test('200 over the bound are read ten times a second, each as often as the others', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'Date'] })
  onTestFinished(() => void vi.useRealTimers())
  const empty = Y.encodeStateAsUpdate(new Y.Doc())
  const reads: { id: string; at: number }[] = []
  const began = Date.now()
  const subscriptions = new Subscriptions({
    send: () => {},
    states: {
      read: async (id) => {
        reads.push({ id, at: Date.now() - began })
        return { lineage: 'first', update: empty }
      },
    },
  })
  onTestFinished(() => subscriptions.close())
  subscriptions.opened()
  const followed = Array.from({ length: mostFollowed + 200 }, (_, n) => subscriptions.follow(id(n)))
  await vi.advanceTimersByTimeAsync(1_000)
  expect(reads.length).toBeGreaterThan(8)
  expect(reads.length).toBeLessThanOrEqual(11)
  await vi.advanceTimersByTimeAsync(29_000)
  // None a second time before all others.
  expect(new Set(reads.slice(0, 200).map(({ id }) => id)).size).toBe(200)
  for (const [i, { at }] of reads.entries()) if (i > 0) expect(at - reads[i - 1]!.at).toBeGreaterThanOrEqual(100)

  // One that is left alone is read again after five seconds, whoever has gone meanwhile.
  for (const { release } of followed.slice(mostFollowed + 1)) release()
  await vi.advanceTimersByTimeAsync(100)
  const before = reads.length
  await vi.advanceTimersByTimeAsync(20_000)
  const again = reads.slice(before)
  expect(new Set(again.map(({ id }) => id))).toEqual(new Set([id(mostFollowed)]))
  for (const [i, { at }] of again.entries()) if (i > 0) expect(at - again[i - 1]!.at).toBeGreaterThanOrEqual(5_000)
})
