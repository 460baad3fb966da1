import { hasDigest } from '../../client/check.ts'
import type { Replica } from '../../client/replica.ts'
import { Subscriptions } from '../../client/subscriptions.ts'
import { decodeServerControl, encodeControl, type ServerControl } from '../../shared/protocol.ts'
import { documentKind, messageMap, outputArray, readDocument, type Chat, type Message } from '../../shared/schema.ts'
import type { Line } from './network.ts'
import { hello, newCounts, receive, type Repeat, type Viewer, type ViewerReport } from './viewers.ts'

// Here time passes faster than a part of the client is loaded: checkpoints compare from the first one on.
await hasDigest({ chat: { id: '', title: '', createdAt: 0 }, messages: {} }, '')

/** The client library's copies and subscriptions; its socket is ours. */
export class LibraryViewer implements Viewer {
  readonly name: string
  readonly docs: readonly string[]
  readonly counts = newCounts()
  line: Line | null = null
  readonly #report: ViewerReport
  readonly #repeat: Repeat
  readonly #subscriptions: Subscriptions
  readonly #replicas = new Map<string, Replica>()
  readonly #final = new Map<number, boolean>()
  readonly #channels = new Map<string, number>()

  constructor(name: string, docs: readonly string[], report: ViewerReport, repeat: Repeat) {
    this.name = name
    this.docs = docs
    this.#report = report
    this.#repeat = repeat
    this.#subscriptions = new Subscriptions({
      send: (message) => {
        // It unsubscribes for one reason here: a checkpoint that differs.
        if (message.type === 'unsubscribe') this.reloads++
        this.line?.say(encodeControl(message))
      },
    })
    for (const id of docs) this.#replicas.set(id, this.#subscriptions.follow(id).replica)
  }

  /** Copies that were found wrong and loaded again. */
  reloads = 0
  /** What becomes of a frame before the library gets it; null: it is lost. */
  tamper: (frame: Uint8Array) => Uint8Array | null = (frame) => frame

  replica(id: string): Replica {
    return this.#replicas.get(id)!
  }

  connect(line: Line): void {
    this.line = line
    this.#final.clear()
    line.say(encodeControl(hello))
  }

  pump(count: number): void {
    receive(this, count, (arrival) => {
      if (arrival.kind === 'text') this.#control(decodeServerControl(arrival.text)!)
      else if (arrival.kind === 'binary') this.#frame(arrival.bytes)
    })
  }

  json(id: string): Message | Chat | null {
    const { shown, state } = this.#replicas.get(id)!
    if (state.status === 'diverged') this.#report.fault(this, 'its copy has diverged')
    if (!shown) return null
    if (documentKind(id) === 'chat') return readDocument(id, shown.doc)
    const fields = shown.view.read(messageMap(shown.doc)) as Message
    return { ...fields, output: shown.view.read(outputArray(shown.doc)) as Message['output'] }
  }

  sawFinal(id: string): boolean {
    return this.#final.get(this.#channels.get(id) ?? -1) ?? false
  }

  close(): void {
    this.#subscriptions.close()
  }

  #control(message: ServerControl): void {
    if (message.type === 'welcome') return this.#subscriptions.opened()
    if (message.type === 'subscribed') for (const { doc, channel } of message.docs) this.#channels.set(doc, channel)
    if (message.type === 'checkpoint') {
      this.counts.checkpoints++
      this.#final.set(message.channel, message.final)
    }
    if (message.type === 'lagging') this.counts.lags++
    if (message.type === 'refused') this.counts.refusals++
    this.#subscriptions.control(message)
  }

  #frame(frame: Uint8Array): void {
    const bytes = this.tamper(frame)
    if (!bytes) return
    for (let times = this.#repeat() ? 2 : 1; times > 0; times--) this.#subscriptions.frame(bytes)
    for (const id of this.docs) this.#report.saw(this, id)
  }
}
