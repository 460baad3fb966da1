import { expect, test } from 'vitest'
import { CatchUpQueue, type Waiter, type Difference } from '../../server/room/catchup.ts'

function newDifference(bytes: number): Difference {
  return { frames: [], bytes, holders: 0 }
}

const fail = (error: unknown) => {
  throw error
}

test('lets differences through until the cap is reached and the rest as they are taken, in order', () => {
  const queue = new CatchUpQueue(100)
  const sent: string[] = []
  const releases = new Map<string, () => void>()
  for (const name of ['a', 'b', 'c', 'd']) {
    const difference = newDifference(60)
    queue.enter({
      fail,
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
    queue.enter({ prepare: (ready) => ready(shared), send: (_difference, release) => releases.push(release), fail })
  expect(releases).toHaveLength(1_000)
  expect(queue.pendingBytes).toBe(90)
  for (const release of releases) release()
  expect(queue.pendingBytes).toBe(0)
})

test('passes over those who do not need it any more', () => {
  const queue = new CatchUpQueue(10)
  let sent = 0
  queue.enter({
    fail,
    prepare: (ready) => ready(null),
    send: () => {
      sent += 1
    },
  })
  queue.enter({
    fail,
    prepare: (ready) => ready(newDifference(50)),
    send: () => {
      sent += 1
    },
  })
  expect(sent).toBe(1)
})

test('one whose difference cannot be made or sent is told so; those behind it are served', async () => {
  const queue = new CatchUpQueue(100)
  const failed: unknown[] = []
  const sent: string[] = []
  const enter = (name: string, waiter: Partial<Waiter>) =>
    queue.enter({
      prepare: (ready) => ready(newDifference(50)),
      send: (_difference, release) => {
        sent.push(name)
        release()
      },
      fail: (error) => failed.push([name, (error as Error).message]),
      ...waiter,
    })
  const broken = (): never => {
    throw new Error('broken')
  }
  enter('at once', { prepare: broken })
  enter('sent', { send: broken })
  enter('later', { prepare: (_ready, failed) => void setImmediate(() => failed(new Error('late'))) })
  enter('whole', {})
  await new Promise((resolve) => setImmediate(resolve))
  expect(failed).toEqual([
    ['at once', 'broken'],
    ['sent', 'broken'],
    ['later', 'late'],
  ])
  expect(sent).toEqual(['whole'])
  expect(queue.pendingBytes).toBe(0)
})
