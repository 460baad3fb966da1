import { connect as connectTcp } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { afterEach, expect, test, vi } from 'vitest'
import { connect } from '../../client/index.ts'
import { digestOf } from '../../shared/digest.ts'
import { decodeServerControl, encodeChannelMessage, encodeControl, encodeStock } from '../../shared/protocol.ts'
import { messageMap, outputArray, readMessage, type Message } from '../../shared/schema.ts'
import { Room } from '../../server/room/room.ts'
import { Collector } from '../../testing/collector.ts'
import { startRunnel } from '../../testing/runnel.ts'
import { hostileConversation, type Target } from '../fuzz/hostile.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'
import { clientFrame, RawSocket } from '../fuzz/raw-socket.ts'
import { Script } from '../fuzz/script.ts'
import { longVarUint, numberPlaces, type Place } from '../fuzz/var-uints.ts'

const open: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** What may stay after that many hostile frames: 8 MiB of heap, the size of the test's own noise. */
const keptBytes = 8 * 1024 * 1024

function heapAfterGc(): number {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  collect()
  collect()
  return process.memoryUsage().heapUsed
}

async function until(condition: () => boolean | Promise<boolean>, what: string, deadlineMs = 10_000): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

function openStock(url: string, id: string, doc: Y.Doc): WebsocketProvider {
  const provider = new WebsocketProvider(`${url.replace('http', 'ws')}/yjs`, id, doc, { disableBc: true })
  open.push(() => {
    provider.destroy()
    // Its awareness has a timer that only the document's end stops.
    doc.destroy()
  })
  return provider
}

function synced(provider: WebsocketProvider): Promise<unknown> {
  return new Promise((resolve) => {
    provider.once('sync', resolve)
  })
}

/** A running answer with a viewer of each kind, who must notice nothing of what others do. */
async function startWatched() {
  const script = new Script()
  const server = await startRunnel({ provider: script.provider, RUNNEL_FLUSH_MS: 5 })
  open.push(() => server.close())
  const { messageId, chatId } = await server.ask('go on')
  script.text('a', 'begin')

  const collector = new Collector(server.url)
  open.push(() => collector.close())
  const [collected] = await collector.follow(messageId)
  await collector.until(() => collected!.text === 'begin', 'the text')

  const client = connect({ url: server.url })
  open.push(() => client.close())
  const statuses: string[] = []
  client.connection.subscribe(() => statuses.push(client.connection.getSnapshot().status))
  const live = client.message(messageId)
  open.push(live.subscribe(() => {}))

  const stockDoc = new Y.Doc()
  const stock = openStock(server.url, messageId, stockDoc)
  await synced(stock)

  return {
    script,
    server,
    messageId,
    chatId,
    collector,
    collected: collected!,
    client,
    statuses,
    live,
    stock,
    stockDoc,
  }
}

type Watched = Awaited<ReturnType<typeof startWatched>>

/** Ends the answer: everybody has it all, and has never been sent away. */
async function expectUnharmed(
  { script, server, messageId, collector, collected, client, statuses, live, stockDoc }: Watched,
  expected: string,
): Promise<void> {
  script.append('a', 'the end')
  script.finish('a')
  await collector.toEnd(messageId, { compared: true })
  const truth = (await server.call('GET', `/api/messages/${messageId}`)).body as Message
  expect((truth.output[0] as { text: string }).text).toBe(`${expected}the end`)
  expect(truth.status).toBe('completed')
  expect(collected.json).toEqual(truth)
  expect(collected.checkpoints.every(({ matches }) => matches)).toBe(true)
  expect(collector.closed).toBeNull()
  await live.until(({ message }) => message?.status === 'completed')
  expect(live.getSnapshot().message).toEqual(truth)
  expect(client.connection.getSnapshot().status).toBe('open')
  expect(statuses.filter((status) => status !== 'open' && status !== 'connecting')).toEqual([])
  await until(() => readMessage(stockDoc).status === 'completed', 'the stock viewer has it')
  expect(digestOf(readMessage(stockDoc))).toBe(digestOf(truth))
}

