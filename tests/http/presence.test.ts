/** W19–W21 and the live list of chats, over real sockets: the client library, stock providers, everybody's own tabs. */
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { connect, type ChatEvent, type Client } from '../../client/index.ts'
import { encodeAwareness, encodeStock } from '../../shared/protocol.ts'
import { until } from '../socket/sockets.ts'
import { startWithPeople, type Person } from './people.ts'
import { closeAfterwards } from './server.ts'

function open(person: Person): Client {
  const client = connect({ url: person.server.url, token: person.token })
  closeAfterwards(() => client.close())
  return client
}

function openStock(person: Person, id: string): { doc: Y.Doc; provider: WebsocketProvider; states: () => object[] } {
  const doc = new Y.Doc()
  const provider = new WebsocketProvider(`${person.server.url.replace(/^http/, 'ws')}/yjs`, id, doc, {
    disableBc: true,
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    params: { token: person.token! },
  })
  closeAfterwards(async () => {
    provider.destroy()
    doc.destroy()
  })
  return {
    doc,
    provider,
    states: () => [...provider.awareness.getStates()].filter(([id]) => id !== doc.clientID).map(([, state]) => state),
  }
}

async function startShared() {
  const started = await startWithPeople()
  const [ada, bob, eve] = await Promise.all([
    started.person('ada', { name: 'Ada' }),
    started.person('bob', { name: 'Bob' }),
    started.person('eve'),
  ])
  const ids = await ada!.ask('Hello')
  // Its end would be news, too.
  await ada!.view().toEnd(ids.messageId)
  await ada!.call('POST', `/api/chats/${ids.chatId}/members`, { userId: 'bob', name: 'Bob', role: 'viewer' })
  return { ...started, ada: ada!, bob: bob!, eve: eve!, ...ids }
}

test('those in a chat see each other, with the library and with stock providers, until the socket is gone', async () => {
  const { ada, bob, chatId, messageId } = await startShared()
  const [first, second] = [open(ada).chat(chatId), open(bob).chat(chatId)]
  first.setPresence({ typing: true })
  onTestFinished(first.subscribe(() => {}))
  onTestFinished(second.subscribe(() => {}))
  await until(() => second.getSnapshot().presence.length === 1, 'the other')
  expect(second.getSnapshot().presence).toEqual([{ typing: true, user: { id: 'ada', name: 'Ada' } }])
  expect(first.getSnapshot().presence).toEqual([])
  const stock = openStock(bob, chatId)
  stock.provider.awareness.setLocalState({ user: { id: 'ada', name: 'Root' }, here: 1 })
  await until(() => first.getSnapshot().presence.length === 1 && stock.states().length === 1, 'the stock client')
  expect(first.getSnapshot().presence).toEqual([{ here: 1, user: { id: 'bob', name: 'Bob' } }])
  expect(stock.states()).toEqual([{ typing: true, user: { id: 'ada', name: 'Ada' } }])
  // The same object until something changes.
  expect(first.getSnapshot()).toBe(first.getSnapshot())
  first.setPresence({ typing: false })
  await until(() => second.getSnapshot().presence.some(({ typing }) => typing === false), 'the change')
  // On a message's document there is no presence.
  const [a, b] = [openStock(ada, messageId), openStock(bob, messageId)]
  a.provider.awareness.setLocalState({ here: 2 })
  await until(() => a.provider.synced && b.provider.synced, 'both synced')
  stock.provider.destroy()
  await until(() => first.getSnapshot().presence.length === 0, 'its end')
  expect(b.states()).toEqual([])
  first.setPresence(null)
  await until(() => second.getSnapshot().presence.length === 0, 'nobody')
})

test('nobody speaks under the client id of another, neither first nor beside its own', async () => {
  const { ada, bob, chatId } = await startShared()
  const watching = open(bob).chat(chatId)
  onTestFinished(watching.subscribe(() => {}))
  const adas = openStock(ada, chatId)
  adas.provider.awareness.setLocalState({ here: 1 })
  await until(() => watching.getSnapshot().presence.length === 1, 'ada')
  const raw = bob.open(chatId)
  const say = (...entries: [clientId: number, clock: number, state: unknown][]) =>
    raw.send(
      encodeStock({
        type: 'awareness',
        update: encodeAwareness(
          entries.map(([clientId, clock, state]) => ({ clientId, clock, state: JSON.stringify(state) })),
        ),
      }),
    )
  await raw.send(Uint8Array.of(0, 0, 1, 0))
  await raw.received(1)
  const seen: unknown[] = []
  onTestFinished(watching.subscribe(() => seen.push(...watching.getSnapshot().presence)))
  const hers = adas.doc.clientID
  const own = hers === 1 ? 2 : 1
  // First, then beside its own: each in its turn would be told within a second, before what follows.
  for (const [clock, here] of [
    [1, 2],
    [2, 3],
  ] as const) {
    await say([hers, 1_000 + clock, { stolen: clock }])
    await say([hers, 1_000 + clock, null])
    await say([own, clock, { here }])
    await say([hers, 2_000 + clock, { stolen: clock }], [own, clock + 10, { here }])
    await until(() => watching.getSnapshot().presence.some((state) => state['here'] === here), `state ${here}`)
    expect(watching.getSnapshot().presence.toSorted((a, b) => Number(a['here']) - Number(b['here']))).toEqual([
      { here: 1, user: { id: 'ada', name: 'Ada' } },
      { here, user: { id: 'bob', name: 'Bob' } },
    ])
  }
  expect(seen.filter((state) => JSON.stringify(state).includes('stolen'))).toEqual([])
  // Hers when he is gone, too.
  raw.socket.terminate()
  await until(() => watching.getSnapshot().presence.length === 1, 'his end')
  expect(watching.getSnapshot().presence).toEqual([{ here: 1, user: { id: 'ada', name: 'Ada' } }])
})

