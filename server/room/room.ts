import * as Y from 'yjs'
import type { RunnelError } from '../../shared/errors.ts'
import type { MessageChange } from '../../shared/events.ts'
import {
  documentKind,
  isTerminal,
  messageMap,
  readDocument,
  type Chat,
  type Message,
  type MessageStatus,
} from '../../shared/schema.ts'
import type { LogAppend, LogContents, LiveEntry } from '../cluster/cluster.ts'
import { changesOf, repeats } from '../document/changes.ts'
import { encodeStateSteps } from '../document/state.ts'
import type { DocumentWriter } from '../document/writer.ts'
import { Audience } from './audience.ts'
import { Broadcast } from './broadcast.ts'
import { Checkpoints } from './checkpoints.ts'
import { fenced, type OnFault } from './fence.ts'
import { applyContents, exceeds } from './log-contents.ts'
import { LogPosition } from './log-position.ts'
import { LogSize } from './log-size.ts'
import type { Outbox } from './outbox.ts'
import { Presence } from './presence.ts'
import { isReadable } from './readable.ts'
import { Settling } from './settling.ts'
import { Shown } from './shown.ts'
import type { Viewer } from './viewer.ts'

/** All that the entries up to this number say, in one update. */
export interface Compaction {
  seq: number
  state: Uint8Array
}

/** A live document: its replica, its writer, its place in the log, and who follows it. */
export class Room {
  readonly id: string
  readonly lineage: string
  /** The newest writer of the log that is known here. */
  epoch: number
  /** Who is there; chats only. */
  readonly presence: Presence | null
  /** Numbers the document on `/ws`: one a room and process, never used again. */
  readonly channel: number
  readonly doc: Y.Doc
  /** What has been shown of it. */
  readonly shown: Shown
  /** Who follows it. */
  readonly audience: Audience
  writer: DocumentWriter | null = null
  /** Users of the room that are no viewers (a run, a request): it is not evicted while there are any. */
  pins = 0
  /** Since when nobody uses it, epoch ms. */
  idleSince: number
  /** Its text is written no more often than so, ms; 0: as often as all others. */
  flushMs = 0
  /** When its text was last written, on the clock of `performance.now`. */
  flushedAt = 0
  /** Its log could not be written: the replica is ahead of the truth and gone. */
  lost: RunnelError | null = null
  onLost: (error: RunnelError) => void = () => {}
  /** Ends the following of what other nodes write. */
  unfollow: () => void = () => {}
  /** Several nodes write it, each under an epoch of its own. */
  readonly shared: boolean
  readonly #now: () => number
  /** Which entries of its log it holds. */
  readonly position: LogPosition
  /** What its log holds that no state does yet. */
  readonly log: LogSize
  #updates: Uint8Array[] = []
  #changes: MessageChange[] | undefined
  readonly #settling: Settling
  /** Told what the code of those who follow throws; nobody else is harmed by it. */
  readonly onFault: OnFault
  readonly #checkpoints: Checkpoints

  constructor(options: {
    id: string
    channel: number
    contents: LogContents
    /** What `contents` hold. */
    doc: Y.Doc
    now: () => number
    shared?: boolean
    inMemory?: boolean
    onFault?: OnFault
  }) {
    const { contents, now } = options
    this.onFault = options.onFault ?? (() => {})
    this.audience = new Audience(this.onFault)
    this.#settling = new Settling(this.onFault)
    this.shared = options.shared ?? false
    this.id = options.id
    this.channel = options.channel
    this.presence = documentKind(options.id) === 'chat' ? new Presence(options.now) : null
    this.lineage = contents.lineage
    this.epoch = contents.epoch
    this.doc = options.doc
    this.position = new LogPosition(contents.seq, this.shared)
    this.shown = new Shown(this.doc, this.channel, now)
    this.#checkpoints = new Checkpoints(this)
    this.log = new LogSize(contents, options.inMemory ?? false)
    this.#now = now
    this.idleSince = now()
  }

  /**
   * An append is in flight: what the document holds is not all in the log. Or
   * the document is held. Either way nothing is written, and who reads waits.
   */
  get appending(): boolean {
    return !this.#settling.settled
  }

  get seq(): number {
    return this.position.seq
  }

  get used(): boolean {
    return this.audience.viewers.size > 0 || this.pins > 0 || this.appending || (this.writer?.dirty ?? false)
  }

  removeViewer(viewer: Viewer): void {
    this.audience.viewers.delete(viewer)
    if (viewer.participant) this.presence?.leave(viewer.participant)
    this.idleSince = this.#now()
  }

  /** Writes what the writer has collected into the document; null if it was nothing. Until `publish`, nothing more is written or read. */
  commit(): LogAppend | null {
    if (!this.writer || this.appending) return null
    const changes = this.audience.observers.size > 0 ? [] : undefined
    const updates = this.writer.commit(changes)
    return updates.length > 0 ? this.#append(this.writer, updates, changes) : null
  }

  /** An entry of what the log has lost; of nothing, by which it is asked whether it has all that is shown. Like `commit`. */
  again(updates: Uint8Array[] = []): LogAppend | null {
    return this.writer && !this.appending ? this.#append(this.writer, updates) : null
  }