const [seed] = chosenSeeds(1) as [number]
const frames = Number(process.env.RUNNEL_FUZZ_FRAMES ?? 25_000)

test(
  `${frames} hostile frames close no socket but their own, harm nobody, change nothing and leave nothing (seed ${seed})`,
  { timeout: 120_000 },
  async () => {
    const watched = await startWatched()
    const { server, script, messageId, collected } = watched
    const channel = collected.subscribed!.channel
    let sent = 0
    let text = 'begin'
    const wrong: string[] = []
    const state = vi.spyOn(Room.prototype, 'hold')
    const codes = new Map<string, number>()

    const attack = async (random: Random, upTo: number) => {
      while (sent < upTo && wrong.length === 0) {
        const endpoint = random.pick(['ws', 'ws', 'yjs'] as const)
        const target: Target = { endpoint, greeted: endpoint === 'ws' && random.chance(0.8), doc: messageId, channel }
        const socket = new RawSocket(server.url, endpoint === 'ws' ? '/ws' : `/yjs/${messageId}`)
        await socket.opened
        const conversation = hostileConversation(random, target, upTo - sent)
        const last = conversation.at(-1)!
        const greeting = target.greeted
          ? [
              clientFrame(Buffer.from(encodeControl({ type: 'hello', v: 1 })), { opcode: 1 }),
              clientFrame(Buffer.from(encodeControl({ type: 'subscribe', docs: [{ doc: messageId }] })), { opcode: 1 }),
            ]
          : []
        if (target.greeted) {
          socket.write(Buffer.concat(greeting))
          await socket.until(() => socket.closed !== null || socket.binaries.length > 0, 'the state')
        }
        const bytes = Buffer.concat(conversation.map(({ bytes }) => bytes))
        // In one piece or in two, cut anywhere.
        const cut = random.chance(0.5) ? bytes.length : random.integer(0, bytes.length)
        socket.write(bytes.subarray(0, cut))
        if (cut < bytes.length) {
          await new Promise((resolve) => setImmediate(resolve))
          socket.write(bytes.subarray(cut))
        }
        sent += conversation.length
        // The answer to a ping behind it all tells that the socket is open and everything was read.
        const isOpen = last.codes.includes(null)
        if (isOpen) {
          const before = socket.pongs
          const pings = conversation.filter(({ name }) => name === 'a ping').length
          socket.write(clientFrame(Buffer.from('done?'), { opcode: 9 }))
          await socket
            .until(
              () => socket.closed !== null || socket.pongs > before + pings || socket.pongs > pings,
              `an answer to ${last.name}`,
            )
            .catch((error: Error) => wrong.push(error.message))
        } else {
          await socket
            .until(() => socket.closed !== null, `the end after ${last.name} on ${endpoint}`)
            .catch((error: Error) => wrong.push(error.message))
        }
        // Before hello, or on a closed socket, anything that is no hello is 4400.
        const allowed = endpoint === 'ws' && !target.greeted ? [...last.codes, 4400] : last.codes
        if (!allowed.includes(socket.closed))
          wrong.push(
            `${last.name} on ${endpoint}${target.greeted ? '' : ' before hello'}: ${socket.closed}, not ${allowed.join(' or ')}`,
          )
        codes.set(String(socket.closed), (codes.get(String(socket.closed)) ?? 0) + 1)
        socket.destroy()
      }
    }

    /** Many at once; the answer goes on meanwhile. */
    const round = async (number: number, upTo: number) => {
      const streaming = setInterval(() => {
        script.append('a', ' word')
        text += ' word'
      }, 20)
      open.push(() => clearInterval(streaming))
      await Promise.all(Array.from({ length: 16 }, (_, i) => attack(new Random(seed + number * 1_000 + i), upTo)))
      clearInterval(streaming)
      expect(wrong, `RUNNEL_FUZZ_SEED=${seed} plays this again`).toEqual([])
      await until(() => server.runnel.stats().connections === 3, 'only the three viewers are connected')
    }

    // The first ones warm up: code is compiled, buffers reach their sizes.
    await round(0, Math.max(15_000, frames * 0.2))
    const room = (state.mock.contexts as Room[]).find(({ id }) => id === messageId)
    // The spy remembers what it saw.
    state.mockRestore()
    const before = heapAfterGc()
    await round(1, frames)
    await until(() => collected.text === text, 'the viewer has what was streamed')
    expect(heapAfterGc() - before).toBeLessThan(keptBytes)
    expect(server.runnel.stats()).toMatchObject({
      connections: 3,
      laggingConnections: 0,
      catchUpPendingBytes: 0,
      catchUpWaiting: 0,
      outboxBytes: 0,
    })
    expect(room!.audience.viewers.size).toBe(3)
    await expectUnharmed(watched, text)
    console.log(
      `hostile frames: seed ${seed} (RUNNEL_FUZZ_SEED), ${sent} frames, sockets by close code: ${[...codes].map(([code, count]) => `${code === 'null' ? 'stayed open' : code} ${count}`).join(', ')}`,
    )
  },
)

