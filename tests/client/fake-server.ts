import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { WebSocketServer, type WebSocket } from 'ws'
import * as Y from 'yjs'
import { digestOf } from '../../shared/digest.ts'
import type { ErrorCode } from '../../shared/errors.ts'
import {
  decodeClientControl,
  encodeChannelMessage,
  encodeControl,
  encodeStock,
  type ClientControl,
  type ServerControl,
  type SubscribeRequest,
} from '../../shared/protocol.ts'
import { readDocument } from '../../shared/schema.ts'

/** A document on the fake server. */
export interface ServedDocument {
  readonly id: string
  doc: Y.Doc
  channel: number
  lineage: string
  /** What `subscribed` says of every copy; otherwise a copy of another lineage is reset. */
  alwaysReset: boolean
  /** Answers a subscribe with this refusal. */
  refuse: { code: ErrorCode; message: string } | null
  /** `subscribed` and the state are held back until `release`. */
  held: boolean
}

export class FakeConnection {
  readonly socket: WebSocket
  readonly received: ClientControl[] = []
  readonly frames: Buffer[] = []
  readonly subscribed = new Set<string>()

  constructor(socket: WebSocket) {
    this.socket = socket
  }

  control(message: ServerControl | { type: 'from the future' }): void {
    this.socket.send(encodeControl(message as ServerControl))
  }

  frame(...parts: Uint8Array[]): void {
    this.socket.send(Buffer.concat(parts))
  }

  ofType<Type extends ClientControl['type']>(type: Type): Extract<ClientControl, { type: Type }>[] {
    return this.received.filter((message) => message.type === type) as Extract<ClientControl, { type: Type }>[]
  }

  /** Every document asked for, message by message. */
  get subscribes(): SubscribeRequest[][] {
    return this.ofType('subscribe').map((message) => message.docs)
  }
}

/**
 * A small server of `/ws` over real sockets, written from the protocol alone:
 * it shows what it was sent and does as each test tells it.
 */
export class FakeServer {
  readonly connections: FakeConnection[] = []
  readonly documents = new Map<string, ServedDocument>()
  heartbeatMs = 15_000
  /** Answers `hello`; default: welcome. */
  onHello: (connection: FakeConnection, hello: Extract<ClientControl, { type: 'hello' }>) => void = (connection) =>
    this.welcome(connection)
  answersPing = true
  onRequest: (request: IncomingMessage, response: ServerResponse) => void = (_request, response) => void response.end()
  readonly #http: Server
  readonly #sockets: WebSocketServer
  #port = 0

  constructor() {
    this.#http = createServer((request, response) => this.onRequest(request, response))
    this.#sockets = new WebSocketServer({ server: this.#http, path: '/ws' })
    this.#sockets.on('connection', (socket) => this.#connected(socket))
  }

  get url(): string {
    return `http://127.0.0.1:${this.#port}`
  }

  get last(): FakeConnection {
    const connection = this.connections.at(-1)
    if (!connection) throw new Error('nobody has connected')
    return connection
  }

