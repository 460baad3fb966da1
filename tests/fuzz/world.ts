import type { IncomingMessage } from 'node:http'
import { Access } from '../../server/auth/access.ts'
import { wideDoors, wideLimits } from '../helpers/wide-limits.ts'
import { MessageWriter } from '../../server/document/message-writer.ts'
import type { CatchUpQueue } from '../../server/room/catchup.ts'
import { localCluster } from '../../server/cluster/local.ts'
import { newLineage, Rooms } from '../../server/room/rooms.ts'
import type { Room } from '../../server/room/room.ts'
import { ChannelsClient } from '../../server/socket/channels.ts'
import { Connection } from '../../server/socket/connection.ts'
import { Conversations } from '../../server/socket/conversations.ts'
import { Sync } from '../../server/socket/sync.ts'
import { WebSocketTransport } from '../../server/socket/websocket.ts'
import { StockClient, stockKeepAlive, stockKeepAliveMs } from '../../server/socket/stock.ts'
import { memoryStore } from '../../server/store/memory/memory.ts'
import { HttpLine } from './http-line.ts'
import { Line } from './network.ts'
import { signIn } from './sign-in.ts'
import { LogWatch, ProcessLog } from './watched-log.ts'

export interface WorldOptions {
  docs: readonly string[]
  /** The log answers later. */
  later: boolean
  highWaterBytes: number
  kernelBytes: number
  catchUpMaxBytes: number
}

/** One server process: all that is lost when it is killed. */
interface Process {
  log: ProcessLog
  rooms: Rooms
  catchUp: CatchUpQueue
  /** Over HTTP. */
  conversations: Conversations
  sync: Sync
  httpLines: Set<HttpLine>
  connections: Map<Connection, { client: ChannelsClient | StockClient; line: Line }>
  open: Map<string, { room: Room; writer: MessageWriter }>
}

const chatId = 'chat_fuzzfuzz'

/**
 * Log, rooms, sessions, outboxes and both socket protocols as the server wires
 * them, on a network that moves by hand. Time is what fake timers say.
 */
export class World {
  readonly store = memoryStore()
  readonly watch = new LogWatch()
  readonly options: WorldOptions
  process!: Process

  constructor(options: WorldOptions) {
    this.options = options
  }

  async create(): Promise<void> {
    await this.store.createChat(
      { id: chatId, ownerId: signIn.ownerId, title: '', system: null, createdAt: 1 },
      newLineage(),
    )
    if (signIn.viewerId !== signIn.ownerId)
      await this.store.putMember(chatId, {
        userId: signIn.viewerId,
        name: signIn.viewerId,
        role: 'viewer',
        joinedAt: 1,
      })
    for (const id of this.options.docs) {
      await this.store.startRun({
        userMessage: null,
        lineage: newLineage(),
        assistant: {
          id,
          chatId,
          parentId: null,
          createdAt: 1,
          taskId: `task_${id}`,
          userId: signIn.ownerId,
          node: 'local',
          status: 'queued',
          request: null,
        },
      })
    }
    await this.start()
    for (const id of this.options.docs) {
      this.writer(id).setMessage({
        id,
        chatId,
        parentId: null,
        role: 'assistant',
        status: 'queued',
        createdAt: 1,
        schema: 1,
      })
    }
  }

  /** A process begins and takes every document up for writing. */
  async start(): Promise<void> {
    const log = new ProcessLog(this.store.log, this.watch, this.options.later)
    const rooms = new Rooms({
      cluster: localCluster(log),
      flushMs: 40,
      now: Date.now,
      onEvict: (doc, writer) => this.store.releaseEpoch(doc, writer.epoch),
    })
    const { admission, addresses, onRefused, maxPresenceBytes } = wideDoors(Date.now)
    const limits = this.#limits
    const conversations = new Conversations({
      auth: signIn.auth,
      access: new Access(this.store),
      rooms,
      limits,
      catchUpMaxBytes: this.options.catchUpMaxBytes,
      maxPresenceBytes,
      onRefused,
      now: Date.now,
    })
    const sync = new Sync({
      conversations,
      cluster: { node: 'local', many: false, tell: () => {} },
      admission,
      addresses,
      limits,
      onRefused,
      now: Date.now,
    })
    this.process = {
      log,
      rooms,
      catchUp: conversations.catchUp,
      conversations,
      sync,
      httpLines: new Set(),
      connections: new Map(),
      open: new Map(),
    }
    for (const id of this.options.docs) await this.takeUp(id)
  }