  #append(writer: DocumentWriter, updates: Uint8Array[], changes?: MessageChange[]): LogAppend {
    this.#updates = updates
    this.#changes = changes
    this.#settling.appending = true
    return {
      doc: this.id,
      epoch: writer.epoch,
      previousSeq: this.seq,
      updates,
      rewrites: writer.rewrites,
      ...(this.shared && { shared: true }),
    }
  }

  /** The log has what `commit` wrote: now it is shown. `compact` is told what to compact the log to, if that is due. */
  publish(seq: number, cork: (outbox: Outbox) => void, compact: (compaction: Compaction | null) => void): void {
    const [updates, changes] = [this.#updates, this.#changes]
    this.position.appended(seq, updates.length > 0)
    this.#settling.appending = false
    if (updates.length > 0) this.#show(updates, cork)
    if (changes) this.audience.tell((observer) => observer.shown(changes))
    // Who is called back below may write again: the state is of the number before that.
    if (this.log.isDue && !this.appending) this.compaction(compact)
    this.#settling.settle()
  }

  /**
   * Takes an entry that another node has appended and shows it. False: the log
   * has something that is not here. To be called while nothing is appending.
   */
  take({ seq, updates }: LiveEntry, cork: (outbox: Outbox) => void): boolean {
    if (!updates.every(isReadable)) return false
    // With other words than those that are known, it is of a writer that goes on from a log which has lost its tail.
    if (this.position.has(seq)) {
      const hasOthers = updates.some((update) => exceeds(Y.parseUpdateMeta(update).to, this.shown.written))
      if (hasOthers) this.position.heardOtherWords()
      return !hasOthers
    }
    if (this.position.isTooFar(seq)) return false
    this.position.add(seq)
    // Observers are told update by update: who reads waits for all of them.
    this.#settling.appending = true
    for (const update of updates) {
      const apply = () => Y.applyUpdate(this.doc, update)
      if (this.audience.observers.size === 0) apply()
      else if (!repeats(update, this.shown.written)) {
        const changes = changesOf(this.doc, apply)
        this.audience.tell((observer) => observer.shown(changes))
      } else {
        apply()
        this.audience.tell((observer) => observer.moved())
      }
    }
    this.#settling.appending = false
    this.#show(updates, cork)
    this.#settling.settle()
    return true
  }

  /** Takes all that the log holds, and shows what was not here. To be called while nothing is appending. */
  catchUp(contents: LogContents, cork: (outbox: Outbox) => void): void {
    const before = this.shown.stateVector()
    applyContents(this.doc, contents)
    this.position.addUpTo(contents.seq)
    this.#show([Y.encodeStateAsUpdate(this.doc, before)], cork)
    this.audience.tell((observer) => observer.moved())
  }

  /** Of a document that one node writes at a time: what has come builds on something that never will. */
  get isIncomplete(): boolean {
    return !this.shared && this.doc.store.pendingStructs !== null
  }

  /** What takes the log's place from now on; null where the room is lost before. To be called while nothing is appending. */
  compaction(compact: (compaction: Compaction | null) => void, failed: OnFault = this.onFault): void {
    this.hold(
      encodeStateSteps(this.doc),
      (state) => {
        if (state) this.log.compacted(state.length)
        compact(state && { seq: this.seq, state })
      },
      failed,
    )
  }

  /** The whole document, and the number of the last entry that it holds. Throws what the room was lost by. */
  async state(): Promise<Compaction> {
    return await this.#settled((resolve, reject) =>
      this.hold(
        encodeStateSteps(this.doc),
        (state) => (state ? resolve({ seq: this.seq, state }) : reject(this.lost!)),
        reject,
      ),
    )
  }

  /** Ends the room: every viewer is refused with the error, the owner is told. */
  lose(error: RunnelError): void {
    if (this.lost) return
    this.lost = error
    this.audience.lose(error)
    fenced(() => this.onLost(error), this.onFault)
    // Not before: who stands in line behind those refused would be sent what the log does not have.
    this.#settling.abandon()
  }

  /**
   * Does what reads this document and may be too much for one turn of the event loop; at once, where one slice is enough.
   * Calls back while the document is still as it was read; with null where the room was lost meanwhile; `failed` where
   * the work throws. To be called while nothing is appending.
   */
  hold<T>(steps: Iterator<unknown, T>, done: (value: T | null) => void, failed: OnFault): void {
    this.#settling.hold(steps, (value) => done(this.lost ? null : value), failed)
  }

  /** Calls back when document and log are the same: now, or when the append in flight is through. */
  whenSettled(settled: () => void): void {
    this.#settling.whenSettled(settled)
  }

  /** The canonical JSON of what has been shown, or could be by now. Throws what the room was lost by. */
  async read(): Promise<Message | Chat> {
    return await this.#settled((resolve) => resolve(readDocument(this.id, this.doc)))
  }

  async #settled<T>(work: (resolve: (value: T) => void, reject: OnFault) => void): Promise<T> {
    return await new Promise((resolve, reject) =>
      this.whenSettled(() => {
        if (this.lost) reject(this.lost)
        else fenced(() => work(resolve, reject), reject)
      }),
    )
  }

  /** A message whose run has ended. */
  get ended(): boolean {
    return documentKind(this.id) === 'message' && isTerminal(messageMap(this.doc).get('status') as MessageStatus)
  }

  encodeState(): Uint8Array {
    return Y.encodeStateAsUpdate(this.doc)
  }

  /** `due`: to those who joined or caught up; `all`: the run ended, or the document has been silent. */
  sendCheckpoints(to: 'due' | 'all'): void {
    if (to === 'all') this.audience.checkpointDue(true)
    if (!this.appending) this.#checkpoints.send(this.ended)
  }

  /** What is in the document and in the log now goes to the viewers. */
  #show(updates: readonly Uint8Array[], cork: (outbox: Outbox) => void): void {
    const before = this.shown.advance()
    this.log.add(updates)
    if (this.audience.viewers.size === 0) return
    this.audience.deliver(new Broadcast(this.channel, updates, cork, before))
    if (this.ended) this.sendCheckpoints('all')
  }
}
