import { once } from 'node:events'
import { WebSocket as NodeWebSocket } from 'ws'
import * as Y from 'yjs'
import { afterEach, expect, test, vi } from 'vitest'
import { connect } from '../../client/index.ts'
import {
  decodeChannelMessages,
  decodeServerControl,
  decodeStock,
  encodeControl,
  encodeStock,
  type ServerControl,
} from '../../shared/protocol.ts'
import type { Message } from '../../shared/schema.ts'
import { framesBytes } from '../../server/room/frame.ts'
import { Outbox } from '../../server/room/outbox.ts'
import type { RunnelOptions } from '../../server/app/app.ts'
import type { Provider } from '../../server/provider/events.ts'
import { Collected, Collector } from '../../testing/collector.ts'
import { startRunnel, type StartedRunnel } from '../../testing/runnel.ts'
import { Script } from '../fuzz/script.ts'

const open: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
  vi.restoreAllMocks()
})

async function start(options: RunnelOptions): Promise<StartedRunnel> {
  const server = await startRunnel({ RUNNEL_FLUSH_MS: 5, ...options })
  open.push(() => server.close())
  return server
}

function newCollector(server: StartedRunnel, options?: ConstructorParameters<typeof Collector>[1]): Collector {
  const collector = new Collector(server.url, options)
  open.push(() => collector.close())
  return collector
}

/** A server whose one answer is written by hand, and that message's id. */
async function startScripted(options: RunnelOptions = {}) {
  const script = new Script()
  const server = await start({ provider: script.provider, ...options })
  const { messageId } = await server.ask('go on')
  return { script, server, messageId }
}

async function until(condition: () => boolean | Promise<boolean>, what: string, deadlineMs = 15_000): Promise<void> {
  const deadline = Date.now() + deadlineMs
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`${what} did not come true within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const textOf = (message: Message) => message.output.map((block) => ('text' in block ? block.text : '')).join('')

/** Words of 10,000 tokens' text take long to compress by luck: chunks differ. */
function words(count: number, from = 0): string[] {
  return Array.from({ length: count }, (_, i) => ` w${((from + i) * 7919) % 1_000}`)
}

test('one that returns is sent what it lacks and a kilobyte, also after a long absence (P3)', async () => {
  const { script, server, messageId } = await startScripted()
  script.text('a')
  script.text('b')
  const first = newCollector(server)
  const [seen] = await first.follow(messageId)
  for (const word of words(2_000)) {
    script.append('a', word)
    script.append('b', word)
    if (word.endsWith('00')) await until(() => seen!.text.endsWith(word), 'the stream')
  }
  await first.until(
    () =>
      seen!.text.length > 0 &&
      seen!.message.output.every((block) => 'text' in block && block.text.endsWith(words(2_000).at(-1)!)),
    'all of it',
  )
  await first.close()

  for (const absence of [0, 1, 3_000]) {
    const more = words(absence, 5_000)
    for (const word of more) script.append('a', word)
    const marker = `|${absence}`
    script.append('a', marker)
    await until(
      async () => textOf((await server.call('GET', `/api/messages/${messageId}`)).body).includes(marker),
      'the append',
    )
    const lacked = Buffer.byteLength(more.join('') + marker)
    const back = newCollector(server)
    const copy = new Collected(messageId)
    Y.applyUpdate(copy.doc, Y.encodeStateAsUpdate(seen!.doc))
    copy.subscribed = seen!.subscribed
    back.adopt(copy)
    await back.follow(messageId)
    await back.until(() => copy.text.includes(marker), 'the return')
    await back.until(() => copy.checkpoints.length > 0, 'the checkpoint')
    expect(copy.subscribed!.reset).toBe(false)
    expect(copy.checkpoints.every(({ matches }) => matches)).toBe(true)
    // Everything on the socket: welcome, subscribed, the difference, the checkpoint.
    expect(back.bytes).toBeLessThanOrEqual(lacked + 1_000)
    Y.applyUpdate(seen!.doc, Y.encodeStateAsUpdate(copy.doc))
  }
  script.finish('a', 'b')
})

test('one that joins is sent the state once: 1.05 × its text, 200 bytes a block, 700 and its other fields (P3)', async () => {
  const { script, server, messageId } = await startScripted()
  const follower = newCollector(server)
  const [seen] = await follower.follow(messageId)
  const isCall = (block: number) => block % 3 === 1
  for (let block = 0; block < 12; block++) {
    if (isCall(block))
      script.send({
        type: 'block_start',
        key: `b${block}`,
        block: {
          type: 'tool_call',
          status: 'streaming',
          callId: `call_${block}`,
          name: 'search',
          executor: 'provider',
        },
      })
    else script.text(`b${block}`)
  }
  // All grow in turns, each tick a transaction. Calls that the provider runs hold nothing up (E14).
  for (let tick = 0; tick < 200; tick++) {
    for (let block = 0; block < 12; block++)
      script.send({
        type: 'delta',
        key: `b${block}`,
        field: isCall(block) ? 'arguments' : 'text',
        text: ` word ${tick}`,
      })
    await follower.until(() => JSON.stringify(seen!.message.output[0])?.includes(` word ${tick}"`), `tick ${tick}`)
  }
  script.append('b0', 'THE END')
  await follower.until(() => JSON.stringify(seen!.message).includes('THE END'), 'the text')
  const joiner = newCollector(server)
  const [copy] = await joiner.follow(messageId)
  await joiner.until(() => copy!.checkpoints.length > 0, 'the checkpoint')
  const { output, ...fields } = copy!.message
  const text = output.reduce(
    (sum, block) =>
      sum + Buffer.byteLength(('text' in block ? block.text : '') + ('arguments' in block ? block.arguments : '')),
    0,
  )
  expect(copy!.json).toEqual(seen!.json)
  expect(copy!.bytes).toBeLessThanOrEqual(1.05 * text + 200 * output.length + 700 + JSON.stringify(fields).length)
  script.finish(...output.map((_, i) => `b${i}`).filter((_, i) => !isCall(i)))
})

