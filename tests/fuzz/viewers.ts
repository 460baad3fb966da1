import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as sync from 'y-protocols/sync'
import * as Y from 'yjs'
import {
  decodeChannelMessages,
  decodeServerControl,
  decodeStock,
  encodeControl,
  type ClientControl,
  type ServerControl,
} from '../../shared/protocol.ts'
import { readDocument, type Chat, type Message } from '../../shared/schema.ts'
import type { Arrival, Line } from './network.ts'
import { signIn } from './sign-in.ts'
import { quickDigest } from './watched-log.ts'

export const hello: ClientControl = { type: 'hello', v: 1, ...(signIn.token !== undefined && { token: signIn.token }) }

/** What a viewer tells the test. */
export interface ViewerReport {
  /** After every frame that may have changed the copy. */
  saw: (viewer: Viewer, doc: string) => void
  /** Something that must never happen. */
  fault: (viewer: Viewer, what: string) => void
}

/** Says whether the frame that was just taken comes a second time. */
export type Repeat = () => boolean

export interface Viewer {
  readonly name: string
  readonly docs: readonly string[]
  line: Line | null
  connect(line: Line): void
  /** Takes what has arrived, `count` messages at the most. */
  pump(count: number): void
  /** The canonical JSON of its copy; null while it has none. */
  json(doc: string): Message | Chat | null
  /** The newest checkpoint of this connection was final. */
  sawFinal(doc: string): boolean
  readonly counts: { checkpoints: number; lags: number; resets: number; refusals: number; closes: number }
}

export function newCounts(): Viewer['counts'] {
  return { checkpoints: 0, lags: 0, resets: 0, refusals: 0, closes: 0 }
}

/** Receives until `count` messages were taken or the line is broken. */
export function receive(viewer: Viewer, count: number, take: (arrival: Arrival) => void): void {
  for (; count > 0 && viewer.line && !viewer.line.broken; count--) {
    const arrival = viewer.line.receive()
    if (!arrival) return
    if (arrival.kind === 'closed') {
      viewer.counts.closes++
      viewer.line = null
    }
    take(arrival)
  }
}

interface Copy {
  doc: Y.Doc
  lineage: string | undefined
  channel: number | null
  /** Of this subscription: the state came. */
  synced: boolean
  lagging: boolean
  final: boolean
}

/** A `/ws` viewer written from the protocol alone; it checks every rule that it can see. */
export class PlainViewer implements Viewer {
  readonly name: string
  readonly docs: readonly string[]
  readonly counts = newCounts()
  line: Line | null = null
  readonly #report: ViewerReport
  readonly #repeat: Repeat
  readonly #copies = new Map<string, Copy>()

