import { randomBytes } from 'node:crypto'
import * as Y from 'yjs'
import { RunnelError } from '../../shared/errors.ts'
import { documentKind, type Json } from '../../shared/schema.ts'
import { Authors } from '../auth/authors.ts'
import type { Cluster, LogContents } from '../cluster/cluster.ts'
import type { DocumentWriter } from '../document/writer.ts'
import { fenced } from './fence.ts'
import { Flusher } from './flusher.ts'
import { Following } from './following.ts'
import type { SharedPresence } from './presence.ts'
import { tellPresence } from './presence-telling.ts'
import { Room, type Compaction } from './room.ts'

/** A room that nobody uses stays this long: a refresh finds it. */
const lingerMs = 30_000
/** A document that nothing happens in is checked once after this time. */
const silenceMs = 5_000

export interface RoomsOptions {
  cluster: Pick<Cluster, 'many' | 'log' | 'follow' | 'heads' | 'tell' | 'node'>
  flushMs: number
  /** What guests are told instead of members' ids. */
  authors?: Authors
  now: () => number
  lingerMs?: number
  /** Told, once a broadcast, how long the oldest of what it carries has waited. */
  onShown?: (ms: number) => void
  /** What one who follows a document has thrown, or a document that cannot be shown. */
  onFault?: (error: unknown, doc: string) => void
  /** A room with a writer was closed cleanly: its epoch can be given back. */
  onEvict: (doc: string, writer: DocumentWriter) => Promise<void>
}

/** Without `shared` it asks who is there. */
export interface PresenceNews {
  type: 'presence'
  chat: string
  node: string
  shared?: SharedPresence
}

/** All live documents of this process. */
export class Rooms {
  readonly flusher: Flusher
  /** What other nodes write. */
  readonly following: Following
  readonly #cluster: RoomsOptions['cluster']
  readonly #authors: Authors
  readonly #now: () => number
  readonly #lingerMs: number
  readonly #onEvict: RoomsOptions['onEvict']
  readonly #onFault: NonNullable<RoomsOptions['onFault']>
  readonly #rooms = new Map<string, Room>()
  readonly #opening = new Map<string, Promise<Room | null>>()
  readonly #evicting = new Map<string, Promise<void>>()
  #lastChannel = 0

  constructor(options: RoomsOptions) {
    this.#cluster = options.cluster
    this.#authors = options.authors ?? new Authors()
    this.#now = options.now
    this.#lingerMs = options.lingerMs ?? lingerMs
    this.#onEvict = options.onEvict
    this.#onFault = options.onFault ?? (() => {})
    this.flusher = new Flusher({
      log: options.cluster.log,
      flushMs: options.flushMs,
      onShown: options.onShown,
      lose: (room, error) => this.#lose(room, error),
    })
    this.following = new Following({
      cluster: options.cluster,
      flusher: this.flusher,
      isOpen: (room) => this.#rooms.get(room.id) === room,
      lose: (room, error) => this.#lose(room, error),
    })
  }

  get size(): number {
    return this.#rooms.size
  }

  /** What the logs of all of them hold beside compacted parts. */
  get logSize(): { bytes: number; entries: number } {
    const size = { bytes: 0, entries: 0 }
    for (const { log } of this.#rooms.values()) {
      size.bytes += log.bytes
      size.entries += log.entries
    }
    return size
  }

  /** The room of a document if it is live. */
  peek(doc: string): Room | undefined {
    return this.#rooms.get(doc)
  }