test('a hundred documents on one socket never mix', async () => {
  const provider: Provider = async function* (request, signal) {
    const last = request.prompt.at(-1)!
    const own = last.role === 'user' ? last.text : ''
    yield { type: 'block_start', key: 'a', block: { type: 'text', status: 'in_progress' } }
    for (let i = 0; i < 60 && !signal.aborted; i++) {
      await new Promise((resolve) => setTimeout(resolve, 1 + (i % 7)))
      yield { type: 'delta', key: 'a', field: 'text', text: `${own};` }
    }
    yield { type: 'block_end', key: 'a', status: 'completed' }
    yield { type: 'finish', reason: 'stop' }
  }
  const server = await start({ provider, RUNNEL_MAX_TASKS_PER_USER: 200 })
  const asked = await Promise.all(Array.from({ length: 100 }, (_, i) => server.ask(`doc ${i}`)))
  const own = new Map(asked.map(({ messageId }, i) => [messageId, `doc ${i};`]))
  const mixed: string[] = []
  const collector = newCollector(server, {
    onUpdate: ({ id, text }) => {
      if (own.get(id)!.repeat(60).slice(0, text.length) !== text) mixed.push(`${id}: ${text.slice(-40)}`)
    },
  })
  const documents = await collector.follow(...own.keys())
  // Some leave and come again in the middle: their channels are not given to others.
  await collector.until(() => documents.every(({ text }) => text.length > 100), 'the middle')
  const half = [...own.keys()].filter((_, i) => i % 2 === 0)
  await collector.send(encodeControl({ type: 'unsubscribe', docs: half }))
  await collector.follow(...half.reverse())
  await collector.until(() => documents.every(({ ended }) => ended), 'the end', 30_000)
  expect(mixed).toEqual([])
  expect(new Set(documents.map(({ subscribed }) => subscribed!.channel)).size).toBe(100)
  for (const document of documents) {
    expect(document.text).toBe(own.get(document.id)!.repeat(60))
    expect(document.checkpoints.every(({ matches }) => matches)).toBe(true)
  }
  const [first] = documents
  expect(first!.json).toEqual((await server.call('GET', `/api/messages/${first!.id}`)).body)
})

interface Returning {
  stateVector: Uint8Array
  socket: NodeWebSocket
  doc: Y.Doc
  synced: boolean
}

/** Opens many sockets and says hello on each; nothing is subscribed yet. */
async function openMany(server: StartedRunnel, copies: readonly Uint8Array[]): Promise<Returning[]> {
  return await Promise.all(
    copies.map(async (copy) => {
      const socket = new NodeWebSocket(`${server.url.replace('http', 'ws')}/ws`, { perMessageDeflate: false })
      open.push(() => socket.terminate())
      await once(socket, 'open')
      socket.send(encodeControl({ type: 'hello', v: 1 }))
      await once(socket, 'message')
      const doc = new Y.Doc()
      Y.applyUpdate(doc, copy)
      const returning: Returning = { stateVector: Y.encodeStateVector(doc), socket, doc, synced: false }
      socket.on('message', (data: Buffer, isBinary) => {
        if (!isBinary) return
        for (const { message } of decodeChannelMessages(data)) {
          const stock = decodeStock(message)
          if (stock.type !== 'syncStep2') continue
          returning.synced = true
          Y.applyUpdate(doc, stock.update)
        }
      })
      return returning
    }),
  )
}

