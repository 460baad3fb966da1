import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import { Access } from '../../server/auth/access.ts'
import type { Auth } from '../../server/auth/auth.ts'
import { localAuth } from '../../server/auth/local.ts'
import { Origins } from '../../server/auth/origins.ts'
import { ChatWriter } from '../../server/document/chat-writer.ts'
import { localCluster } from '../../server/cluster/local.ts'
import { Rooms } from '../../server/room/rooms.ts'
import { Sockets } from '../../server/socket/sockets.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { wideDoors, wideLimits } from '../helpers/wide-limits.ts'

export const chatId = 'chat_sockets0000'

/** The sockets of a server and one chat, with a clock that the test moves. */
export async function startSockets(auth: Auth = localAuth, { heartbeatTimeoutMs = 20_000 } = {}) {
  let time = 1_000_000
  const now = () => time
  const store = memoryStore()
  await store.createChat({ id: chatId, ownerId: 'local', title: 'Chat', system: null, createdAt: 1 }, 'lineage0')
  const rooms = new Rooms({ cluster: localCluster(store.log), flushMs: 1, now, onEvict: async () => {} })
  const sockets = new Sockets({
    auth,
    access: new Access(store),
    origins: new Origins([]),
    rooms,
    now,
    catchUpMaxBytes: 1_000_000,
    admit: () => {},
    basePath: '',
    ...wideDoors(now),
    limits: { ...wideLimits, heartbeatMs: 15_000, heartbeatTimeoutMs, highWaterBytes: 1_000_000, stallMs: 60_000 },
  })
  const server = createServer()
  const detach = sockets.attach(server)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(async () => {
    await sockets.close()
    detach()
    await new Promise((resolve) => server.close(resolve))
    await rooms.close()
  })
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    sockets,
    rooms,
    now,
    /** Moves the clock and lets the sweep come by. */
    pass: (ms: number) => {
      time += ms
      sockets.sweep()
      rooms.sweep()
    },
    /** Gives the chat a title, as its only writer. */
    rename: async (title: string) => {
      const room = (await rooms.open(chatId))!
      if (!room.writer) rooms.attach(room, new ChatWriter(room.doc, await store.drawEpoch(chatId)))
      const writer = room.writer as ChatWriter
      writer.setChat({ title })
      rooms.flusher.flushNow(room)
      rooms.unpin(room)
    },
  }
}

/** A bare client that notes all that comes. */
export class Client {
  readonly socket: WebSocket
  /** Text frames as they are, binary frames as hex. */
  readonly frames: string[] = []
  pings = 0
  closed: { code: number; reason: string } | null = null

  constructor(url: string, options: { autoPong?: boolean } = {}) {
    this.socket = new WebSocket(url, { perMessageDeflate: false, ...options })
    this.socket.on('message', (data: Buffer, isBinary) =>
      this.frames.push(isBinary ? data.toString('hex') : data.toString()),
    )
    this.socket.on('ping', () => {
      this.pings += 1
    })
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
    })
    this.socket.on('error', () => {})
    onTestFinished(() => this.socket.terminate())
  }

  /** Waits for the connection, then sends frames. */
  async send(...frames: (string | Uint8Array)[]): Promise<void> {
    await until(() => this.socket.readyState === WebSocket.OPEN, 'the connection')
    for (const frame of frames) this.socket.send(frame)
  }

  async received(count: number): Promise<string[]> {
    await until(() => this.frames.length >= count, `${count} frames`)
    return this.frames
  }

  async close(): Promise<{ code: number; reason: string }> {
    await until(() => this.closed !== null, 'the close')
    return this.closed!
  }
}

export async function until(condition: () => boolean, what: string, deadlineMs = 5_000): Promise<void> {
  const deadline = performance.now() + deadlineMs
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`${what} did not come within ${deadlineMs} ms`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