test(`varUints of 1 to 200 bytes at every place, on both endpoints, end no more than their sockets, and presence goes on (seed ${seed})`, async () => {
  const watched = await startWatched()
  const { server, messageId, chatId, client } = watched
  const random = new Random(seed)
  const other = connect({ url: server.url })
  open.push(() => other.close())
  const [here, there] = [client.chat(chatId), other.chat(chatId)]
  open.push(
    here.subscribe(() => {}),
    there.subscribe(() => {}),
  )
  const wrong: string[] = []
  /** Open for a while, so that the sweep tells what they said; more than a hundred would not be named. */
  const said: RawSocket[] = []

  const say = async (socket: RawSocket, doc: string, { name, inside, frame }: Place, bytes: number) => {
    said.push(socket)
    if (said.length > 50) said.shift()!.destroy()
    socket.write(clientFrame(frame(longVarUint(bytes, random)), { opcode: 2 }))
    socket.write(clientFrame(Buffer.from('done?'), { opcode: 9 }))
    await socket.until(() => socket.closed !== null || socket.pongs > 0, `an answer to ${name} of ${bytes} bytes`)
    // It may be a small number in its place; longer than eight bytes it is none.
    const isRead = inside !== 'write' && (inside !== 'awareness' || doc === chatId)
    const allowed = bytes > 8 && isRead ? [4400] : [null, 4400, 4409]
    if (!allowed.includes(socket.closed)) wrong.push(`${name} of ${bytes} bytes: ${socket.closed}`)
  }

  for (const doc of [messageId, chatId]) {
    const channel = await channelOf(server.url, doc)
    for (const place of numberPlaces(null))
      for (const bytes of lengths(random)) await say(await openedStock(server.url, doc), doc, place, bytes)
    for (const place of numberPlaces(channel))
      for (const bytes of lengths(random)) await say(await greeted(server.url, doc), doc, place, bytes)
  }
  expect(wrong, `RUNNEL_FUZZ_SEED=${seed} plays this again`).toEqual([])

  // The sweep has told all of it, and tells what comes.
  here.setPresence({ still: 'here' })
  await until(() => there.getSnapshot().presence.some(({ still }) => still === 'here'), 'presence of the others')
  await expectUnharmed(watched, 'begin')
})

/** Those that matter to lib0 and to this reader, and some others. */
function lengths(random: Random): number[] {
  return [1, 8, 9, 148, random.integer(10, 200)]
}

async function greeted(url: string, doc: string): Promise<RawSocket> {
  const socket = new RawSocket(url, '/ws')
  open.push(() => socket.destroy())
  await socket.opened
  for (const control of [
    { type: 'hello', v: 1 },
    { type: 'subscribe', docs: [{ doc }] },
  ])
    socket.write(clientFrame(Buffer.from(JSON.stringify(control)), { opcode: 1 }))
  await socket.until(() => socket.binaries.length > 0, 'the state')
  return socket
}