  /** Opens a document for writing, under a new epoch. */
  async takeUp(id: string): Promise<void> {
    const { rooms, open } = this.process
    const room = (await rooms.open(id))!
    const writer = new MessageWriter(room.doc, await this.store.drawEpoch(id))
    rooms.attach(room, writer)
    open.set(id, { room, writer })
  }

  /** The process is killed. Its log answers to nobody any more. */
  kill(): Process {
    const { process } = this
    process.log.dead = true
    for (const { line } of process.connections.values()) line.vanish()
    for (const line of process.httpLines) line.vanish()
    return process
  }

  room(id: string): Room {
    return this.process.open.get(id)!.room
  }

  writer(id: string): MessageWriter {
    return this.process.open.get(id)!.writer
  }

  /** A socket on `/ws`, or on `/yjs/<stockDoc>`. */
  connect(stockDoc?: string, { keepWritten = false, kernelBytes = this.options.kernelBytes } = {}): Line {
    const line = new Line({ kernelBytes, keepWritten })
    const { rooms, catchUp, connections } = this.process
    const limits = this.#limits
    const { admission, onRefused, maxPresenceBytes } = wideDoors(Date.now)
    const places = {
      auth: signIn.auth,
      access: new Access(this.store),
      rooms,
      now: Date.now,
      maxPresenceBytes,
      request: {} as IncomingMessage,
      ticket: admission.admit('here'),
      ...limits,
    }
    const common = {
      transport: new WebSocketTransport(line.webSocket, line.socket),
      limits,
      catchUp,
      now: Date.now,
      onRefused,
    }
    if (stockDoc === undefined) {
      const connection = new Connection({
        ...common,
        format: 'channels',
        keepAliveMs: limits.heartbeatMs,
        keepAlive: (connection) => connection.session.control({ type: 'pong' }),
        onText: (_connection, text) => client.onText(text),
        onBinary: (_connection, bytes) => client.onBinary(bytes),
        onClosed: (connection) => connections.delete(connection),
      })
      const client = new ChannelsClient(connection, places)
      connections.set(connection, { client, line })
    } else {
      const connection = new Connection({
        ...common,
        format: 'stock',
        keepAliveMs: stockKeepAliveMs,
        keepAlive: (connection) => connection.session.send(stockKeepAlive),
        onText: () => {
          throw new Error('text on /yjs')
        },
        onBinary: (_connection, bytes) => client.onBinary(bytes),
        onClosed: (connection) => {
          client.closed()
          connections.delete(connection)
        },
      })
      const client = new StockClient(connection, stockDoc, signIn.token, places)
      connections.set(connection, { client, line })
    }
    return line
  }

  /** A session on a stream or on polls. */
  connectHttp(transport: 'stream' | 'poll', instead: string | null, mishap: () => boolean): Line {
    const { sync, httpLines } = this.process
    const line = new HttpLine({ sync, transport, kernelBytes: this.options.kernelBytes, instead, mishap })
    httpLines.add(line)
    return line
  }

  get #limits() {
    return {
      ...wideLimits,
      heartbeatMs: 15_000,
      heartbeatTimeoutMs: 20_000,
      highWaterBytes: this.options.highWaterBytes,
      stallMs: 60_000,
    }
  }

  /** What the server does once a second. */
  sweep(): void {
    this.process.conversations.sweep()
    for (const [connection, { client }] of this.process.connections) {
      if (client instanceof ChannelsClient) client.sweep()
      connection.sweep()
    }
    this.process.rooms.sweep()
  }
}
