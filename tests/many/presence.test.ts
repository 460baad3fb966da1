/** Who is in a chat, what is in lists, who may read: told on one node, true on all. */
import { expect, onTestFinished, test } from 'vitest'
import { connect, type ChatEvent, type Client } from '../../client/index.ts'
import { Presence } from '../../server/room/presence.ts'
import {
  decodeAwareness,
  decodeStock,
  encodeAwareness,
  encodeControl,
  type AwarenessEntry,
} from '../../shared/protocol.ts'
import { SseReader } from '../../testing/sse-reader.ts'
import { Collector, type StartedRunnel } from '../../testing/index.ts'
import { Person, secret, tokenOf } from '../http/people.ts'
import { closeAfterwards } from '../http/server.ts'
import { until } from '../socket/sockets.ts'
import { balance } from './balancer.ts'
import { newWorld, usePostgres } from './nodes.ts'

usePostgres()

async function startPeople() {
  const world = await newWorld({ settings: { RUNNEL_AUTH_SECRET: secret } })
  const [a, b] = await Promise.all([world.node(), world.node()])
  const [adaToken, bobToken] = [await tokenOf('ada', { name: 'Ada' }), await tokenOf('bob', { name: 'Bob' })]
  const ada = new Person(a, adaToken)
  const bob = new Person(b, bobToken)
  const { id: chatId } = (await ada.call('POST', '/api/chats', { title: 'Tides' })).body
  await ada.call('POST', `/api/chats/${chatId}/members`, { userId: 'bob', name: 'Bob', role: 'viewer' })
  return { ...world, a, b, ada, bob, chatId: chatId as string }
}

function open({ token }: Person, server: { url: string }): Client {
  const client = connect({ url: server.url, token })
  closeAfterwards(() => client.close())
  return client
}

function present(client: Client, chatId: string, state: object | null) {
  const chat = client.chat(chatId)
  onTestFinished(chat.subscribe(() => {}))
  chat.setPresence(state as never)
  return {
    chat,
    names: () =>
      chat
        .getSnapshot()
        .presence.map(({ user }) => user.name)
        .sort(),
  }
}

test(
  'names are on every node, above a hundred only their number, and they are gone with their sockets',
  { timeout: 30_000 },
  async () => {
    const { a, b, ada, bob, chatId } = await startPeople()
    const [clientA, clientB] = [open(ada, a), open(bob, b)]
    const here = present(clientA, chatId, { typing: true })
    const there = present(clientB, chatId, { reading: 1 })
    await until(() => here.names()[0] === 'Bob' && there.names()[0] === 'Ada', 'the names')
    expect(there.chat.getSnapshot().presence).toEqual([{ typing: true, user: { id: 'ada', name: 'Ada' } }])
    here.chat.setPresence({ typing: false })
    await until(() => there.chat.getSnapshot().presence[0]?.['typing'] === false, 'the change')

    // Fifty on A and sixty on B: too many for either of them, though neither has a hundred.
    const crowd = [
      ...Array.from({ length: 50 }, () => [a, ada] as const),
      ...Array.from({ length: 60 }, () => [b, bob] as const),
    ].map(([node, person]) => new Collector(node.url, { token: person.token! }))
    for (const viewer of crowd) onTestFinished(() => viewer.close())
    for (const viewer of crowd) await viewer.follow(chatId)
    await until(
      () =>
        [here, there].every(
          ({ chat }) => chat.getSnapshot().viewers === 112 && chat.getSnapshot().presence.length === 0,
        ),
      'the number',
      15_000,
    )
    await Promise.all(crowd.slice(0, 30).map((viewer) => viewer.close()))
    await until(
      () => here.chat.getSnapshot().viewers === null && here.names()[0] === 'Bob' && there.names()[0] === 'Ada',
      'the names again',
      15_000,
    )

    const at = Date.now()
    await clientB.close()
    await until(() => here.names().length === 0, 'nobody')
    const took = Date.now() - at
    console.log(`gone on the other node after ${took} ms`)
    // Each node tells once a second.
    expect(took).toBeLessThan(3_000)
  },
)