/** The same for all who follow the document. */
async function channelOf(url: string, doc: string): Promise<number> {
  const { texts } = await greeted(url, doc)
  const [answer] = texts.map(decodeServerControl).filter((message) => message?.type === 'subscribed')
  return answer!.docs[0]!.channel
}

async function openedStock(url: string, doc: string): Promise<RawSocket> {
  const socket = new RawSocket(url, `/yjs/${doc}`)
  open.push(() => socket.destroy())
  await socket.opened
  socket.write(clientFrame(Uint8Array.of(0, 0, 1, 0), { opcode: 2 }))
  await socket.until(() => socket.binaries.length > 0, 'the state')
  return socket
}
test('a write of real content is answered with permission denied, on /ws and /yjs, and changes nothing (P7)', async () => {
  const watched = await startWatched()
  const { server, messageId, collected } = watched
  const doc = new Y.Doc()
  Y.applyUpdate(doc, Y.encodeStateAsUpdate(collected.doc))
  messageMap(doc).set('status', 'hacked')
  ;(outputArray(doc).get(0).get('text') as Y.Text).insert(0, 'hacked')
  const update = Y.encodeStateAsUpdate(doc)
  const denied = encodeStock({ type: 'permissionDenied', reason: 'Only the server writes.' })
  for (const type of ['syncStep2', 'update'] as const) {
    const message = encodeStock({ type, update })
    const stock = new RawSocket(server.url, `/yjs/${messageId}`)
    open.push(() => stock.destroy())
    await stock.opened
    stock.write(clientFrame(message, { opcode: 2 }))
    await stock.until(() => stock.binaries.length > 0, 'the answer')
    expect(new Uint8Array(stock.binaries[0]!)).toEqual(denied)
    expect(denied.slice(0, 2)).toEqual(Uint8Array.of(2, 0))

    const channel = collected.subscribed!.channel
    const mux = new RawSocket(server.url, '/ws')
    open.push(() => mux.destroy())
    await mux.opened
    for (const control of [
      { type: 'hello', v: 1 },
      { type: 'subscribe', docs: [{ doc: messageId }] },
    ] as const)
      mux.write(clientFrame(Buffer.from(JSON.stringify(control)), { opcode: 1 }))
    await mux.until(() => mux.binaries.length > 0, 'the state')
    mux.write(clientFrame(encodeChannelMessage(channel, message), { opcode: 2 }))
    await mux.until(() => mux.binaries.length > 1, 'the answer')
    expect(new Uint8Array(mux.binaries[1]!)).toEqual(encodeChannelMessage(channel, denied))
    expect([stock.closed, mux.closed]).toEqual([null, null])
  }
  await expectUnharmed(watched, 'begin')
})

test('what a stock client writes into its own copy stays its own affair (P7)', async () => {
  const watched = await startWatched()
  const { server, messageId } = watched
  const doc = new Y.Doc()
  const warn = console.warn
  console.warn = () => {}
  open.push(() => {
    console.warn = warn
  })
  const provider = openStock(server.url, messageId, doc)
  await synced(provider)
  provider.awareness.setLocalStateField('user', { name: 'hacker' })
  ;(outputArray(doc).get(0).get('text') as Y.Text).insert(0, 'hacked')
  messageMap(doc).set('status', 'completed')
  // It comes back with what it wrote: its sync step 2 is refused as well, and it is not ahead.
  provider.disconnect()
  provider.connect()
  await synced(provider)
  await expectUnharmed(watched, 'begin')
  expect(readMessage(doc).output[0]).toMatchObject({ text: expect.stringContaining('the end') as string })
})

