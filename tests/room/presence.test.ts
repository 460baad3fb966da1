/** W19–W21: who is in a chat. */
import { expect, test } from 'vitest'
import { Presence } from '../../server/room/presence.ts'
import { decodeAwareness, decodeStock, encodeAwareness } from '../../shared/protocol.ts'

function start() {
  let time = 1_000
  const presence = new Presence(() => time)
  const read = (message: Uint8Array | null) => {
    if (!message) return null
    const stock = decodeStock(message)
    if (stock.type !== 'awareness') throw new Error(stock.type)
    return decodeAwareness(stock.update).map(({ clientId, clock, state }) => [clientId, clock, JSON.parse(state)])
  }
  const person = (id: string) => ({ user: { id, name: `Name of ${id}` } })
  return {
    presence,
    person,
    pass: (ms: number) => {
      time += ms
    },
    say: (who: ReturnType<typeof person>, ...entries: [clientId: number, clock: number, state: unknown][]) =>
      presence.receive(
        who,
        encodeAwareness(entries.map(([clientId, clock, state]) => ({ clientId, clock, state: JSON.stringify(state) }))),
        100,
      ),
    changes: (viewers = 2) => read(presence.changes(viewers)),
    everybody: () => read(presence.everybody()),
  }
}

const user = (id: string) => ({ id, name: `Name of ${id}` })

test('a state is told once, with the user that the server knows, whatever it claims', () => {
  const { say, person, changes, everybody } = start()
  say(person('ada'), [7, 1, { cursor: 3, user: { id: 'root', name: 'Root' } }])
  expect(changes()).toEqual([[7, 1, { cursor: 3, user: user('ada') }]])
  expect(changes()).toBeNull()
  expect(everybody()).toEqual([[7, 1, { cursor: 3, user: user('ada') }]])
})

test("states of others, and the server's own id, are refused", () => {
  const { say, person, changes, everybody } = start()
  const [ada, eve] = [person('ada'), person('eve')]
  say(ada, [7, 1, { a: 1 }])
  changes()
  say(eve, [7, 99, { stolen: true }])
  say(eve, [7, 99, null])
  say(eve, [0, 1, { viewers: 1_000_000 }])
  expect(changes()).toBeNull()
  // A stock client repeats what it heard of others beside its own.
  say(eve, [8, 1, { e: 1 }])
  say(eve, [7, 99, null], [8, 2, { e: 2 }], [9, 1, { made: 'up' }])
  say(eve, [9, 1, { made: 'up' }])
  expect(changes()).toEqual([[8, 2, { e: 2, user: user('eve') }]])
  expect(everybody()?.map(([id]) => id)).toEqual([7, 8])
  say(eve, [7, 99, { stolen: true }])
  expect(changes()).toBeNull()
})

test('it is gone with its socket, or when it takes its state back, and may return', () => {
  const { presence, say, person, changes } = start()
  const ada = person('ada')
  say(ada, [7, 1, { a: 1 }])
  changes()
  say(ada, [7, 2, null])
  expect(changes()).toEqual([[7, 2, null]])
  say(ada, [7, 3, { a: 2 }])
  expect(changes()).toEqual([[7, 3, { a: 2, user: user('ada') }]])
  presence.leave(ada)
  expect(changes()).toEqual([[7, 4, null]])
  // On a new socket a stock client goes on with the clock that it had: others must hear it all the same.
  say(person('ada'), [7, 3, { a: 2 }])
  expect(changes()).toEqual([[7, 5, { a: 2, user: user('ada') }]])
})

test('who is silent is told again before stock clients forget it; repeating oneself is not news', () => {
  const { say, person, changes, pass } = start()
  const ada = person('ada')
  say(ada, [7, 1, {}])
  changes()
  pass(15_000)
  say(ada, [7, 2, {}])
  expect(changes()).toBeNull()
  pass(5_000)
  expect(changes()).toEqual([[7, 2, { user: user('ada') }]])
  expect(changes()).toBeNull()
})

test('above 100 viewers only their count is told, also to who comes later, and back below everybody is named', () => {
  const { say, person, changes, everybody } = start()
  say(person('ada'), [7, 1, {}])
  changes(100)
  expect(changes(101)).toEqual([
    [7, 2, null],
    [0, 1, { viewers: 101 }],
  ])
  expect(changes(101)).toBeNull()
  say(person('bob'), [8, 1, {}])
  expect(changes(102)).toEqual([[0, 2, { viewers: 102 }]])
  expect(everybody()).toEqual([[0, 2, { viewers: 102 }]])
  expect(changes(100)).toEqual([
    [0, 3, null],
    [7, 3, { user: user('ada') }],
    [8, 1, { user: user('bob') }],
  ])
})

test.each<[string, string, string]>([
  ['no JSON', '{', 'bad_request'],
  ['an array', '[]', 'bad_request'],
  ['a number', '1', 'bad_request'],
  ['too large', JSON.stringify({ a: 'x'.repeat(100) }), 'too_large'],
])('a state that is %s is refused', (_what, state, code) => {
  const { presence, person } = start()
  expect(() => presence.receive(person('ada'), encodeAwareness([{ clientId: 7, clock: 1, state }]), 100)).toThrow(
    expect.objectContaining({ code }),
  )
})

test('who is on another node is told here like everybody else, and counts; a node that says nothing any more is forgotten', () => {
  const { presence, say, person, changes, everybody, pass } = start()
  say(person('ada'), [7, 1, { a: 1 }])
  changes()
  expect(presence.share(1)).toEqual({ viewers: 1, states: [[7, JSON.stringify({ a: 1, user: user('ada') })]] })
  expect(presence.share(1)).toBeNull()
  const bob = JSON.stringify({ b: 1, user: user('bob') })
  presence.takeShared('n2', {
    viewers: 1,
    states: [
      [9, bob],
      [7, bob],
    ],
  })
  // A client id that somebody has here stays his.
  expect(changes()).toEqual([[9, 1, JSON.parse(bob)]])
  expect(everybody()).toHaveLength(2)
  // What was heard from there is not told on.
  expect(presence.share(1)).toBeNull()
  say(person('eve'), [9, 5, { evil: 1 }])
  expect(changes()).toBeNull()
  presence.takeShared('n2', { viewers: 120, states: [[9, bob]] })
  expect(changes(1)?.at(-1)).toEqual([0, 1, { viewers: 121 }])
  presence.takeShared('n2', { viewers: 1, states: [[9, bob]] })
  changes(1)
  pass(26_000)
  expect(presence.share(1)).not.toBeNull()
  expect(changes(1)).toContainEqual([9, 4, null])
})