test(
  'one who changes nodes under the same client id is there all the time, also when his node closes',
  { timeout: 30_000 },
  async () => {
    const { node, a, b, ada, bob, chatId } = await startPeople()
    const c = await node()
    const door = await balance(a)
    const watches = [present(open(bob, b), chatId, null), present(open(bob, c), chatId, null)]
    const moving = open(ada, door)
    const mine = present(moving, chatId, { here: 1 })
    await until(() => watches.every((watch) => watch.names()[0] === 'Ada'), 'the name')
    door.nodes = [b]
    let seen = 0
    const gone: string[] = []
    for (const [i, watch] of watches.entries())
      onTestFinished(
        watch.chat.subscribe(() => {
          seen += 1
          if (watch.names().length === 0) gone.push(`from watcher ${i}`)
        }),
      )
    await a.close()
    await until(() => moving.connection.getSnapshot().status === 'open', 'the return')
    mine.chat.setPresence({ here: 2 })
    await until(() => watches.every((watch) => watch.chat.getSnapshot().presence[0]?.['here'] === 2), 'the new state')
    door.nodes = [c]
    await b.close()
    await until(() => watches[1]!.chat.getSnapshot().presence[0]?.['here'] === 2, 'the state on the last node')
    // What was said at his return, by itself.
    await until(() => moving.connection.getSnapshot().status === 'open', 'the second return')
    const other = present(open(bob, c), chatId, null)
    await until(() => other.names()[0] === 'Ada', 'a newcomer')
    expect(seen).toBeGreaterThan(0)
  },
)

test('a node that closes says that nobody is there any more', async () => {
  const { a, b, ada, bob, chatId } = await startPeople()
  const there = present(open(bob, b), chatId, null)
  present(open(ada, a), chatId, { here: 1 })
  await until(() => there.names()[0] === 'Ada', 'the name')
  await a.close()
  await until(() => there.names().length === 0, 'nobody', 3_000)
})

/** Presence of three nodes, joined by hand, under a clock of the test. */
function threeNodes() {
  let time = 0
  const now = () => time
  const nodes = ['a', 'b', 'c'].map((name) => ({
    name,
    presence: new Presence(now),
    viewers: 0,
    live: true,
    known: new Map<number, AwarenessEntry>(),
  }))
  const pass = (ms: number, hears: (from: string, to: string) => boolean = () => true) => {
    time += ms
    const told = nodes.filter(({ live }) => live).map((node) => ({ node, shared: node.presence.share(node.viewers) }))
    for (const { node: from, shared } of told) {
      for (const to of nodes)
        if (shared && to !== from && to.live && hears(from.name, to.name))
          to.presence.takeShared(from.name, JSON.parse(JSON.stringify(shared)))
    }
    for (const { presence, viewers, known } of nodes) {
      const message = presence.changes(viewers)
      const stock = message && decodeStock(message)
      if (stock?.type !== 'awareness') continue
      for (const entry of decodeAwareness(stock.update))
        if (entry.clock > (known.get(entry.clientId)?.clock ?? -1)) known.set(entry.clientId, entry)
    }
  }
  const names = (i: number) =>
    [...nodes[i]!.known.values()]
      .filter(({ state }) => state !== 'null')
      .map(({ state }) => JSON.parse(state).user.name as string)
      .sort()
  return { nodes, pass, names }
}

const says = (clientId: number, clock: number, state: object | null) =>
  encodeAwareness([{ clientId, clock, state: JSON.stringify(state) }])
const participant = (name: string) => ({ user: { id: name.toLowerCase(), name } })

test('a node that is dead is forgotten with all who were there, within 30 s', () => {
  const {
    nodes: [a, b],
    pass,
    names,
  } = threeNodes()
  a!.presence.receive(participant('Ada'), says(7, 1, {}), 1_000)
  b!.presence.receive(participant('Bob'), says(8, 1, {}), 1_000)
  a!.viewers = b!.viewers = 1
  for (let i = 0; i < 60; i++) pass(1_000)
  expect([names(0), names(1)]).toEqual([
    ['Ada', 'Bob'],
    ['Ada', 'Bob'],
  ])
  a!.live = false
  let seconds = 0
  while (names(1).includes('Ada') && seconds < 60) {
    pass(1_000)
    seconds += 1
  }
  expect(seconds).toBeGreaterThan(10)
  expect(seconds).toBeLessThanOrEqual(30)
  expect(names(1)).toEqual(['Bob'])
})