  /** The room of a document, loaded if need be and pinned until `unpin`; null if the log knows no such document. */
  async open(doc: string): Promise<Room | null> {
    // A room on its way out gives its epoch back first: the next writer needs it.
    await this.#evicting.get(doc)
    let opening: Promise<Room | null> | undefined
    let room: Room | null | undefined = this.#rooms.get(doc)
    if (!room) {
      opening = this.#opening.get(doc)
      if (!opening) {
        opening = this.following
          .load(doc, (contents, loaded) => this.#rooms.get(doc) ?? this.#add(doc, contents, loaded))
          .finally(() => this.#opening.delete(doc))
        this.#opening.set(doc, opening)
      }
      room = await opening
    }
    if (room) room.pins += 1
    return room
  }

  unpin(room: Room): void {
    room.pins -= 1
    room.idleSince = this.#now()
  }

  /** The room of a document that was made just now, pinned. Nothing is read: who has opened it already has found it empty. */
  create(doc: string, lineage: string, epoch: number): Room {
    const contents = { lineage, epoch, seq: 0, state: null, updates: [] }
    const early = this.#rooms.get(doc)
    const room = early ?? this.#add(doc, contents, new Y.Doc({ guid: doc }))
    room.pins += 1
    if (!early) this.following.follow(room)
    return room
  }

  /** Documents that exist no more: who follows them is refused, nothing of them is written again. */
  forget(docs: readonly string[]): void {
    for (const doc of docs) {
      const gone = (room: Room | null | undefined) => {
        if (room) this.#lose(room, new RunnelError('not_found', 'This was deleted.'))
      }
      gone(this.#rooms.get(doc))
      // What was read before the deletion is worth nothing, either.
      this.#opening.get(doc)?.then(gone, () => {})
    }
  }

  /**
   * Lets a writer write into a room: what it collects is flushed from now on, text no more often than each `flushMs`.
   * Throws what the room was lost by.
   */
  attach(room: Room, writer: DocumentWriter, flushMs = 0): void {
    if (room.lost) throw room.lost
    room.writer = writer
    room.flushMs = flushMs
    writer.onEdit = (urgent) => this.flusher.schedule(room, urgent)
  }

  /** Those that somebody uses here, or that are written here, are brought up to their logs: every two seconds, where there are other nodes. Throws `store_unavailable`. */
  async compare(): Promise<void> {
    await this.following.compare(
      [...this.#rooms.values()].filter(
        (room) =>
          room.audience.viewers.size > 0 || room.audience.observers.size > 0 || room.pins > 0 || room.writer !== null,
      ),
    )
  }

  /** Nothing more is to be written or shown of it here: it belongs to another node. */
  abandon(room: Room): void {
    this.#lose(room, new RunnelError('store_unavailable', 'Another node has taken this document over.'))
  }

  /** Puts the state in place of the log at once: what was removed from the document is then in neither. */
  async compact(room: Room): Promise<void> {
    const compaction = await new Promise<(Compaction & { epoch: number }) | null>((resolve, reject) =>
      // Inside the callback: behind an `await` the next append may be in flight, which the log may never have.
      room.whenSettled(() => {
        const { writer } = room
        if (!writer || room.lost) return resolve(null)
        room.compaction((compaction) => resolve(compaction && { ...compaction, epoch: writer.epoch }), reject)
      }),
    )
    if (!compaction) return
    const { epoch, seq, state } = compaction
    await this.#cluster.log.compact(room.id, epoch, seq, state, room.shared)
  }

  /** Once a second: checkpoints that are due, rooms that nobody uses. One pass instead of a timer a room. */
  sweep(): void {
    const now = this.#now()
    for (const room of this.#rooms.values()) fenced(() => this.#sweepRoom(room, now), room.onFault)
  }

  #sweepRoom(room: Room, now: number): void {
    room.shown.differences.forget()
    this.#sharePresence(room)
    if (room.audience.viewers.size > 0) {
      const silent = !room.shown.quiet && now - room.shown.at >= silenceMs
      if (silent) room.shown.quiet = true
      room.sendCheckpoints(silent ? 'all' : 'due')
      tellPresence(room, this.#authors)
    } else if (!room.used && now - room.idleSince >= this.#lingerMs) {
      this.#evict(room)
    }
  }

  /** Writes all that waits and ends every room. */
  async close(): Promise<void> {
    this.flusher.close()
    // Its sockets are gone: other nodes need not find out by its silence.
    for (const room of this.#rooms.values()) this.#sharePresence(room)
    await Promise.allSettled(this.#opening.values())
    await Promise.all([...this.#rooms.values()].map((room) => this.#end(room)))
    await Promise.all(this.#evicting.values())
  }

  /** What another node tells of a chat, or asks. */
  presenceNews({ chat, node, shared }: PresenceNews): void {
    const presence = this.#rooms.get(chat)?.presence
    if (shared) presence?.takeShared(node, shared)
    else presence?.shareAgain()
  }

  #tellPresence(chat: string, shared?: SharedPresence): void {
    const news: PresenceNews = { type: 'presence', chat, node: this.#cluster.node, ...(shared && { shared }) }
    this.#cluster.tell(news as unknown as Json)
  }

  #sharePresence(room: Room): void {
    if (!this.#cluster.many || !room.presence) return
    const shared = room.presence.share(room.audience.viewers.size)
    if (shared) this.#tellPresence(room.id, shared)
  }

  #add(doc: string, contents: LogContents, loaded: Y.Doc): Room {
    const shared = this.#cluster.many && documentKind(doc) === 'chat'
    const room = new Room({
      id: doc,
      channel: ++this.#lastChannel,
      contents,
      doc: loaded,
      now: this.#now,
      shared,
      inMemory: this.#cluster.many && !shared,
      onFault: (error) => this.#onFault(error, doc),
    })
    this.#rooms.set(doc, room)
    return room
  }

  /** Each as soon as its own words are written: what comes while others are would be in flight, and in no log. */
  async #end(room: Room): Promise<void> {
    await new Promise<void>((ended) =>
      this.flusher.flushNow(room, () => {
        if (this.#rooms.get(room.id) === room) this.#evict(room)
        ended()
      }),
    )
  }

  /** To be called while nothing is appending. */
  #evict(room: Room): void {
    this.#rooms.delete(room.id)
    room.unfollow()
    const { writer } = room
    // A document that rests leaves nothing in the log.
    const state = writer && room.log.bytes > 0 ? room.encodeState() : null
    room.writer = null
    room.doc.destroy()
    if (!writer) return
    const done = this.#release(room, writer, state)
      .catch(() => {})
      .finally(() => this.#evicting.delete(room.id))
    this.#evicting.set(room.id, done)
  }

  /** What fails here is only a longer log, or an epoch that is spent: the next opening draws a new one. */
  async #release({ id, seq, shared }: Room, writer: DocumentWriter, state: Uint8Array | null): Promise<void> {
    if (state) await this.#cluster.log.compact(id, writer.epoch, seq, state, shared)
    await this.#onEvict(id, writer)
  }

  #lose(room: Room, error: RunnelError): void {
    if (this.#rooms.get(room.id) === room) this.#rooms.delete(room.id)
    room.unfollow()
    room.writer = null
    room.lose(error)
    room.doc.destroy()
  }
}

/** An id of a document's history: it changes only when the document is rebuilt under new ids. */
export function newLineage(): string {
  return randomBytes(6).toString('base64url')
}
