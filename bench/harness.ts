/** What the benches share: a document with its log and viewers, without the network where it is not what is measured. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import type { Duplex } from 'node:stream'
import { WebSocket } from 'ws'
import type { LogAppend, UpdateLog } from '../server/cluster/cluster.ts'
import { MessageWriter } from '../server/document/message-writer.ts'
import { CatchUpQueue } from '../server/room/catchup.ts'
import { Outbox } from '../server/room/outbox.ts'
import type { Room } from '../server/room/room.ts'
import { localCluster } from '../server/cluster/local.ts'
import { Rooms } from '../server/room/rooms.ts'
import { Session } from '../server/room/session.ts'
import { openSqliteStore } from '../server/store/sqlite/sqlite.ts'
import type { Store } from '../server/store/store.ts'

/** One measured figure; `ok` where the issue names a bound. */
export interface Figure {
  name: string
  value: number
  unit: string
  bound?: number
  note?: string
}

export interface Bench {
  name: string
  run(): Promise<Figure[]>
}

/** Tokens of 4.27 bytes on average, as English text has. */
const tokens = [
  ' the',
  ' tide',
  ' is',
  ' a',
  ' slow',
  ' wave',
  ' that',
  ' runs',
  ' ahead',
  ' of',
  ' moon',
  '.',
  ' and',
  ' water',
  ' rose',
]

export function token(i: number): string {
  return tokens[i % tokens.length]!
}

/** A socket that takes everything at once and counts it. */
export class Sink extends Writable {
  bytes = 0

  override _write(chunk: Uint8Array, _encoding: string, done: () => void): void {
    this.bytes += chunk.length
    done()
  }
}

/** A message on a SQLite log in a temporary folder, followed by sinks. */
export class BenchDocument {
  readonly store: Store
  readonly rooms: Rooms
  readonly room: Room
  writer: MessageWriter
  readonly sinks: Sink[] = []
  logBytes = 0
  readonly #folder: string

  private constructor(folder: string, store: Store, rooms: Rooms, log: { bytes: number }, room: Room) {
    this.#folder = folder
    this.store = store
    this.rooms = rooms
    this.room = room
    this.writer = this.#attach(1)
    Object.defineProperty(this, 'logBytes', { get: () => log.bytes })
  }

  #attach(epoch: number): MessageWriter {
    const writer = new MessageWriter(this.room.doc, epoch)
    this.rooms.attach(this.room, writer)
    // Flushes are the bench's own: one `flush` a tick.
    writer.onEdit = () => {}
    return writer
  }

  /** A next run goes on with the message, as Continue does. */
  async goOn(): Promise<void> {
    this.writer = this.#attach(await this.store.drawEpoch(this.room.id))
  }

  static async open(): Promise<BenchDocument> {
    const folder = mkdtempSync(join(tmpdir(), 'runnel-bench-'))
    const store = openSqliteStore(join(folder, 'bench.db'))
    const counted = { bytes: 0 }
    const rooms = new Rooms({
      cluster: localCluster(countingLog(store.log, counted)),
      flushMs: 40,
      now: Date.now,
      onEvict: async () => {},
    })
    const chatId = 'chat_bench0000'
    const id = 'msg_bench00000'
    await store.createChat({ id: chatId, ownerId: 'bench', title: 'Bench', system: null, createdAt: 1 }, 'lineage0')
    await store.startRun({
      userMessage: null,
      lineage: 'lineage1',
      assistant: {
        id,
        chatId,
        parentId: null,
        createdAt: 1,
        taskId: 'task_bench0000',
        userId: 'bench',
        node: 'local',
        status: 'queued',
        request: null,
      },
    })
    const document = new BenchDocument(folder, store, rooms, counted, rooms.create(id, 'lineage1', 1))
    document.writer.setMessage({
      id,
      chatId,
      parentId: null,
      role: 'assistant',
      model: 'bench',
      taskId: 'task_bench0000',
      status: 'streaming',
      createdAt: 1_800_000_000_000,
      schema: 1,
    })
    document.flush()
    return document
  }

  async addViewer(format: 'channels' | 'stock' = 'channels'): Promise<Sink> {
    const sink = new Sink()
    const outbox = new Outbox(sink as unknown as Duplex, { highWaterBytes: 1_000_000, now: Date.now })
    const session = new Session({ format, outbox, catchUp: new CatchUpQueue(64_000_000), close: () => {} })
    session.follow([{ room: this.room, stateVector: undefined, reset: false, role: 'viewer' }])
    this.sinks.push(sink)
    // The state is on its way: what follows goes straight to the socket.
    await new Promise((resolve) => setImmediate(resolve))
    return sink
  }

  flush(): void {
    this.rooms.flusher.flushNow(this.room)
  }

  async close(): Promise<void> {
    await this.rooms.close()
    await this.store.close()
    rmSync(this.#folder, { recursive: true })
  }
}

function countingLog(log: UpdateLog, counted: { bytes: number }): UpdateLog {
  return {
    ...log,
    append: (entries: readonly LogAppend[]) => {
      for (const entry of entries) for (const update of entry.updates) counted.bytes += update.length
      return log.append(entries)
    },
  }
}

/** POSTs JSON; the JSON that comes back. */
export async function post(url: string, body: object, headers: Record<string, string> = {}): Promise<any> {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  return await response.json()
}

/** A viewer that only looks at what comes. */
export async function watch(url: string, messageId: string, onFrame: (data: Buffer) => void): Promise<WebSocket> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, {
    perMessageDeflate: false,
    skipUTF8Validation: true,
  })
  socket.on('message', (data: Buffer, isBinary) => {
    if (isBinary) onFrame(data)
  })
  await once(socket, 'open')
  socket.send('{"type":"hello","v":1}')
  socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: messageId }] }))
  return socket
}

/** CPU time of this process spent in `work`, µs. */
export function cpuOf(work: () => void): number {
  const before = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

export function quantile(values: number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN
}

export function median(values: number[]): number {
  return quantile(values, 0.5)
}
