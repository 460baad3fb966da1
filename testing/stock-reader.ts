import * as Y from 'yjs'
import { decodeStock, encodeStock } from '../shared/protocol.ts'
import { readMessage, type Message } from '../shared/schema.ts'
import type { SeenFrame } from './collector.ts'

export interface StockReaderOptions {
  token?: string
  /** A copy to go on from. */
  doc?: Y.Doc
  onFrame?: (frame: SeenFrame) => void
  onChange?: () => void
}

/** A reader of `/yjs/<message id>`, as any Yjs provider of others is one: built on the stock protocol alone. */
export class StockReader {
  readonly doc: Y.Doc
  closed: { code: number; reason: string } | null = null
  readonly #socket: WebSocket

  /** @param url of the server, `http://…` */
  constructor(url: string, messageId: string, { token, doc, onFrame, onChange }: StockReaderOptions = {}) {
    this.doc = doc ?? new Y.Doc()
    const query = token === undefined ? '' : `?token=${encodeURIComponent(token)}`
    this.#socket = new WebSocket(`${url.replace(/^http/, 'ws')}/yjs/${messageId}${query}`)
    this.#socket.binaryType = 'arraybuffer'
    const tell = (direction: SeenFrame['direction'], bytes: number, words: string) =>
      onFrame?.({ at: performance.now(), direction, bytes, words })
    this.#socket.addEventListener('open', () => {
      const asked = encodeStock({ type: 'syncStep1', stateVector: Y.encodeStateVector(this.doc) })
      tell('out', asked.length, 'syncStep1')
      this.#socket.send(Uint8Array.from(asked))
    })
    this.#socket.addEventListener('message', ({ data }) => {
      const frame = new Uint8Array(data as ArrayBuffer)
      const message = decodeStock(frame)
      tell('in', frame.length, message.type)
      if (message.type === 'syncStep2' || message.type === 'update') Y.applyUpdate(this.doc, message.update)
      onChange?.()
    })
    this.#socket.addEventListener('close', ({ code, reason }) => {
      this.closed = { code, reason }
      onChange?.()
    })
    // What an error means is in the close event that follows it.
    this.#socket.addEventListener('error', () => {})
  }

  get message(): Message {
    return readMessage(this.doc)
  }

  close(): void {
    this.#socket.close()
  }
}
