/** How sockets end: each fault with its code, and nobody else's socket with it. */
import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import * as Y from 'yjs'
import { startRunnel, type StartedRunnel } from '../../testing/index.ts'
import { Client, until } from './sockets.ts'

let server: StartedRunnel
let neighbour: Client
beforeEach(async () => {
  server = await startRunnel()
  neighbour = new Client(ws('/ws'))
  await neighbour.send('{"type":"hello","v":1}')
  await neighbour.received(1)
})
afterEach(async () => {
  expect(neighbour.closed).toBeNull()
  await server.close()
})

const ws = (path: string) => server.url.replace(/^http/, 'ws') + path
const hello = '{"type":"hello","v":1}'

describe('/ws', () => {
  test.each<[string, (string | Uint8Array)[], number]>([
    ['no JSON', ['{'], 4400],
    ['no object', ['[]'], 4400],
    ['another first message than hello', ['{"type":"ping"}'], 4400],
    ['a binary first message', [Uint8Array.of(1, 1, 0)], 4400],
    ['another version', ['{"type":"hello","v":2}'], 4400],
    ['newer versions alone', ['{"type":"hello","v":2,"max":3}'], 4400],
    ['older versions alone', ['{"type":"hello","v":0,"max":0}'], 4400],
    ['a range that ends before it begins', ['{"type":"hello","v":1,"max":0}'], 4400],
    ['a newest version that is none', ['{"type":"hello","v":1,"max":"2"}'], 4400],
    ['a newest version of null', ['{"type":"hello","v":1,"max":null}'], 4400],
    ['hello twice', [hello, hello], 4400],
    ['an unknown type', [hello, '{"type":"write"}'], 4400],
    ['a wrong field', [hello, '{"type":"subscribe","docs":"all"}'], 4400],
    ['a state vector that is none', [hello, '{"type":"subscribe","docs":[{"doc":"chat_x","stateVector":"%%"}]}'], 4400],
    ['a frame larger than 1 MiB', [hello, JSON.stringify({ type: 'token', token: 'x'.repeat(1_048_576) })], 1009],
  ])('%s', async (_name, frames, code) => {
    const client = new Client(ws('/ws'))
    await client.send(...frames)
    expect((await client.close()).code).toBe(code)
  })

  test('a binary frame that ends too early', async () => {
    const client = new Client(ws('/ws'))
    await client.send(hello)
    await client.received(1)
    await client.send(Uint8Array.of(1, 9, 0))
    expect(await client.close()).toMatchObject({ code: 4400, reason: expect.stringMatching(/\.$/) })
  })

  test.each<[string, number[], number]>([
    ['a frame without a mask', [0x81, 0x01, 0x61], 1002],
    ['a reserved bit', [0xc1, 0x81, 0, 0, 0, 0, 0x61], 1002],
    ['text that is no UTF-8', [0x81, 0x81, 0, 0, 0, 0, 0xff], 1007],
  ])('%s', async (_name, bytes, code) => {
    const socket = connect(Number(new URL(server.url).port), '127.0.0.1')
    let received = Buffer.alloc(0)
    let ended = false
    socket
      .on('data', (data) => {
        received = Buffer.concat([received, data])
      })
      .on('error', () => {})
      .on('close', () => {
        ended = true
      })
    socket.write(
      'GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n',
    )
    await until(() => received.includes('\r\n\r\n'), 'the upgrade')
    received = Buffer.alloc(0)
    socket.write(Uint8Array.from(bytes))
    // 88: a close frame; its payload begins with the code.
    await until(() => received.length >= 4, 'the close frame')
    expect(received[0]).toBe(0x88)
    expect(received.readUInt16BE(2)).toBe(code)
    await until(() => ended, 'the end')
  })

  test('a document that is unknown is refused, and the socket lives on', async () => {
    const client = new Client(ws('/ws'))
    const ids = await server.ask('Hello')
    await client.send(
      hello,
      `{"type":"subscribe","docs":[{"doc":"msg_unknown0000"},{"doc":"${ids.userMessageId}"},{"doc":"${ids.chatId}"}]}`,
    )
    await until(
      () => client.frames.filter((frame) => /"(refused|subscribed)"/.test(frame)).length === 3,
      'three answers',
    )
    const refused = client.frames
      .flatMap((frame) => (frame.startsWith('{') ? [JSON.parse(frame)] : []))
      .filter(({ type }) => type === 'refused')
    expect(refused).toEqual([
      { type: 'refused', doc: 'msg_unknown0000', code: 'not_found', message: expect.any(String) },
      { type: 'refused', doc: ids.userMessageId, code: 'not_found', message: expect.any(String) },
    ])
    expect(client.closed).toBeNull()
  })
})