  get open(): FakeConnection[] {
    return this.connections.filter(({ socket }) => socket.readyState === socket.OPEN)
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => {
      this.#http.listen(this.#port, '127.0.0.1', resolve)
    })
    this.#port = (this.#http.address() as AddressInfo).port
    return this
  }

  async close(): Promise<void> {
    for (const { socket } of this.connections) socket.terminate()
    this.#sockets.close()
    this.#http.closeAllConnections()
    if (this.#http.listening)
      await new Promise((resolve) => {
        this.#http.close(resolve)
      })
    for (const { doc } of this.documents.values()) doc.destroy()
  }

  welcome(connection: FakeConnection): void {
    connection.control({ type: 'welcome', v: 1, user: { id: 'u', name: 'U' }, heartbeatMs: this.heartbeatMs })
  }

  serve(id: string, fill: (doc: Y.Doc) => void = () => {}): ServedDocument {
    const served: ServedDocument = {
      id,
      doc: new Y.Doc({ guid: id }),
      channel: this.documents.size + 1,
      lineage: 'first',
      alwaysReset: false,
      refuse: null,
      held: false,
    }
    served.doc.clientID = 64
    served.doc.transact(() => fill(served.doc))
    this.documents.set(id, served)
    return served
  }

  /** Changes a document and tells its followers; returns the update. */
  edit(id: string, change: (doc: Y.Doc) => void): Uint8Array {
    const update = this.editUnseen(id, change)
    this.broadcast(id, update)
    return update
  }

  /** Changes a document and tells nobody: a lost update. */
  editUnseen(id: string, change: (doc: Y.Doc) => void): Uint8Array {
    const { doc } = this.#document(id)
    const updates: Uint8Array[] = []
    const collect = (update: Uint8Array) => updates.push(update)
    doc.on('update', collect)
    doc.transact(() => change(doc))
    doc.off('update', collect)
    return updates[0]!
  }

  broadcast(id: string, update: Uint8Array): void {
    for (const connection of this.#followers(id)) connection.frame(this.channelUpdate(id, update))
  }

  channelUpdate(id: string, update: Uint8Array): Uint8Array {
    return encodeChannelMessage(this.#document(id).channel, encodeStock({ type: 'update', update }))
  }

  checkpoint(id: string, over: { digest?: string } = {}): void {
    const { doc, channel } = this.#document(id)
    for (const connection of this.#followers(id)) {
      connection.control({
        type: 'checkpoint',
        channel,
        stateVector: Y.encodeStateVector(doc),
        digest: digestOf(readDocument(id, doc)),
        final: false,
        ...over,
      })
    }
  }

  /** Answers a subscribe as the real server does: `subscribed`, then what the state vector lacks. */
  answer(connection: FakeConnection, requests: readonly SubscribeRequest[]): void {
    for (const request of requests) {
      const served = this.documents.get(request.doc)
      const refusal = served ? served.refuse : { code: 'not_found' as const, message: 'There is no such document.' }
      if (!served || refusal) {
        connection.control({ type: 'refused', doc: request.doc, ...refusal! })
        continue
      }
      if (served.held) continue
      const reset = served.alwaysReset || (request.lineage !== undefined && request.lineage !== served.lineage)
      connection.subscribed.add(served.id)
      connection.control({
        type: 'subscribed',
        docs: [{ doc: served.id, channel: served.channel, lineage: served.lineage, reset, role: 'owner' }],
      })
      const update = Y.encodeStateAsUpdate(served.doc, reset ? undefined : request.stateVector)
      connection.frame(encodeChannelMessage(served.channel, encodeStock({ type: 'syncStep2', update })))
    }
  }

  /** Answers what was held back. */
  release(id: string): void {
    this.#document(id).held = false
    const request = this.last.subscribes.flat().findLast(({ doc }) => doc === id)
    if (request) this.answer(this.last, [request])
  }

  #connected(socket: WebSocket): void {
    const connection = new FakeConnection(socket)
    this.connections.push(connection)
    socket.on('message', (data: Buffer, isBinary) => {
      if (isBinary) return void connection.frames.push(data)
      const message = decodeClientControl(data.toString())
      connection.received.push(message)
      if (message.type === 'hello') this.onHello(connection, message)
      if (message.type === 'ping' && this.answersPing) connection.control({ type: 'pong' })
      if (message.type === 'subscribe') this.answer(connection, message.docs)
      if (message.type === 'unsubscribe') for (const doc of message.docs) connection.subscribed.delete(doc)
    })
  }

  #document(id: string): ServedDocument {
    const served = this.documents.get(id)
    if (!served) throw new Error(`no document ${id}`)
    return served
  }

  #followers(id: string): FakeConnection[] {
    return this.open.filter(({ subscribed }) => subscribed.has(id))
  }
}