test('documents that clients name and nobody knows leave nothing behind on the connection', async () => {
  const watched = await startWatched()
  const { server } = watched
  const socket = new RawSocket(server.url, '/ws')
  open.push(() => socket.destroy())
  await socket.opened
  socket.write(clientFrame(Buffer.from(encodeControl({ type: 'hello', v: 1 })), { opcode: 1 }))
  await socket.until(() => socket.texts.length === 1, 'welcome')
  const ask = async (count: number) => {
    for (let i = 0; i < count; i++) {
      socket.texts = []
      const doc = `msg_${i}_${Math.random()}_${'x'.repeat(50_000)}`
      socket.write(clientFrame(Buffer.from(encodeControl({ type: 'subscribe', docs: [{ doc }] })), { opcode: 1 }))
      await socket.until(
        () => socket.texts.some((text) => text.includes('refused')) || socket.closed !== null,
        'the refusal',
      )
    }
  }
  await ask(20)
  socket.texts = []
  const before = heapAfterGc()
  await ask(400)
  socket.texts = []
  // 20 MB of names were sent.
  expect(heapAfterGc() - before).toBeLessThan(4_000_000)
  await expectUnharmed(watched, 'begin')
})

test('garbage on the bare TCP port and broken upgrades get an answer or a closed line, and leave no socket', async () => {
  const watched = await startWatched()
  const { server, messageId } = watched
  const random = new Random(seed)
  const { hostname, port } = new URL(server.url)
  const upgrade = (path: string, headers: string) =>
    `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\n${headers}\r\n\r\n`
  const good =
    'Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
  const cases: [string | Uint8Array, RegExp][] = [
    [upgrade('/nowhere', good), /^HTTP\/1\.1 404 /],
    [upgrade('/yjs/', good), /^HTTP\/1\.1 404 /],
    [upgrade('/yjs/a/b', good), /^HTTP\/1\.1 404 /],
    [upgrade('//', good), /^HTTP\/1\.1 404 /],
    [upgrade('http://[', good), /^HTTP\/1\.1 40[04] /],
    [upgrade('/ws', `${good}\r\nOrigin: https://evil.example`), /^HTTP\/1\.1 403 /],
    [upgrade('/ws', good).replace(`Host: ${hostname}:${port}`, 'Host: evil.example'), /^HTTP\/1\.1 403 /],
    [upgrade('/ws', good.replace('dGhlIHNhbXBsZSBub25jZQ==', 'short')), /^HTTP\/1\.1 400 /],
    [upgrade('/ws', good.replace('Version: 13', 'Version: 1')), /^HTTP\/1\.1 4\d\d /],
    [upgrade('/ws', good.replace('Upgrade: websocket', 'Upgrade: h2c')), /^HTTP\/1\.1 400 /],
    [upgrade(`/yjs/msg_nobodyknows`, good), /^HTTP\/1\.1 101 [^]*\x88/],
    [`POST /ws HTTP/1.1\r\nHost: ${hostname}\r\n${good}\r\n\r\n`, /^HTTP\/1\.1 40[05] /],
    ...Array.from({ length: 200 }, (): [Uint8Array, RegExp] => [
      Buffer.concat([random.bytes(random.integer(1, 300)), Buffer.from('\r\n\r\n')]),
      /^HTTP\/1\.1 400 |^$/,
    ]),
  ]
  for (const [bytes, answer] of cases) {
    // It never closes its own half: the server must not wait for that.
    const socket = connectTcp({ port: Number(port), host: hostname, allowHalfOpen: true })
    const chunks: Buffer[] = []
    socket.on('data', (data) => {
      chunks.push(data)
    })
    socket.on('error', () => {})
    const ended = new Promise((resolve) => {
      socket.once('end', resolve)
      socket.once('close', resolve)
    })
    socket.write(bytes)
    await ended
    open.push(() => {
      socket.destroy()
    })
    expect(Buffer.concat(chunks).toString('latin1')).toMatch(answer)
  }
  await expectUnharmed(watched, 'begin')
  expect((await server.call('GET', `/api/messages/${messageId}`)).status).toBe(200)
  // With all those half-open sockets still there, the server comes to its end.
  const started = Date.now()
  await watched.client.close()
  watched.stock.destroy()
  await watched.collector.close()
  await server.close()
  expect(Date.now() - started).toBeLessThan(3_000)
})
