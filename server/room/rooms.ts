import { randomBytes } from 'node:crypto'
import { RunnelError } from '../../shared/errors.ts'
import { documentKind } from '../../shared/schema.ts'
import type { Cluster, LiveEntry, LogContents } from '../cluster/cluster.ts'
import type { DocumentWriter } from '../document/writer.ts'
import { Flusher } from './flusher.ts'
import { tellPresence } from './presence-telling.ts'
import { Room } from './room.ts'

/** A room that nobody uses stays this long: a refresh finds it. */
const lingerMs = 30_000
/** A document that nothing happens in is checked once after this time. */
const silenceMs = 5_000

export interface RoomsOptions {
  cluster: Pick<Cluster, 'many' | 'log' | 'follow' | 'lastSeqs'>
  flushMs: number
  now: () => number
  lingerMs?: number
  /** Told, once a broadcast, how long the oldest of what it carries has waited. */
  onShown?: (ms: number) => void
  /** A room with a writer was closed cleanly: its epoch can be given back. */
  onEvict: (doc: string, writer: DocumentWriter) => Promise<void>
}

/** All live documents of this process. */
export class Rooms {
  readonly flusher: Flusher
  readonly #cluster: RoomsOptions['cluster']
  readonly #now: () => number
  readonly #lingerMs: number
  readonly #onEvict: RoomsOptions['onEvict']
  readonly #rooms = new Map<string, Room>()
  readonly #opening = new Map<string, Promise<Room | null>>()
  readonly #evicting = new Map<string, Promise<void>>()
  #lastChannel = 0
  /** Rooms that were ahead of the log when numbers were compared. */
  readonly #suspects = new Set<Room>()
  readonly #catchingUp = new Set<Room>()
  #comparing = false

