/** A bare viewer of one document that goes from node to node with its copy, and counts what it is paid. */
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'
import * as Y from 'yjs'
import { digestOf } from '../../shared/digest.ts'
import {
  decodeChannelMessages,
  decodeServerControl,
  decodeStock,
  encodeControl,
  encodeStock,
} from '../../shared/protocol.ts'
import { isTerminal, readDocument, type Chat, type Message } from '../../shared/schema.ts'

export type Wire = '/ws' | '/yjs'

export class Hopper {
  readonly doc = new Y.Doc()
  readonly wire: Wire
  /** UTF-16 units of the text in all updates. */
  textUnits = 0
  /** Of all frames. */
  bytes = 0
  updates = 0
  hops = 0
  resets = 0
  /** Of the server: closes that no hop asked for, refusals. */
  readonly faults: string[] = []
  /** The run has ended, and all of it is here. */
  ended = false
  readonly #url: string
  readonly #id: string
  #socket: WebSocket | null = null
  #lineage: string | undefined

  constructor(url: string, id: string, wire: Wire) {
    this.#url = url.replace(/^http/, 'ws')
    this.#id = id
    this.wire = wire
    onTestFinished(() => this.#socket?.terminate())
  }

  get json(): Message | Chat {
    return readDocument(this.#id, this.doc)
  }

  get digest(): string {
    return digestOf(this.json)
  }

  /** Leaves the socket that it has, in the middle of whatever comes, and opens the next one; resolves when it has what it lacked. */
  hop(): Promise<void> {
    this.#socket?.terminate()
    this.hops += 1
    const socket = (this.#socket = new WebSocket(this.#url + (this.wire === '/ws' ? '/ws' : `/yjs/${this.#id}`), {
      perMessageDeflate: false,
    }))
    return new Promise((resolve) => {
      socket.on('error', () => {})
      socket.on('close', (code) => {
        if (socket === this.#socket) this.faults.push(`closed with ${code}`)
        resolve()
      })
      socket.on('open', () => {
        if (this.wire === '/ws') socket.send(encodeControl({ type: 'hello', v: 1 }))
        else socket.send(encodeStock({ type: 'syncStep1', stateVector: Y.encodeStateVector(this.doc) }))
      })
      socket.on('message', (data: Buffer, isBinary) => {
        // What is on its way when a tab goes is lost.
        if (socket !== this.#socket) return
        this.bytes += data.length
        if (!isBinary) this.#control(data.toString(), socket)
        else
          for (const message of this.wire === '/ws'
            ? [...decodeChannelMessages(data)].map(({ message }) => message)
            : [data])
            this.#take(message, resolve)
      })
    })
  }

  close(): void {
    const socket = this.#socket
    this.#socket = null
    socket?.terminate()
  }

  #control(text: string, socket: WebSocket): void {
    const message = decodeServerControl(text)
    if (message?.type === 'welcome') {
      const copy = this.#lineage !== undefined && { stateVector: Y.encodeStateVector(this.doc), lineage: this.#lineage }
      socket.send(encodeControl({ type: 'subscribe', docs: [{ doc: this.#id, ...copy }] }))
    } else if (message?.type === 'subscribed') {
      for (const { reset, lineage } of message.docs) {
        if (reset) this.resets += 1
        this.#lineage = lineage
      }
    } else if (message?.type === 'checkpoint') {
      if (message.digest !== this.digest) this.faults.push('a checkpoint differs')
      this.ended ||= message.final
    } else if (message?.type === 'refused') this.faults.push(`refused: ${message.code}`)
    else if (message?.type === 'error') this.faults.push(`error: ${message.code}`)
  }

  #take(bytes: Uint8Array, synced: () => void): void {
    const stock = decodeStock(bytes)
    if (stock.type !== 'syncStep2' && stock.type !== 'update') return
    this.updates += 1
    for (const { content } of Y.decodeUpdate(stock.update).structs as { content?: unknown }[]) {
      if (content instanceof Y.ContentString) this.textUnits += content.str.length
    }
    Y.applyUpdate(this.doc, stock.update)
    if (stock.type === 'syncStep2') synced()
    // The stock protocol has no checkpoints.
    if (this.wire === '/yjs') this.ended = isTerminal((this.json as Message).status)
  }
}