describe('/yjs', () => {
  test('Y5: an unknown document closes with 4403', async () => {
    const { userMessageId } = await server.ask('Hello')
    for (const id of ['msg_unknown0000', 'nonsense', userMessageId])
      expect((await new Client(ws(`/yjs/${id}`)).close()).code).toBe(4403)
  })

  test("Y3: a copy that is ahead in the server's client ids closes with 4409, one with a stranger's ids does not", async () => {
    const { chatId } = await server.ask('Hello')
    const copy = new Y.Doc()
    copy.clientID = 64
    copy.getMap('chat').set('title', 'From the future')
    for (let i = 0; i < 100; i++) copy.getMap('chat').set('id', i)
    const ahead = new Client(ws(`/yjs/${chatId}`))
    await ahead.send(Buffer.concat([Uint8Array.of(0, 0, Y.encodeStateVector(copy).length), Y.encodeStateVector(copy)]))
    expect((await ahead.close()).code).toBe(4409)
    const other = new Y.Doc()
    other.clientID = 2 ** 31
    other.getMap('own').set('a', 1)
    const stranger = new Client(ws(`/yjs/${chatId}`))
    await stranger.send(
      Buffer.concat([Uint8Array.of(0, 0, Y.encodeStateVector(other).length), Y.encodeStateVector(other)]),
    )
    expect((await stranger.received(1))[0]).toMatch(/^0001/)
    expect(stranger.closed).toBeNull()
  })

  test('P7: a write is answered with permission denied and touches nothing; awareness and an empty step 2 are ignored', async () => {
    const { chatId } = await server.ask('Hello')
    const client = new Client(ws(`/yjs/${chatId}`))
    const doc = new Y.Doc()
    doc.getMap('chat').set('title', 'Mine')
    const update = Y.encodeStateAsUpdate(doc)
    await client.send(
      Uint8Array.of(0, 1, 2, 0, 0),
      Uint8Array.of(1, 1, 0),
      Buffer.concat([Uint8Array.of(0, 2, update.length), update]),
      Buffer.concat([Uint8Array.of(0, 1, update.length), update]),
    )
    // 02 00: permission denied; then the length of the reason, 23, and the reason.
    const denied = `020017${Buffer.from('Only the server writes.').toString('hex')}`
    expect(await client.received(2)).toEqual([denied, denied])
    expect((await server.call('GET', `/api/chats/${chatId}`)).body.title).toBe('New chat')
  })

  test.each<[string, string | Uint8Array]>([
    ['a text frame', '{}'],
    ['an empty frame', new Uint8Array(0)],
    ['an unknown type', Uint8Array.of(9)],
    ['a frame that ends too early', Uint8Array.of(0, 2, 5, 1)],
  ])('%s closes with 4400', async (_name, frame) => {
    const { chatId } = await server.ask('Hello')
    const client = new Client(ws(`/yjs/${chatId}`))
    await client.send(frame)
    expect((await client.close()).code).toBe(4400)
  })
})

test('a server that goes closes every socket with 1012, and those that do not listen within a second', async () => {
  const own = await startRunnel()
  const url = own.url.replace(/^http/, 'ws')
  const { chatId } = await own.ask('Hello')
  const clients = [new Client(`${url}/ws`), new Client(`${url}/yjs/${chatId}`), new Client(`${url}/ws`)]
  await clients[0]!.send(hello)
  await clients[1]!.send(Uint8Array.of(0, 0, 1, 0))
  await Promise.all(clients.slice(0, 2).map((client) => client.received(1)))
  await clients[2]!.send(hello)
  await clients[2]!.received(1)
  clients[2]!.socket.pause()
  const at = performance.now()
  await Promise.all([own.close(), own.close()])
  expect(performance.now() - at).toBeLessThan(3_000)
  expect(await clients[0]!.close()).toEqual({ code: 1012, reason: expect.stringContaining('restarts') })
  expect((await clients[1]!.close()).code).toBe(1012)
  clients[2]!.socket.resume()
  await clients[2]!.close()
  await expect(fetch(own.url)).rejects.toThrow()
})
