import { fork } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Broadcast } from '../server/room/broadcast.ts'
import { CatchUpQueue } from '../server/room/catchup.ts'
import { Outbox } from '../server/room/outbox.ts'
import { Session } from '../server/room/session.ts'
import { BenchDocument, cpuOf, median, token, type Figure } from './harness.ts'

const viewers = 1_000
const rounds = 60
const framesARound = 5

/** What a frame to a thousand viewers costs against writing the same bytes to as many sockets. Readers are another process. */
export async function broadcastCost(): Promise<Figure[]> {
  const sockets: Socket[] = []
  const server = createServer((socket) => sockets.push(socket.setNoDelay(true)))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const readers = fork(new URL('broadcast-readers.ts', import.meta.url), [
    String((server.address() as AddressInfo).port),
    String(viewers),
  ])
  while (sockets.length < viewers) await new Promise((resolve) => setTimeout(resolve, 10))

  const document = await BenchDocument.open()
  const catchUp = new CatchUpQueue(64_000_000)
  const sessions = sockets.map(
    (socket) =>
      new Session({
        format: 'channels',
        outbox: new Outbox(socket, { highWaterBytes: 1_000_000, now: Date.now }),
        catchUp,
        close: () => {},
      }),
  )
  for (const session of sessions)
    session.follow([{ room: document.room, stateVector: undefined, reset: false, role: 'viewer' }])
  await drained(sockets)
  const id = document.writer.openBlock({ type: 'text', status: 'in_progress' })
  document.flush()
  await drained(sockets)

  const ours: number[] = []
  const bare: number[] = []
  let i = 0
  for (let round = 0; round < rounds; round++) {
    // By turns, so that a busy machine is busy for both.
    let cost = 0
    for (let frame = 0; frame < framesARound; frame++) {
      document.writer.append(id, 'text', token(i++))
      cost += cpuOf(() => document.flush())
      await drained(sockets)
    }
    ours.push(cost)
    // The same bytes: the same update of the same length, framed.
    const [bytes] = new Broadcast(document.room.channel, [new Uint8Array(19)], () => {}).channelFrames
    cost = 0
    for (let frame = 0; frame < framesARound; frame++) {
      cost += cpuOf(() => {
        for (const socket of sockets) socket.write(bytes!)
      })
      await drained(sockets)
    }
    bare.push(cost)
  }
  const warm = rounds / 3
  const own = median(ours.slice(warm)) / framesARound / viewers
  const reference = median(bare.slice(warm)) / framesARound / viewers
  readers.kill()
  for (const socket of sockets) socket.destroy()
  server.close()
  await document.close()
  return [
    { name: `a frame to ${viewers} viewers, log included: CPU a viewer`, value: own, unit: 'µs' },
    { name: 'bare net.Socket.write of as many bytes: CPU a socket', value: reference, unit: 'µs' },
    { name: 'a frame against bare writes', value: own / reference, unit: '×', bound: 1.4 },
  ]
}

async function drained(sockets: readonly Socket[]): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve))
  while (sockets.some((socket) => socket.writableLength > 0))
}