test('who comes to another node before his old socket is known to be gone is neither refused there nor lost with the old one', () => {
  const {
    nodes: [a, b, c],
    pass,
    names,
  } = threeNodes()
  const old = participant('Ada')
  a!.presence.receive(old, says(7, 1, { at: 1 }), 1_000)
  a!.viewers = 1
  c!.viewers = 1
  pass(1_000)
  b!.presence.receive(participant('Ada'), says(7, 2, { at: 2 }), 1_000)
  b!.viewers = 1
  // Nobody else takes the id.
  b!.presence.receive(participant('Bob'), says(7, 9, { at: 9 }), 1_000)
  pass(1_000)
  expect([names(1), names(2)]).toEqual([['Ada'], ['Ada']])
  expect(JSON.parse(c!.known.get(7)!.state)).toEqual({ at: 2, user: { id: 'ada', name: 'Ada' } })
  const at = (i: number) => JSON.parse([a, b, c][i]!.known.get(7)!.state).at as number
  // The old node only repeats what it said; one that comes now may hear it last.
  a!.presence.shareAgain()
  pass(1_000)
  expect([at(1), at(2)]).toEqual([2, 2])
  const newcomer = new Presence(() => 0)
  for (const [node, i] of [
    ['b', 2],
    ['a', 1],
  ] as const)
    newcomer.takeShared(node, {
      viewers: 1,
      states: [[7, JSON.stringify({ at: i, user: { id: 'ada', name: 'Ada' } })]],
    })
  newcomer.takeShared('a', { viewers: 0, states: [] })
  const told = decodeStock(newcomer.everybody()!)
  expect(told.type === 'awareness' && decodeAwareness(told.update).map(({ state }) => JSON.parse(state).at)).toEqual([
    2,
  ])
  a!.presence.leave(old)
  a!.viewers = 0
  for (let i = 0; i < 5; i++) {
    pass(1_000)
    expect([names(1), names(2)]).toEqual([['Ada'], ['Ada']])
  }
})

test('the list of chats is live on every node', async () => {
  const { a, b, ada, bob, chatId, fake } = await startPeople()
  const [events, others]: [ChatEvent[], ChatEvent[]] = [[], []]
  const watching = [
    [open(ada, b), events],
    [open(bob, a), others],
  ] as const
  for (const [client, list] of watching) {
    onTestFinished(client.onChatEvent((event) => list.push(event)))
    await until(() => client.connection.getSnapshot().status === 'open', 'the socket')
  }
  const stream = fake.manual()
  const { messageId } = await ada.ask('Why?', chatId)
  await stream.request
  stream.send('So.')
  stream.end()
  await until(
    () =>
      events.some((event) => event.event === 'status' && event.messageId === messageId && event.status === 'completed'),
    'the end of the run',
  )
  await ada.call('PATCH', `/api/chats/${chatId}`, { title: 'Ebb' })
  const { id: second } = (await ada.call('POST', '/api/chats', { title: 'Second' })).body
  await until(
    () => events.some(({ chatId: id }) => id === second) && others.some(({ event }) => event === 'renamed'),
    'the news',
  )
  await ada.call('DELETE', `/api/chats/${chatId}`)
  await until(
    () => [events, others].every((list) => list.some(({ event, chatId: id }) => event === 'deleted' && id === chatId)),
    'the deletion',
  )
  // Bob is no member of the second.
  expect(others.some(({ chatId: id }) => id === second)).toBe(false)
})

