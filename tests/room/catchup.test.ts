import { expect, test } from 'vitest'
import { CatchUpQueue, type Difference } from '../../server/room/catchup.ts'

function newDifference(bytes: number): Difference {
  return { frames: [], bytes, holders: 0 }
}

test('lets differences through until the cap is reached and the rest as they are taken, in order', () => {
  const queue = new CatchUpQueue(100)
  const sent: string[] = []
  const releases = new Map<string, () => void>()
  for (const name of ['a', 'b', 'c', 'd']) {
    const difference = newDifference(60)
    queue.enter({
      prepare: (ready) => ready(difference),
      send: (_difference, release) => {
        sent.push(name)
        releases.set(name, release)
      },
    })
  }
  expect(sent).toEqual(['a', 'b'])
  expect(queue.pendingBytes).toBe(120)
  releases.get('b')!()
  expect(sent).toEqual(['a', 'b', 'c'])
  releases.get('a')!()
  releases.get('c')!()
  expect(sent).toEqual(['a', 'b', 'c', 'd'])
  releases.get('d')!()
  expect(queue.pendingBytes).toBe(0)
})

test('counts a difference that many share once', () => {
  const queue = new CatchUpQueue(100)
  const shared = newDifference(90)
  const releases: (() => void)[] = []
  for (let i = 0; i < 1_000; i++)
    queue.enter({ prepare: (ready) => ready(shared), send: (_difference, release) => releases.push(release) })
  expect(releases).toHaveLength(1_000)
  expect(queue.pendingBytes).toBe(90)
  for (const release of releases) release()
  expect(queue.pendingBytes).toBe(0)
})

test('passes over those who do not need it any more', () => {
  const queue = new CatchUpQueue(10)
  let sent = 0
  queue.enter({
    prepare: (ready) => ready(null),
    send: () => {
      sent += 1
    },
  })
  queue.enter({
    prepare: (ready) => ready(newDifference(50)),
    send: () => {
      sent += 1
    },
  })
  expect(sent).toBe(1)
})