  constructor(options: RoomsOptions) {
    this.#cluster = options.cluster
    this.#now = options.now
    this.#lingerMs = options.lingerMs ?? lingerMs
    this.#onEvict = options.onEvict
    this.flusher = new Flusher({ log: options.cluster.log, flushMs: options.flushMs, onShown: options.onShown, lose: (room, error) => this.#lose(room, error) })
  }

  get size(): number {
    return this.#rooms.size
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
        opening = this.#load(doc).finally(() => this.#opening.delete(doc))
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

  /** The room of a document that was made just now, pinned: nobody can have it yet, so nothing is read. */
  create(doc: string, lineage: string, epoch: number): Room {
    const room = this.#add(doc, { lineage, epoch, seq: 0, state: null, updates: [] })
    room.pins += 1
    // Nobody else writes it yet; what comes before this is through is found by its number.
    if (this.#cluster.many) void this.#cluster.follow(doc, entry => this.#take(room, entry)).then(unfollow => this.#followed(room, unfollow), () => {})
    return room
  }

  /** Documents that exist no more: who follows them is refused, nothing of them is written again. */
  forget(docs: readonly string[]): void {
    for (const doc of docs) {
      const gone = (room: Room | null | undefined) => { if (room) this.#lose(room, new RunnelError('not_found', 'This was deleted.')) }
      gone(this.#rooms.get(doc))
      // What was read before the deletion is worth nothing, either.
      this.#opening.get(doc)?.then(gone, () => {})
    }
  }

  /** Lets a writer write into a room: what it collects is flushed from now on. */
  attach(room: Room, writer: DocumentWriter): void {
    room.writer = writer
    writer.onEdit = urgent => this.flusher.schedule(room, urgent)
  }

  /** Puts the state in place of the log at once: what was removed from the document is then in neither. */
  async compact(room: Room): Promise<void> {
    await new Promise<void>(resolve => room.whenSettled(resolve))
    if (room.writer && !room.lost) await this.#cluster.log.compact(room.id, room.writer.epoch, room.seq, room.compactedState())
  }

  /** Once a second: checkpoints that are due, rooms that nobody uses. One pass instead of a timer a room. */
  sweep(): void {
    const now = this.#now()
    for (const room of this.#rooms.values()) {
      room.differences.forget()
      if (room.viewers.size > 0) {
        const silent = !room.quiet && now - room.shownAt >= silenceMs
        room.sendCheckpoints(silent ? 'all' : 'due')
        tellPresence(room)
        if (silent) room.quiet = true
      } else if (!room.used && now - room.idleSince >= this.#lingerMs) {
        this.#evict(room)
      }
    }
  }

  /** Writes all that waits and ends every room. */
  async close(): Promise<void> {
    this.flusher.close()
    await Promise.all([...this.#opening.values()])
    await Promise.all([...this.#rooms.values()].map(room => new Promise<void>(written => this.flusher.flushNow(room, written))))
    for (const room of [...this.#rooms.values()]) this.#evict(room)
    await Promise.all(this.#evicting.values())
  }

  /**
   * Every two seconds, where there are other nodes: a document that somebody
   * follows here is brought up to its log, since the last word of another node
   * may have been lost on its way. Throws `store_unavailable`.
   */
  async compare(): Promise<void> {
    if (!this.#cluster.many || this.#comparing) return
    this.#comparing = true
    try {
      const rooms = [...this.#rooms.values()].filter(room => room.viewers.size > 0 || room.observer || room.pins > 0)
      const seqs = await this.#cluster.lastSeqs(rooms.map(room => room.id))
      for (const [i, room] of rooms.entries()) {
        const seq = seqs[i] ?? null
        if (seq === null || room.lost || room.appending) continue
        if (seq > room.seq) await this.#catchUp(room)
        if (seq >= room.seq || this.#writesAlone(room)) this.#suspects.delete(room)
        // Its writer would have put that right by now: what this room shows, the log has lost.
        else if (this.#suspects.has(room)) this.#lose(room, new RunnelError('store_unavailable', 'This document has lost its newest part; it is read again.'))
        else this.#suspects.add(room)
      }
    } finally {
      this.#comparing = false
    }
  }

  async #load(doc: string): Promise<Room | null> {
    const { log, many, follow } = this.#cluster
    if (!many) {
      const contents = await log.read(doc)
      return contents && this.#add(doc, contents)
    }
    // Followed before it is read: nothing falls between the two.
    const early: LiveEntry[] = []
    let take = (entry: LiveEntry): void => { early.push(entry) }
    const unfollow = await follow.call(this.#cluster, doc, entry => take(entry))
    const contents = await log.read(doc).catch((error: unknown) => {
      unfollow()
      throw error
    })
    if (!contents) {
      unfollow()
      return null
    }
    const room = this.#add(doc, contents)
    this.#followed(room, unfollow)
    take = entry => this.#take(room, entry)
    for (const entry of early) take(entry)
    return room
  }

  #followed(room: Room, unfollow: () => void): void {
    if (this.#rooms.get(room.id) === room) room.unfollow = unfollow
    else unfollow()
  }

  /** An entry of another node. */
  #take(room: Room, entry: LiveEntry): void {
    room.whenSettled(() => {
      if (room.lost || this.#rooms.get(room.id) !== room) return
      if (!this.flusher.corked(cork => room.take(entry, cork))) void this.#catchUp(room).catch(() => {})
    })
  }

  /** Reads what the log has beyond this room. */
  async #catchUp(room: Room): Promise<void> {
    if (this.#catchingUp.has(room)) return
    this.#catchingUp.add(room)
    try {
      const contents = await this.#cluster.log.read(room.id)
      await new Promise<void>(resolve => room.whenSettled(resolve))
      if (contents && !room.lost && contents.seq > room.seq) this.flusher.corked(cork => room.catchUp(contents, cork))
    } finally {
      this.#catchingUp.delete(room)
    }
  }

  /** A message whose run is here: nobody else can know better. */
  #writesAlone(room: Room): boolean {
    return room.writer !== null && documentKind(room.id) === 'message'
  }

  #add(doc: string, contents: LogContents): Room {
    const shared = this.#cluster.many && documentKind(doc) === 'chat'
    const room = new Room({ id: doc, channel: ++this.#lastChannel, contents, now: this.#now, shared })
    this.#rooms.set(doc, room)
    return room
  }

  #evict(room: Room): void {
    this.#rooms.delete(room.id)
    room.unfollow()
    this.#suspects.delete(room)
    const { writer, seq } = room
    // A document that rests leaves nothing in the log.
    const state = writer && room.logBytes > 0 ? room.encodeState() : null
    room.writer = null
    room.doc.destroy()
    if (!writer) return
    const done = this.#release(room.id, writer, seq, state).catch(() => {}).finally(() => this.#evicting.delete(room.id))
    this.#evicting.set(room.id, done)
  }

  /** What fails here is only a longer log, or an epoch that is spent: the next opening draws a new one. */
  async #release(doc: string, writer: DocumentWriter, seq: number, state: Uint8Array | null): Promise<void> {
    if (state) await this.#cluster.log.compact(doc, writer.epoch, seq, state)
    await this.#onEvict(doc, writer)
  }

  #lose(room: Room, error: RunnelError): void {
    if (this.#rooms.get(room.id) === room) this.#rooms.delete(room.id)
    room.unfollow()
    this.#suspects.delete(room)
    room.writer = null
    room.lose(error)
    room.doc.destroy()
  }
}

/** An id of a document's history: it changes only when the document is rebuilt under new ids. */
export function newLineage(): string {
  return randomBytes(6).toString('base64url')
}
