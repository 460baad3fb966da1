import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { binaryFrames, framesBytes } from '../../server/room/frame.ts'
import { Outbox } from '../../server/room/outbox.ts'

const open: (() => Promise<unknown> | void)[] = []
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close()
})

/** A real pair of sockets; the reader is paused. */
async function newPair(): Promise<{ writer: Socket; reader: Socket }> {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const reader = connect((server.address() as AddressInfo).port, '127.0.0.1')
  reader.pause()
  const [writer] = await accepted
  open.push(
    () => new Promise((closed) => server.close(closed)),
    () => void reader.destroy(),
    () => void writer.destroy(),
  )
  return { writer, reader }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('the condition did not come true within 10 s')
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The system takes no more of it. */
async function blocked(outbox: Outbox): Promise<void> {
  for (
    let still = 0, bytes = outbox.bytes;
    still < 20;
    still = bytes === outbox.bytes ? still + 1 : 0, bytes = outbox.bytes
  ) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const highWaterBytes = 200_000

test('falls behind at its mark, takes nothing more than the mark and 64 kB, and drains', async () => {
  const { writer, reader } = await newPair()
  const outbox = new Outbox(writer, { highWaterBytes, now: Date.now })
  let lagged = 0
  let drained = 0
  outbox.onLag = () => {
    lagged += 1
  }
  outbox.onDrain = () => {
    drained += 1
  }
  const frames = binaryFrames(new Uint8Array(10_000).fill(7))
  let sent = 0
  while (!outbox.lagging) {
    outbox.send(frames)
    sent += framesBytes(frames)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(lagged).toBe(1)
  expect(outbox.bytes).toBeLessThanOrEqual(highWaterBytes + 65_536)
  let received = 0
  reader.on('data', (data) => {
    received += data.length
  })
  reader.resume()
  await until(() => drained === 1)
  await until(() => received === sent)
  expect(outbox.bytes).toBe(0)
  expect(outbox.lagging).toBe(false)
})

test('keeps the order of what is sent straight and what waits', async () => {
  const { writer, reader } = await newPair()
  const outbox = new Outbox(writer, { highWaterBytes: 10_000_000, now: Date.now })
  const chunks: Buffer[] = []
  reader.on('data', (data) => chunks.push(data as Buffer))
  const expected: Uint8Array[] = []
  for (let i = 0; i < 300; i++) {
    const frames = binaryFrames(new Uint8Array(i * 40).fill(i % 256))
    expected.push(...frames)
    if (i % 7 === 0) outbox.sendTracked(frames, () => {})
    else outbox.send(frames)
    if (i === 200) reader.resume()
  }
  await until(() => chunks.reduce((sum, chunk) => sum + chunk.length, 0) === framesBytes(expected))
  expect(Buffer.concat(chunks).equals(Buffer.concat(expected))).toBe(true)
})

test('tells when a tracked message was taken, once, also when it is dropped', async () => {
  const { writer, reader } = await newPair()
  const outbox = new Outbox(writer, { highWaterBytes, now: Date.now })
  let first = 0
  let second = 0
  outbox.sendTracked(binaryFrames(new Uint8Array(6_000_000)), () => {
    first += 1
  })
  await blocked(outbox)
  expect(first).toBe(0)
  reader.resume()
  await until(() => first === 1)
  reader.pause()
  outbox.sendTracked(binaryFrames(new Uint8Array(9_000_000)), () => {
    second += 1
  })
  outbox.close()
  expect(second).toBe(1)
  expect(first).toBe(1)
})

test('shows progress frame by frame while it lags', async () => {
  const { writer, reader } = await newPair()
  let time = 0
  const outbox = new Outbox(writer, { highWaterBytes, now: () => time })
  outbox.sendTracked(binaryFrames(new Uint8Array(40_000_000)), () => {})
  await blocked(outbox)
  time = 1_000
  const before = outbox.bytes
  let read = 0
  reader.on('data', (data) => {
    read += data.length
    if (read > 3_000_000) reader.pause()
  })
  reader.resume()
  await until(() => outbox.progressAt === 1_000)
  expect(outbox.bytes).toBeLessThan(before)
  expect(outbox.lagging).toBe(true)
})