  constructor(name: string, docs: readonly string[], report: ViewerReport, repeat: Repeat) {
    this.name = name
    this.docs = docs
    this.#report = report
    this.#repeat = repeat
    for (const id of docs)
      this.#copies.set(id, {
        doc: new Y.Doc(),
        lineage: undefined,
        channel: null,
        synced: false,
        lagging: false,
        final: false,
      })
  }

  connect(line: Line): void {
    this.line = line
    for (const copy of this.#copies.values())
      Object.assign(copy, { channel: null, synced: false, lagging: false, final: false })
    line.say(encodeControl(hello))
    this.subscribe(this.docs)
  }

  subscribe(docs: readonly string[]): void {
    this.line?.say(
      encodeControl({
        type: 'subscribe',
        docs: docs.map((id) => {
          const { doc, lineage } = this.#copies.get(id)!
          return lineage === undefined ? { doc: id } : { doc: id, stateVector: Y.encodeStateVector(doc), lineage }
        }),
      }),
    )
  }

  /** Leaves a document and comes back in the same breath. */
  resubscribe(id: string): void {
    this.line?.say(encodeControl({ type: 'unsubscribe', docs: [id] }))
    this.subscribe([id])
  }

  pump(count: number): void {
    receive(this, count, (arrival) => {
      if (arrival.kind === 'text') this.#control(decodeServerControl(arrival.text)!)
      else if (arrival.kind === 'binary') this.#frame(arrival.bytes)
    })
  }

  json(id: string): Message | Chat | null {
    const copy = this.#copies.get(id)!
    return copy.lineage === undefined ? null : readDocument(id, copy.doc)
  }

  sawFinal(id: string): boolean {
    return this.#copies.get(id)!.final
  }

  #byChannel(channel: number): [string, Copy] | undefined {
    return [...this.#copies].find(([, copy]) => copy.channel === channel)
  }

  #control(message: ServerControl): void {
    switch (message.type) {
      case 'subscribed':
        for (const { doc: id, channel, lineage, reset } of message.docs) {
          const copy = this.#copies.get(id)!
          if (reset) {
            this.counts.resets++
            copy.doc = new Y.Doc()
          }
          Object.assign(copy, { channel, lineage, synced: false, lagging: false })
        }
        return
      case 'refused':
        this.counts.refusals++
        this.#copies.get(message.doc)!.channel = null
        return this.subscribe([message.doc])
      case 'checkpoint': {
        const found = this.#byChannel(message.channel)
        if (!found) return
        const [id, copy] = found
        this.counts.checkpoints++
        copy.final = message.final
        const own = quickDigest(readDocument(id, copy.doc))
        if (!copy.synced) this.#report.fault(this, 'a checkpoint came before the state')
        else if (own !== message.digest) this.#report.fault(this, `a checkpoint of ${id} differs from this copy`)
        return
      }
      case 'lagging':
      case 'caughtUp': {
        const found = this.#byChannel(message.channel)
        if (!found) return
        if (message.type === 'lagging') this.counts.lags++
        found[1].lagging = message.type === 'lagging'
        return
      }
      case 'error':
        return this.#report.fault(this, `an error came: ${message.message}`)
    }
  }

  #frame(bytes: Uint8Array): void {
    const touched = new Set<string>()
    for (let times = this.#repeat() ? 2 : 1; times > 0; times--) {
      for (const { channel, message } of decodeChannelMessages(bytes)) {
        const found = this.#byChannel(channel)
        if (!found) continue
        const [id, copy] = found
        const stock = decodeStock(message)
        if (stock.type !== 'syncStep2' && stock.type !== 'update') {
          this.#report.fault(this, `a ${stock.type} came`)
          continue
        }
        if (stock.type === 'syncStep2') copy.synced = true
        else if (!copy.synced) this.#report.fault(this, 'an update came before the state (W8)')
        else if (copy.lagging) this.#report.fault(this, 'an update came between lagging and the difference (W13)')
        Y.applyUpdate(copy.doc, stock.update)
        touched.add(id)
      }
    }
    for (const id of touched) this.#report.saw(this, id)
  }
}

/** What a y-websocket provider does, on `/yjs/<doc>`. */
export class StockViewer implements Viewer {
  readonly name: string
  readonly docs: readonly string[]
  readonly counts = newCounts()
  line: Line | null = null
  readonly #report: ViewerReport
  readonly #repeat: Repeat
  #doc = new Y.Doc()
  #loaded = false

  constructor(name: string, docs: readonly string[], report: ViewerReport, repeat: Repeat) {
    this.name = name
    this.docs = docs.slice(0, 1)
    this.#report = report
    this.#repeat = repeat
  }

  connect(line: Line): void {
    this.line = line
    this.resync()
    // Awareness, as stock providers send it on opening.
    line.say(Uint8Array.of(1, 1, 0))
  }

  resync(): void {
    this.line?.say(
      encoding.encode((encoder) => {
        encoding.writeVarUint(encoder, 0)
        sync.writeSyncStep1(encoder, this.#doc)
      }),
    )
  }

  pump(count: number): void {
    receive(this, count, (arrival) => {
      if (arrival.kind === 'text') this.#report.fault(this, 'a text frame came on /yjs')
      else if (arrival.kind === 'binary') this.#frame(arrival.bytes)
      else if (arrival.code === 4409) {
        this.counts.resets++
        this.#doc = new Y.Doc()
      }
    })
  }

  json(id: string): Message | Chat | null {
    return this.#loaded ? readDocument(id, this.#doc) : null
  }

  sawFinal(): boolean {
    return true
  }

  #frame(bytes: Uint8Array): void {
    for (let times = this.#repeat() ? 2 : 1; times > 0; times--) {
      const decoder = decoding.createDecoder(bytes)
      const type = decoding.readVarUint(decoder)
      if (type === 1) continue
      if (type !== 0) {
        this.#report.fault(this, `a message of type ${type} came`)
        continue
      }
      const reply = encoding.createEncoder()
      encoding.writeVarUint(reply, 0)
      const kind = sync.readSyncMessage(decoder, reply, this.#doc, this)
      if (kind === 0) this.#report.fault(this, 'the server sent a sync step 1 (Y2)')
      if (kind === 1) this.#loaded = true
    }
    this.#report.saw(this, this.docs[0]!)
  }
}
