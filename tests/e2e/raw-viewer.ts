import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { digestOf } from '../../shared/digest.ts'
import {
  decodeChannelMessages,
  decodeServerControl,
  decodeStock,
  encodeControl,
  isEmptyUpdate,
  type ServerControl,
} from '../../shared/protocol.ts'
import { readMessage, type Message } from '../../shared/schema.ts'

/** What a viewer was sent, in order. */
export type Sent =
  | { type: 'difference' | 'update'; bytes: number; empty: boolean }
  | { type: 'control'; message: ServerControl; matches?: boolean }

/** A `/ws` viewer of one document whose reading can be paused: then the system's buffers fill, and the server's outbox. */
export class RawViewer {
  readonly socket: WebSocket
  readonly sent: Sent[] = []
  readonly doc = new Y.Doc()
  closed: { code: number; reason: string } | null = null
  onUpdate: (update: Uint8Array) => void = () => {}
  readonly #document: string
  readonly #apply: boolean

  /** @param apply keep a copy of the document; without it only what came is noted. */
  constructor(url: string, document: string, apply = true) {
    this.#document = document
    this.#apply = apply
    this.socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, { perMessageDeflate: false })
    this.socket.on('open', () => {
      this.socket.send(encodeControl({ type: 'hello', v: 1 }))
      this.socket.send(encodeControl({ type: 'subscribe', docs: [{ doc: document }] }))
    })
    this.socket.on('message', (data: Buffer, isBinary) => (isBinary ? this.#binary(data) : this.#text(data.toString())))
    this.socket.on('error', () => {})
    this.socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() }
    })
  }

  get json(): Message {
    return readMessage(this.doc)
  }

  get subscribed(): boolean {
    return this.sent.some((sent) => sent.type === 'difference')
  }

  /** The checkpoint at the end of the run came. */
  get finished(): boolean {
    return this.sent.some((sent) => sent.type === 'control' && sent.message.type === 'checkpoint' && sent.message.final)
  }

  controls(type: ServerControl['type']): number[] {
    return this.sent.flatMap((sent, index) => (sent.type === 'control' && sent.message.type === type ? [index] : []))
  }

  #binary(data: Buffer): void {
    for (const { message } of decodeChannelMessages(data)) {
      const stock = decodeStock(message)
      if (stock.type !== 'syncStep2' && stock.type !== 'update')
        throw new Error(`A server of ${this.#document} sent ${stock.type}.`)
      this.sent.push({
        type: stock.type === 'update' ? 'update' : 'difference',
        bytes: message.length,
        empty: isEmptyUpdate(stock.update),
      })
      if (this.#apply) Y.applyUpdate(this.doc, stock.update)
      this.onUpdate(stock.update)
    }
  }

  #text(text: string): void {
    const message = decodeServerControl(text)
    if (!message) return
    const matches = message.type === 'checkpoint' && this.#apply ? message.digest === digestOf(this.json) : undefined
    this.sent.push({ type: 'control', message, ...(matches !== undefined && { matches }) })
  }
}
