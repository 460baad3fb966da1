import { hash } from 'node:crypto'
import * as Y from 'yjs'
import { digestOf } from '../../shared/digest.ts'
import type { MessageChange } from '../../shared/events.ts'
import type { RunnelError } from '../../shared/errors.ts'
import { encodeChannelMessage, encodeControl, encodeStock } from '../../shared/protocol.ts'
import { documentKind, isTerminal, messageMap, readDocument, type Chat, type Message, type MessageStatus } from '../../shared/schema.ts'
import type { LogAppend, LogContents } from '../cluster/cluster.ts'
import type { DocumentWriter } from '../document/writer.ts'
import { Broadcast } from './broadcast.ts'
import type { Difference } from './catchup.ts'
import { binaryFrames, framesBytes, textFrames, type Frames } from './frame.ts'
import type { Outbox } from './outbox.ts'
import { Presence, type Participant } from './presence.ts'
import type { SessionFormat, Subscription } from './session.ts'

/** The log of a document is compacted when what came since is larger than this and than the compacted part. */
const compactBytes = 65_536
/** State differences that nobody waits for any more are kept up to this size, for the next who asks with the same state vector. */
const keptDifferencesBytes = 1_000_000
/** What keeping a small one costs beside its bytes. */
const differenceOverheadBytes = 1_000

interface PresenceFrames {
  channels: Frames
  stock: Frames
}

/** One that follows a document change by change, behind the log: it serves all readers of its kind. */
export interface ChangeObserver {
  shown(changes: readonly MessageChange[]): void
  lost(error: RunnelError): void
}

/** A live document: its replica, its writer, its place in the log, and who follows it. */
export class Room {
  readonly id: string
  readonly lineage: string
  /** Who is there; chats only. */
  readonly presence: Presence | null
  /** Numbers the document on `/ws`: one a room and process, never used again. */
  readonly channel: number
  readonly doc: Y.Doc
  readonly viewers = new Set<Subscription>()
  writer: DocumentWriter | null = null
  /** Set while nothing is appending (`whenSettled`), so that it misses nothing. */
  observer: ChangeObserver | null = null
  /** Users of the room that are no viewers (a run, a request): it is not evicted while there are any. */
  pins = 0
  /** Since when nobody uses it, epoch ms. */
  idleSince: number
  /** When an update was last shown, epoch ms. */
  shownAt: number
  /** When its text was last written, on the clock of `performance.now`. */
  flushedAt = 0
  /** The viewers have had a checkpoint since. */
  quiet = false
  /** Its log could not be written: the replica is ahead of the truth and gone. */
  lost: RunnelError | null = null
  onLost: (error: RunnelError) => void = () => {}
  readonly #now: () => number
  #seq: number
  #logBytes: number
  #stateBytes: number
  #updates: Uint8Array[] = []
  #changes: MessageChange[] | undefined
  #shownVector: Map<number, number>
  #appending = false
  #settled: (() => void)[] = []
  // Of the version that is shown; dropped with every update.
  #stateVector: Uint8Array | null = null
  #checkpoint: Frames | null = null
  #differences = new Map<string, Difference>()

