/** Heartbeats and deadlines, on real sockets and a clock of the test's own. */
import { expect, test } from 'vitest'
import { Client, chatId, startSockets, until } from './sockets.ts'

const hello = '{"type":"hello","v":1}'
const connections = (sockets: Iterable<unknown>) => [...sockets].length

test('W2: a client that speaks newer versions as well is served with the one that both speak', async () => {
  const { url } = await startSockets()
  for (const versions of ['"v":1', '"v":1,"max":1', '"v":1,"max":2', '"v":0,"max":9007199254740991']) {
    const client = new Client(`${url}/ws`)
    await client.send(`{"type":"hello",${versions}}`)
    const [welcome] = await client.received(1)
    expect(JSON.parse(welcome!), versions).toMatchObject({ type: 'welcome', v: 1 })
  }
})

test('W2: a socket without hello is closed with 4400 after 10 s', async () => {
  const { url, sockets, pass } = await startSockets()
  const [silent, polite] = [new Client(`${url}/ws`), new Client(`${url}/ws`)]
  await polite.send(hello)
  await polite.received(1)
  await until(() => connections(sockets.connections) === 2, 'both connections')
  pass(9_999)
  expect(connections(sockets.connections)).toBe(2)
  pass(1)
  expect(await silent.close()).toEqual({ code: 4400, reason: 'The first message must be hello, within 10000 ms.' })
  expect(polite.closed).toBeNull()
})

test('W16: the server pings every heartbeat, says pong where it has been silent, and keeps who answers', async () => {
  const { url, sockets, pass } = await startSockets()
  const client = new Client(`${url}/ws`)
  await client.send(hello)
  expect(JSON.parse((await client.received(1))[0]!)).toEqual({
    type: 'welcome',
    v: 1,
    user: { id: 'local', name: 'You' },
    heartbeatMs: 15_000,
  })
  for (let beat = 1; beat <= 4; beat++) {
    pass(15_000)
    expect((await client.received(1 + beat)).at(-1)).toBe('{"type":"pong"}')
    await until(() => client.pings === beat, 'a ping')
    await client.send('{"type":"ping"}')
    // Its pong, or the ping that it sent: the server has heard of it.
    client.frames.pop()
    await client.received(1 + beat)
  }
  expect(connections(sockets.connections)).toBe(1)
  expect(client.closed).toBeNull()
})

test('W16: pongs alone keep a viewer, and one that answers nothing is gone after the time-out', async () => {
  const { url, sockets, pass } = await startSockets()
  const alive = new Client(`${url}/ws`)
  const dead = new Client(`${url}/ws`, { autoPong: false })
  for (const client of [alive, dead]) {
    await client.send(hello)
    await client.received(1)
  }
  pass(15_000)
  await until(() => alive.pings === 1 && dead.pings === 1, 'the pings')
  // The pong of the other is on its way by now: wait until one more exchange is through.
  await alive.send('{"type":"ping"}')
  await alive.received(3)
  pass(4_999)
  expect(connections(sockets.connections)).toBe(2)
  pass(1)
  expect((await dead.close()).code).toBe(1006)
  await until(() => connections(sockets.connections) === 1, 'one connection')
  expect(alive.closed).toBeNull()
})

test('W16: ping is answered with pong', async () => {
  const { url } = await startSockets()
  const client = new Client(`${url}/ws`)
  await client.send(hello, '{"type":"ping"}')
  expect((await client.received(2)).slice().sort().at(0)).toBe('{"type":"pong"}')
})

test('Y4: a silent /yjs socket gets 01 01 00 every 10 s, one with traffic does not', async () => {
  // The clock runs past the time-out faster than a pong can come.
  const { url, pass, rename } = await startSockets(undefined, { heartbeatTimeoutMs: 120_000 })
  const client = new Client(`${url}/yjs/${chatId}`)
  // Sync step 1 with an empty state vector; the answer is a sync step 2 without structs or deletions.
  await client.send(Uint8Array.of(0, 0, 1, 0))
  expect(await client.received(1)).toEqual(['0001020000'])
  pass(9_999)
  expect(client.frames).toHaveLength(1)
  pass(1)
  expect(await client.received(2)).toEqual(['0001020000', '010100'])
  pass(9_000)
  await rename('Renamed')
  expect((await client.received(3))[2]).toMatch(/^0002/)
  pass(1_000)
  pass(8_999)
  expect(client.frames).toHaveLength(3)
  pass(1)
  expect((await client.received(4))[3]).toBe('010100')
})

test('W12: a checkpoint follows a join with the next sweep, and one comes after 5 s of silence, once', async () => {
  const { url, pass, rename } = await startSockets()
  const client = new Client(`${url}/ws`)
  await client.send(hello, `{"type":"subscribe","docs":[{"doc":"${chatId}"}]}`)
  await client.received(3)
  const checkpoints = () => client.frames.filter((frame) => frame.startsWith('{"type":"checkpoint"')).length
  pass(1_000)
  await until(() => checkpoints() === 1, 'the first checkpoint')
  await rename('Renamed')
  await client.received(5)
  pass(4_999)
  expect(checkpoints()).toBe(1)
  pass(1)
  await until(() => checkpoints() === 2, 'the second checkpoint')
  pass(60_000)
  await client.send('{"type":"ping"}')
  expect(checkpoints()).toBe(2)
})

test('a client that does not answer the closing handshake is destroyed a second later', async () => {
  const { url, sockets, pass } = await startSockets()
  const client = new Client(`${url}/ws`)
  await client.send(hello)
  await client.received(1)
  client.socket.pause()
  await client.send('{"type":"nonsense"}')
  const [connection] = sockets.connections
  await until(() => connection!.session.closed, 'the server to close')
  pass(999)
  expect(connections(sockets.connections)).toBe(1)
  pass(1)
  await until(() => connections(sockets.connections) === 0, 'the end of the socket')
})