test('a role, a removal and a revoked invite hold on the other node within a second', async () => {
  const { b, ada, bob, chatId, fake } = await startPeople()
  const stream = fake.manual()
  const { messageId } = await ada.ask('Why?', chatId)
  await stream.request
  stream.send('Secret')
  const viewer = bob.view()
  const [chat, message] = await viewer.follow(chatId, messageId)
  await viewer.until(() => message!.text === 'Secret' && chat!.subscribed !== null, 'the text')
  const stock = bob.open(chatId)
  stock.socket.once('open', () => stock.socket.send(Uint8Array.of(0, 0, 1, 0)))
  const reader = new SseReader(b.url, messageId, { token: bob.token! })
  onTestFinished(() => reader.close())
  await reader.until(() => reader.events.length > 0, 'the snapshot')
  await until(() => stock.frames.length > 0, 'the stock client')

  let at = performance.now()
  await ada.call('POST', `/api/chats/${chatId}/members`, { userId: 'bob', name: 'Bob', role: 'editor' })
  await viewer.until(() => viewer.control.some((control) => control.type === 'role'), 'the role', 1_000)
  const role = performance.now() - at
  expect((await bob.call('POST', `/api/messages/${messageId}/continue`, {})).body.error.code).toBe('busy')

  const invite = (await ada.call('POST', `/api/chats/${chatId}/invites`, { role: 'viewer' })).body
  const guest = new Person(b, invite.token)
  const guests = guest.view()
  const [shown] = await guests.follow(messageId)
  await guests.until(() => shown!.text === 'Secret', 'the text of the guest')
  at = performance.now()
  await ada.call('DELETE', `/api/chats/${chatId}/invites/${invite.id}`)
  await guests.until(() => shown!.refused !== null || guests.closed !== null, 'the end of the invite', 1_000)
  const revoked = performance.now() - at

  at = performance.now()
  expect((await ada.call('DELETE', `/api/chats/${chatId}/members/bob`)).status).toBe(204)
  await viewer.until(
    () => chat!.refused?.code === 'not_found' && message!.refused?.code === 'not_found',
    'the refusals',
    1_000,
  )
  await until(() => stock.closed?.code === 4403 && reader.closed, 'the other two', 1_000)
  const removed = performance.now() - at
  console.log(
    `on the other node: role ${Math.round(role)} ms, invite ${Math.round(revoked)} ms, removal ${Math.round(removed)} ms`,
  )
  const had = message!.bytes
  stream.send(' and more')
  stream.end()
  await new Person(b, ada.token!).view().toEnd(messageId)
  // This node has shown the end to whoever may see it: what it sends to Bob now comes behind that.
  const pongs = () => viewer.control.filter(({ type }) => type === 'pong').length
  const before = pongs()
  await viewer.send(encodeControl({ type: 'ping' }))
  await viewer.until(() => pongs() > before, 'the pong')
  expect([message!.bytes, reader.text.includes('more'), shown!.text]).toEqual([had, false, 'Secret'])
  expect((await bob.call('GET', `/api/messages/${messageId}`)).status).toBe(404)
})

test('a reader of events on a node that follows gets deltas and the end, and goes on on another node', async () => {
  const { node, ada, b, chatId, fake } = await startPeople()
  const c = await node()
  const stream = fake.manual()
  const { messageId } = await ada.ask('Why?', chatId)
  await stream.request
  const token = ada.token!
  const read = (server: StartedRunnel, options: object = {}) => {
    const reader = new SseReader(server.url, messageId, { token, ...options })
    onTestFinished(() => reader.close())
    return reader
  }
  const textOf = (reader: SseReader) =>
    reader.message?.output.map((block) => ('text' in block ? block.text : '')).join('') ?? ''
  const stays = read(b)
  await stays.until(() => stays.events.length > 0, 'the snapshot')
  stream.send('The moon 🌙')
  await stays.until(() => textOf(stays) === 'The moon 🌙', 'the first words')
  const moves = read(b)
  await moves.until(() => textOf(moves) === 'The moon 🌙', 'the snapshot')
  moves.close()
  stream.send(' pulls')
  await stays.until(() => textOf(stays).endsWith('pulls'), 'the next words')
  const moved = read(c, { lastEventId: moves.lastId, message: moves.message })
  await moved.until(() => textOf(moved) === 'The moon 🌙 pulls', 'what it lacked')
  stream.send(' the sea.')
  stream.end()
  await Promise.all([stays.toEnd(), moved.toEnd()])
  const { body } = await ada.call('GET', `/api/messages/${messageId}`)
  expect(body.status).toBe('completed')
  expect([stays.message, moved.message]).toEqual([body, body])
  expect([stays.ended, moved.ended]).toEqual([true, true])
  expect(stays.events.filter(({ event }) => event.type === 'delta').length).toBeGreaterThanOrEqual(2)
  expect(moved.events.some(({ event }) => event.type === 'snapshot')).toBe(false)
  // Nobody is left who has not heard the end.
  const late = await read(b, { lastEventId: moved.lastId }).toEnd()
  expect(late.status).toBe(204)
})