test('of 101 viewers only the number is told, on both endpoints; of 100 everybody is named', async () => {
  const { ada, bob, chatId } = await startShared()
  const [watching, mine] = [open(bob).chat(chatId), open(ada).chat(chatId)]
  mine.setPresence({ here: 1 })
  onTestFinished(watching.subscribe(() => {}))
  onTestFinished(mine.subscribe(() => {}))
  const stock = openStock(bob, chatId)
  stock.provider.awareness.setLocalState({ here: 2 })
  const raw = Array.from({ length: 97 }, () => ada.open(chatId))
  for (const client of raw) await client.send(Uint8Array.of(0, 0, 1, 0))
  await Promise.all(raw.map((client) => client.received(1)))
  await until(() => watching.getSnapshot().presence.length === 2, 'two names')
  expect(watching.getSnapshot().viewers).toBeNull()
  const last = ada.open(chatId)
  await last.send(Uint8Array.of(0, 0, 1, 0))
  await until(() => watching.getSnapshot().viewers === 101, 'the number')
  expect([watching, mine].map((chat) => [chat.getSnapshot().presence, chat.getSnapshot().viewers])).toEqual([
    [[], 101],
    [[], 101],
  ])
  await until(() => stock.states().some((state) => 'viewers' in state), 'the number at the stock client')
  expect(stock.states()).toEqual([{ viewers: 101 }])
  last.socket.terminate()
  await until(
    () =>
      watching.getSnapshot().presence.length === 2 && stock.states().length === 1 && !('viewers' in stock.states()[0]!),
    'the names',
  )
  expect(watching.getSnapshot().viewers).toBeNull()
  expect(stock.states()).toEqual([{ here: 1, user: { id: 'ada', name: 'Ada' } }])
})

test('presence is said again after a reconnect, and those who left meanwhile are gone', async () => {
  const { ada, bob, chatId } = await startShared()
  const sockets: globalThis.WebSocket[] = []
  const Noting = class extends globalThis.WebSocket {
    constructor(url: string) {
      super(url)
      sockets.push(this)
    }
  }
  const client = connect({
    url: ada.server.url,
    token: ada.token,
    WebSocket: Noting as unknown as typeof globalThis.WebSocket,
  })
  closeAfterwards(() => client.close())
  const [first, second, third] = [client.chat(chatId), open(bob).chat(chatId), open(bob).chat(chatId)]
  first.setPresence({ a: 1 })
  second.setPresence({ b: 1 })
  third.setPresence({ c: 1 })
  onTestFinished(first.subscribe(() => {}))
  onTestFinished(second.subscribe(() => {}))
  const leave = third.subscribe(() => {})
  await until(() => [first, second, third].every((chat) => chat.getSnapshot().presence.length === 2), 'all three')
  sockets[0]!.close(3000)
  leave()
  await until(
    () =>
      sockets.length === 2 && first.getSnapshot().presence.length === 1 && second.getSnapshot().presence.length === 1,
    'the return',
  )
  expect(first.getSnapshot().presence).toMatchObject([{ b: 1 }])
  expect(second.getSnapshot().presence).toMatchObject([{ a: 1 }])
})

test('what happens to a chat is told to every connection of every member, and to nobody else', async () => {
  const { ada, bob, eve, chatId, fake } = await startShared()
  const tabs = [ada, ada, bob, eve].map((person) => {
    const client = open(person)
    const events: ChatEvent[] = []
    client.onChatEvent((event) => events.push(event))
    return { client, events }
  })
  await until(() => tabs.every(({ client }) => client.connection.getSnapshot().status === 'open'), 'all tabs')
  const [one, two, member, stranger] = tabs.map(({ events }) => events) as [
    ChatEvent[],
    ChatEvent[],
    ChatEvent[],
    ChatEvent[],
  ]
  await ada.call('PATCH', `/api/chats/${chatId}`, { title: 'Tides' })
  const stream = fake.manual()
  await until(() => one.length === 1, 'the new title')
  const { messageId } = await ada.ask('And now?', chatId)
  await until(() => one.length === 2, 'the beginning')
  stream.end()
  await until(() => one.length === 3, 'the end')
  await ada.call('DELETE', `/api/chats/${chatId}/members/bob`)
  const own = (await ada.call('POST', '/api/chats', { title: 'Mine' })).body.id as string
  await ada.call('POST', `/api/chats/${own}/members`, { userId: 'eve', role: 'viewer' })
  await ada.call('DELETE', `/api/chats/${chatId}`)
  await until(() => one.length === 5 && two.length === 5 && member.length === 4 && stranger.length === 1, 'all of it')
  const seen: ChatEvent[] = [
    { event: 'renamed', chatId, title: 'Tides' },
    { event: 'status', chatId, messageId, status: expect.any(String) as never },
    { event: 'status', chatId, messageId, status: 'completed' },
  ]
  expect(one).toEqual([...seen, { event: 'created', chatId: own, title: 'Mine' }, { event: 'deleted', chatId }])
  expect(two).toEqual(one)
  // To bob it is gone when he is; to eve it is new when she comes.
  expect(member).toEqual([...seen, { event: 'deleted', chatId }])
  expect(stranger).toEqual([{ event: 'created', chatId: own, title: 'Mine' }])
})