test('a thousand that return at once with equal state vectors: one encoding', { timeout: 30_000 }, async () => {
  const { script, server, messageId } = await startScripted()
  script.text('a', 'x'.repeat(20_000))
  const collector = newCollector(server)
  const [seen] = await collector.follow(messageId)
  await collector.until(() => seen!.text.length === 20_000, 'the first text')
  const copy = Y.encodeStateAsUpdate(seen!.doc)
  const lineage = seen!.subscribed!.lineage
  script.append('a', 'y'.repeat(30_000))
  await collector.until(() => seen!.text.length === 50_000, 'the rest')
  const returning = await openMany(server, Array<Uint8Array>(1_000).fill(copy))

  const sent = vi.spyOn(Outbox.prototype, 'sendTracked')
  for (const { socket, stateVector } of returning)
    socket.send(encodeControl({ type: 'subscribe', docs: [{ doc: messageId, stateVector, lineage }] }))
  await until(() => returning.every(({ synced }) => synced), 'all are back')
  expect(sent).toHaveBeenCalledTimes(1_000)
  const made = new Set(sent.mock.calls.map(([frames]) => frames))
  expect(made.size).toBe(1)
  expect(framesBytes([...made][0]!)).toBeLessThan(31_000)
  for (const { doc } of returning)
    expect((doc.getArray('output').get(0) as Y.Map<unknown>).get('text')!.toString().length).toBe(50_000)
  expect(server.runnel.stats()).toMatchObject({ catchUpPendingBytes: 0, catchUpWaiting: 0 })
  script.finish('a')
})

test(
  'differences pending in the process never exceed RUNNEL_CATCHUP_MAX_BYTES by more than one, and everybody is served',
  { timeout: 30_000 },
  async () => {
    // Large ones: the system's buffers must not take them whole.
    const cap = 20_000_000
    const script = new Script()
    const server = await start({ provider: script.provider, RUNNEL_CATCHUP_MAX_BYTES: cap })
    const { messageId } = await server.ask('go on')
    const collector = newCollector(server)
    const [seen] = await collector.follow(messageId)
    script.text('a', 'x')
    // Twenty state vectors, of which each lacks another part.
    const copies: Uint8Array[] = []
    for (let i = 0; i < 20; i++) {
      script.append('a', 'z'.repeat(100))
      await collector.until(() => seen!.text.length === 1 + (i + 1) * 100, 'a part')
      copies.push(Y.encodeStateAsUpdate(seen!.doc))
    }
    script.append('a', 'y'.repeat(8_000_000))
    await collector.until(() => seen!.text.endsWith('y'), 'the rest')
    const lineage = seen!.subscribed!.lineage
    const returning = await openMany(
      server,
      Array.from({ length: 40 }, (_, i) => copies[i % 20]!),
    )
    // None reads at first: what is pending stays pending.
    for (const { socket } of returning) socket.pause()
    const sent = vi.spyOn(Outbox.prototype, 'sendTracked')
    let mostPending = 0
    let mostWaiting = 0
    let sampling = true
    const sample = () => {
      const { catchUpPendingBytes, catchUpWaiting } = server.runnel.stats()
      mostPending = Math.max(mostPending, catchUpPendingBytes)
      mostWaiting = Math.max(mostWaiting, catchUpWaiting)
      if (sampling) setImmediate(sample)
    }
    sample()
    for (const { socket, stateVector } of returning)
      socket.send(encodeControl({ type: 'subscribe', docs: [{ doc: messageId, stateVector, lineage }] }))
    await until(() => mostWaiting > 0 || sent.mock.calls.length === 40, 'the first differences')
    for (const { socket } of returning) socket.resume()
    await until(() => returning.every(({ synced }) => synced), 'all are back')
    sampling = false
    const largest = Math.max(...sent.mock.calls.map(([frames]) => framesBytes(frames)))
    expect(mostWaiting).toBeGreaterThan(0)
    expect(mostPending).toBeGreaterThan(cap / 2)
    expect(mostPending).toBeLessThan(cap + largest)
    for (const { doc } of returning)
      expect((doc.getArray('output').get(0) as Y.Map<unknown>).get('text')!.toString().length).toBe(8_002_001)
    await until(() => server.runnel.stats().catchUpPendingBytes === 0, 'nothing pending')
    script.finish('a')
  },
)