  constructor(options: { id: string; channel: number; contents: LogContents; now: () => number }) {
    const { contents, now } = options
    this.id = options.id
    this.channel = options.channel
    this.presence = documentKind(options.id) === 'chat' ? new Presence(options.now) : null
    this.lineage = contents.lineage
    this.doc = new Y.Doc({ guid: options.id })
    this.doc.transact(() => {
      if (contents.state) Y.applyUpdate(this.doc, contents.state)
      for (const update of contents.updates) Y.applyUpdate(this.doc, update)
    })
    this.#seq = contents.seq
    this.#stateBytes = contents.state?.length ?? 0
    this.#logBytes = totalBytes(contents.updates)
    this.#shownVector = Y.decodeStateVector(Y.encodeStateVector(this.doc))
    this.doc.on('afterTransaction', transaction => { this.#lastVector = transaction.afterState })
    this.#lastVector = this.#shownVector
    this.#now = now
    this.idleSince = this.shownAt = now()
  }

  /** State vector after the last transaction; shown once the log has it. */
  #lastVector: Map<number, number>

  /** An append is in flight: what the document holds is not all in the log. */
  get appending(): boolean {
    return this.#appending
  }

  get seq(): number {
    return this.#seq
  }

  /** Bytes in the log that no state holds yet. */
  get logBytes(): number {
    return this.#logBytes
  }

  get used(): boolean {
    return this.viewers.size > 0 || this.pins > 0 || this.#appending || (this.writer?.dirty ?? false)
  }

  removeViewer(subscription: Subscription): void {
    this.viewers.delete(subscription)
    const { session } = subscription
    if (session.user) this.presence?.leave(session as Participant & typeof session)
    this.idleSince = this.#now()
  }

  /** Writes what the writer has collected into the document; null if it was nothing. Until `publish`, nothing more is written or read. */
  commit(): LogAppend | null {
    if (!this.writer || this.#appending) return null
    this.#changes = this.observer ? [] : undefined
    this.#updates = this.writer.commit(this.#changes)
    if (this.#updates.length === 0) return null
    this.#appending = true
    return { doc: this.id, epoch: this.writer.epoch, previousSeq: this.#seq, updates: this.#updates, rewrites: this.writer.rewrites }
  }

  /** The log has what `commit` wrote: now it is shown. Returns the state to compact the log to, if that is due. */
  publish(seq: number, cork: (outbox: Outbox) => void): Uint8Array | null {
    const before = this.#shownVector
    this.#seq = seq
    this.#appending = false
    this.#shownVector = this.#lastVector
    this.#stateVector = this.#checkpoint = null
    this.#differences.clear()
    this.#logBytes += totalBytes(this.#updates)
    this.shownAt = this.#now()
    this.quiet = false
    if (this.viewers.size > 0) {
      const broadcast = new Broadcast(this.channel, this.#updates, cork, before)
      for (const viewer of this.viewers) viewer.session.deliver(viewer, broadcast)
      if (this.ended) this.sendCheckpoints('all')
    }
    if (this.#changes) this.observer?.shown(this.#changes)
    this.#updates = []
    const state = this.#logBytes > Math.max(compactBytes, this.#stateBytes) ? this.compactedState() : null
    this.#settle()
    return state
  }

  /** The state that takes the log's place from now on. */
  compactedState(): Uint8Array {
    const state = this.encodeState()
    this.#stateBytes = state.length
    this.#logBytes = 0
    return state
  }

  /** Ends the room: every viewer is refused with the error, the owner is told. */
  lose(error: RunnelError): void {
    if (this.lost) return
    this.lost = error
    for (const viewer of this.viewers) viewer.session.refuse(this.id, error.code, error.message)
    this.observer?.lost(error)
    this.onLost(error)
    this.#settle()
  }

  /** Calls back when document and log are the same: now, or when the append in flight is through. */
  whenSettled(settled: () => void): void {
    if (this.#appending) this.#settled.push(settled)
    else settled()
  }

  /** The canonical JSON of what has been shown, or could be by now. Throws what the room was lost by. */
  async read(): Promise<Message | Chat> {
    return await new Promise((resolve, reject) => this.whenSettled(() => {
      if (this.lost) reject(this.lost)
      else resolve(readDocument(this.id, this.doc))
    }))
  }

  /** A message whose run has ended. */
  get ended(): boolean {
    return documentKind(this.id) === 'message' && isTerminal(messageMap(this.doc).get('status') as MessageStatus)
  }

  /** The chat whose members may read this document. */
  get chatId(): string {
    return documentKind(this.id) === 'chat' ? this.id : messageMap(this.doc).get('chatId') as string
  }

  encodeState(): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc)
  }

  /** The state vector of what has been shown. */
  stateVector(): Uint8Array {
    return (this.#stateVector ??= Y.encodeStateVector(this.#shownVector))
  }

  /** Does a reader have something of a server's client id that this document does not have? Its tail was lost; it must start anew. */
  isBehind(reader: ReadonlyMap<number, number>, isServerClientId: (client: number) => boolean): boolean {
    for (const [client, clock] of reader) {
      if (isServerClientId(client) && clock > (this.#shownVector.get(client) ?? 0)) return true
    }
    return false
  }

  /** What a reader with this state vector lacks, as one SyncStep2; equal state vectors share one buffer. */
  difference(stateVector: Uint8Array | undefined, format: SessionFormat): Difference {
    const key = `${format}:${stateVector ? Buffer.from(stateVector).toString('latin1') : ''}`
    let difference = this.#differences.get(key)
    if (!difference) {
      this.forgetDifferences(keptDifferencesBytes)
      const message = encodeStock({ type: 'syncStep2', update: Y.encodeStateAsUpdate(this.doc, stateVector) })
      const frames = binaryFrames(format === 'stock' ? message : encodeChannelMessage(this.channel, message))
      difference = { frames, bytes: framesBytes(frames), holders: 0 }
      this.#differences.set(key, difference)
    }
    return difference
  }

  /** Encoded once a version. */
  checkpointFrames(): Frames {
    return (this.#checkpoint ??= textFrames(encodeControl({
      type: 'checkpoint',
      channel: this.channel,
      stateVector: this.stateVector(),
      digest: digestOf(readDocument(this.id, this.doc), text => hash('sha256', text, 'buffer')),
      final: this.ended,
    })))
  }

  /** Lets go of differences that nobody waits for, but for the newest up to so many bytes. */
  forgetDifferences(keepBytes = 0): void {
    for (const [key, { bytes, holders }] of [...this.#differences].reverse()) {
      if (holders > 0) continue
      keepBytes -= bytes + key.length + differenceOverheadBytes
      if (keepBytes < 0) this.#differences.delete(key)
    }
  }

  /** `due`: to those who joined or caught up; `all`: the run ended, or the document has been silent. */
  sendCheckpoints(to: 'due' | 'all'): void {
    if (this.#appending) return
    for (const viewer of this.viewers) {
      if (to === 'all' || viewer.checkpointDue) viewer.session.checkpoint(viewer)
    }
  }

  /** Once a second: who came, changed or left, to all; everybody, to those who came. */
  tellPresence(): void {
    if (!this.presence) return
    const changes = this.presence.changes(this.viewers.size)
    const toAll = changes && this.#presenceFrames(changes)
    let toNew: PresenceFrames | null | undefined
    for (const viewer of this.viewers) {
      if (viewer.presenceDue) {
        viewer.presenceDue = false
        if (toNew === undefined) {
          const everybody = this.presence.everybody()
          toNew = everybody && this.#presenceFrames(everybody)
        }
        if (toNew) viewer.session.tellPresence(viewer, toNew)
      } else if (toAll) {
        viewer.session.tellPresence(viewer, toAll)
      }
    }
  }

  #presenceFrames(message: Uint8Array): PresenceFrames {
    return { channels: binaryFrames(encodeChannelMessage(this.channel, message)), stock: binaryFrames(message) }
  }

  #settle(): void {
    this.#appending = false
    // One of those who waited may write again: the others wait for that, too.
    while (!this.#appending) {
      const call = this.#settled.shift()
      if (!call) return
      call()
    }
  }
}

function totalBytes(updates: readonly Uint8Array[]): number {
  let bytes = 0
  for (const update of updates) bytes += update.length
  return bytes
}