test("a copy that is ahead in a server's client id, or of another lineage, is reset on /ws; a stock client's own additions are not", async () => {
  const { script, server, messageId } = await startScripted()
  script.text('a', 'the truth')
  const collector = newCollector(server)
  const [seen] = await collector.follow(messageId)
  await collector.until(() => seen!.text === 'the truth', 'the text')
  const lineage = seen!.subscribed!.lineage
  const vector = [...Y.decodeStateVector(Y.encodeStateVector(seen!.doc))]
  const ask = async (stateVector: Uint8Array, ofLineage: string) => {
    const viewer = newCollector(server)
    const copy = viewer.adopt(new Collected(messageId))
    await viewer.send(encodeControl({ type: 'subscribe', docs: [{ doc: messageId, stateVector, lineage: ofLineage }] }))
    await viewer.until(() => copy.updates > 0, 'the state')
    return copy
  }
  const ahead = Y.encodeStateVector(new Map(vector.map(([client, clock]) => [client, clock + 1])))
  const unknown = Y.encodeStateVector(new Map([...vector, [64 * 900, 1]]))
  const stock = Y.encodeStateVector(new Map([...vector, [2 ** 31, 5]]))
  const equal = Y.encodeStateVector(new Map(vector))
  for (const [stateVector, ofLineage, reset] of [
    [ahead, lineage, true],
    [unknown, lineage, true],
    [equal, 'another', true],
    [stock, lineage, false],
    [equal, lineage, false],
  ] as const) {
    const copy = await ask(stateVector, ofLineage)
    expect(copy.subscribed!.reset).toBe(reset)
    // A reset brings the whole state, else nothing was lacking.
    expect(copy.text).toBe(reset ? 'the truth' : '')
  }
  script.finish('a')
})

test('a copy that is ahead closes /yjs with 4409, at the start and later', async () => {
  const { script, server, messageId } = await startScripted()
  script.text('a', 'the truth')
  await until(
    async () => textOf((await server.call('GET', `/api/messages/${messageId}`)).body) === 'the truth',
    'the text',
  )
  const ahead = encodeStock({ type: 'syncStep1', stateVector: Y.encodeStateVector(new Map([[64, 1_000_000]])) })
  const empty = encodeStock({ type: 'syncStep1', stateVector: Uint8Array.of(0) })
  for (const said of [[ahead], [empty, ahead]]) {
    const socket = new NodeWebSocket(`${server.url.replace('http', 'ws')}/yjs/${messageId}`)
    open.push(() => socket.terminate())
    await once(socket, 'open')
    const closed = once(socket, 'close') as Promise<[number]>
    for (const frame of said) socket.send(frame)
    expect((await closed)[0]).toBe(4409)
  }
  script.finish('a')
})

test('a client library whose line lost an update finds out by the checkpoint and loads again, over a real socket', async () => {
  const { script, server, messageId } = await startScripted()
  let losing = false
  const controls: ServerControl[] = []
  class LossyWebSocket extends WebSocket {
    override addEventListener(...[type, listener]: Parameters<WebSocket['addEventListener']>): void {
      if (type !== 'message' || typeof listener !== 'function') return super.addEventListener(type, listener)
      super.addEventListener('message', (event) => {
        if (typeof event.data === 'string') controls.push(decodeServerControl(event.data)!)
        else if (losing) return
        listener.call(this, event)
      })
    }
  }
  const client = connect({ url: server.url, WebSocket: LossyWebSocket as typeof WebSocket })
  open.push(() => client.close())
  const message = client.message(messageId)
  const leave = message.subscribe(() => {})
  open.push(leave)
  script.text('a', 'first')
  await message.until(({ message }) => message !== null && textOf(message) === 'first')
  const witness = newCollector(server)
  const [seen] = await witness.follow(messageId)
  losing = true
  script.append('a', ', lost')
  await witness.until(() => seen!.text === 'first, lost', 'the lost update')
  // What one socket gets comes in order: when this news is here, the lost update has passed.
  await server.call('PATCH', `/api/chats/${seen!.message.chatId}`, { title: 'Ebb' })
  await until(() => controls.some((control) => control.type === 'chat' && control.event === 'renamed'), 'the news')
  losing = false
  script.append('a', ', last')
  script.finish('a')
  const { message: end } = await message.until(
    ({ message }) => message?.status === 'completed' && textOf(message) === 'first, lost, last',
  )
  expect(end).toEqual((await server.call('GET', `/api/messages/${messageId}`)).body)
  expect(controls.filter(({ type }) => type === 'subscribed')).toHaveLength(2)
})
