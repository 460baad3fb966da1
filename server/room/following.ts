import * as Y from 'yjs'
import { RunnelError } from '../../shared/errors.ts'
import { documentKind } from '../../shared/schema.ts'
import { isWrittenBeyond } from '../document/lanes.ts'
import type { Cluster, LiveEntry, LogContents, LogHead } from '../cluster/cluster.ts'
import { Coalesced } from './coalesced.ts'
import type { Flusher } from './flusher.ts'
import { exceeds, loadContents, missingFrom, stateVectorOf } from './log-contents.ts'
import type { Room } from './room.ts'

export interface FollowingOptions {
  cluster: Pick<Cluster, 'many' | 'log' | 'follow' | 'heads' | 'tell' | 'node'>
  flusher: Flusher
  /** The room is still the one of its document. */
  isOpen: (room: Room) => boolean
  lose: (room: Room, error: RunnelError) => void
}

/** What other nodes write: rooms take it as it comes, find by its number what did not come, and read that from the log. */
export class Following {
  readonly #options: FollowingOptions
  readonly #cluster: FollowingOptions['cluster']
  /** Rooms that were ahead of the log when numbers were compared. */
  readonly #suspects = new WeakSet<Room>()
  readonly #refreshes = new Coalesced((room: Room) => this.#refreshOnce(room))
  readonly #catchingUp = new Map<Room, Promise<void>>()
  /** Rooms whose following has failed. */
  readonly #unfollowed = new Set<Room>()
  #comparing = false

  constructor(options: FollowingOptions) {
    this.#options = options
    this.#cluster = options.cluster
  }

  /** Of a document that was made here just now: nobody else writes it yet, and what comes before this is through is found by its number. */
  follow(room: Room): void {
    if (!this.#cluster.many) return
    this.#cluster
      .follow(room.id, (entry) => this.hear(room, entry))
      .then(
        (unfollow) => this.#followed(room, unfollow),
        () => void (this.#options.isOpen(room) && this.#unfollowed.add(room)),
      )
  }

  /** Reads a document and follows it; null if the log knows none such. */
  async load(doc: string, add: (contents: LogContents, loaded: Y.Doc) => Room): Promise<Room | null> {
    const { log, many, node, follow, tell } = this.#cluster
    if (!many) {
      const contents = await log.read(doc)
      return contents && add(contents, await loadContents(doc, contents))
    }
    // Followed before it is read: nothing falls between the two.
    const early: LiveEntry[] = []
    let take = (entry: LiveEntry): void => {
      early.push(entry)
    }
    const unfollow = await follow.call(this.#cluster, doc, (entry) => take(entry))
    let room: Room | null
    try {
      const contents = await log.read(doc)
      room = contents && add(contents, await loadContents(doc, contents))
    } catch (error) {
      unfollow()
      throw error
    }
    if (!room) {
      unfollow()
      return null
    }
    const followed = room
    this.#followed(room, unfollow)
    if (room.presence) tell.call(this.#cluster, { type: 'presence', chat: doc, node })
    take = (entry) => this.hear(followed, entry)
    for (const entry of early) take(entry)
    return room
  }

  /**
   * To be called before a document is written under an epoch that was drawn: it has all that its log holds, and from now
   * on an earlier writer is refused, whose last entry may have come since the log was read. What several nodes write has
   * what was written under an epoch that was given back. Throws `store_unavailable`.
   */
  async takeUp(room: Room, epoch: number): Promise<void> {
    if (room.shared) return await this.refresh(room)
    const { log } = this.#cluster
    for (let attempt = 0; attempt < 100; attempt++) {
      if (room.lost) throw room.lost
      const [result] = await log.append([{ doc: room.id, epoch, previousSeq: room.seq, updates: [] }])
      if (result?.status === 'ok') {
        room.epoch = epoch
        return
      }
      if (result?.status !== 'gap') break
      if (result.seq > room.seq) await this.#catchUp(room)
      // What this node has seen is more than what the log still has.
      else await log.restore?.(room.id, epoch, room.seq + 1, room.encodeState())
    }
    throw takenOver()
  }

  /**
   * What a room that was lost here, written under `lostEpoch`, has shown may be more than the log still has: it goes back
   * into it, under an epoch that was taken up. Where another writer has gone on from what the log had, that stands. A log
   * without `restore` loses nothing. Throws `store_unavailable`.
   */
  async putBack(room: Room, epoch: number, lost: Room, lostEpoch: number): Promise<void> {
    const { log } = this.#cluster
    if (!log.restore || isWrittenBeyond(Y.decodeStateVector(room.shown.stateVector()), lostEpoch)) return
    const both = new Y.Doc()
    for (const { doc } of [room, lost]) Y.applyUpdate(both, Y.encodeStateAsUpdate(doc))
    const state = Y.encodeStateAsUpdate(both)
    both.destroy()
    // Numbers go on from those that were shown.
    const result = await log.restore(room.id, epoch, Math.max(room.seq, lost.seq) + 1, state)
    if (result.status !== 'ok') throw takenOver()
    const contents = { lineage: room.lineage, epoch, seq: result.seq, state, updates: [] }
    await new Promise<void>((resolve) => room.whenSettled(resolve))
    if (room.lost) throw room.lost
    this.#options.flusher.corked((cork) => room.catchUp(contents, cork))
  }

  /** A message has ended and is saved: the log of live documents need not keep it. */
  async release(doc: string, epoch: number): Promise<void> {
    await this.#cluster.log.release?.(doc, epoch)
  }

  /** These were deleted. Throws `store_unavailable`. */
  async forget(docs: readonly string[]): Promise<void> {
    await this.#cluster.log.forget?.(docs)
  }

  /** Brings rooms up to their logs: the last word of another node may have been lost on its way. Throws `store_unavailable`, when all others are compared. */
  async compare(rooms: readonly Room[]): Promise<void> {
    if (!this.#cluster.many || this.#comparing) return
    this.#comparing = true
    for (const room of this.#unfollowed) {
      this.#unfollowed.delete(room)
      if (this.#options.isOpen(room)) this.follow(room)
    }
    try {
      // The answer is older than what has come meanwhile: what a room had before it was asked must be in it.
      const before = rooms.map((room) => room.seq)
      const heads = await this.#cluster.heads(rooms.map((room) => room.id))
      const failed: unknown[] = []
      for (const [i, room] of rooms.entries())
        await this.#compareOne(room, before[i]!, heads[i]).catch((error: unknown) => failed.push(error))
      if (failed.length > 0) throw failed[0]
    } finally {
      this.#comparing = false
    }
  }

  /** `before`: the room's number before `head` was asked for. Throws `store_unavailable`. */
  async #compareOne(room: Room, before: number, head: LogHead | null | undefined): Promise<void> {
    if (room.lost || room.appending) return
    if (head === undefined) throw illegible()
    if (this.#writesAlone(room)) {
      this.#suspects.delete(room)
      // While it waits it appends nothing, and would not find out.
      if ((head?.seq ?? 0) < before) this.#options.flusher.restore(room)
      return
    }
    if (!head) return
    if (room.shared && room.writer && (room.position.hasLost || head.seq < before)) return await this.#putBack(room)
    // Another writer may have given known numbers to words of its own.
    if (head.seq > room.seq || (head.epoch > room.epoch && !room.shared)) await this.#catchUp(room)
    if (head.seq >= before) this.#suspects.delete(room)
    // Its writer would have put that right by now: what this room shows, the log has lost.
    else if (this.#suspects.has(room)) this.#options.lose(room, readAgain())
    else this.#suspects.add(room)
  }

  /** Appends what the log of a document that several nodes write has lost, and takes in what it has. Throws `store_unavailable`. */
  async #putBack(room: Room): Promise<void> {
    const { version } = room.shown
    room.position.hasLost = true
    const contents = await this.#cluster.log.read(room.id)
    await new Promise<void>((done) => room.whenSettled(done))
    // Older than the room by now: asked again by the next compare.
    if (!contents || room.lost || room.appending || room.shown.version !== version) return
    const { flusher, lose } = this.#options
    try {
      flusher.corked((cork) => room.catchUp(contents, cork))
      room.position.reset(contents.seq)
      const lost = missingFrom(contents, room.doc)
      if (lost) flusher.restore(room, [lost])
    } catch {
      lose(room, readAgain())
    }
  }

  /**
   * A reader has seen more than this room has: its node may only have heard of it earlier. However many ask while the
   * log is being asked, it is asked once more for all of them. Throws `store_unavailable`.
   */
  async refresh(room: Room): Promise<void> {
    if (this.#cluster.many) await this.#refreshes.ask(room)
  }

  async #refreshOnce(room: Room): Promise<void> {
    const [head] = await this.#cluster.heads([room.id])
    if (head === undefined) throw illegible()
    if (head && head.seq > room.seq) await this.#readOn(room)
  }

  #followed(room: Room, unfollow: () => void): void {
    if (this.#options.isOpen(room)) room.unfollow = unfollow
    else unfollow()
  }

  /** An entry of another node. */
  hear(room: Room, entry: LiveEntry): void {
    room.whenSettled(() => {
      if (room.lost || !this.#options.isOpen(room)) return
      let taken: boolean
      try {
        taken = this.#options.flusher.corked((cork) => room.take(entry, cork))
      } catch {
        // It may have been applied in part.
        return this.#options.lose(room, readAgain())
      }
      // What cannot be read is not there: the log has what was meant.
      if (!taken) void this.#catchUp(room).catch(() => {})
      // The log has lost what this room has, and another writer has gone on from there: what it said under a number that is known here was not heard.
      else if (room.isIncomplete) this.#options.lose(room, readAgain())
    })
  }

  /** Reads what the log has beyond this room; who asks meanwhile waits for the same. */
  #catchUp(room: Room): Promise<void> {
    let catchingUp = this.#catchingUp.get(room)
    if (!catchingUp) {
      catchingUp = this.#readOn(room).finally(() => this.#catchingUp.delete(room))
      this.#catchingUp.set(room, catchingUp)
    }
    return catchingUp
  }

  async #readOn(room: Room): Promise<void> {
    const shown = Y.decodeStateVector(room.shown.stateVector())
    const contents = await this.#cluster.log.read(room.id)
    // Inside the callback: behind an `await` the next append may be in flight.
    await new Promise<void>((resolve, reject) =>
      room.whenSettled(() => {
        try {
          if (contents && !room.lost) this.#takeIn(room, contents, shown)
          resolve()
        } catch (error) {
          this.#options.lose(room, readAgain())
          reject(error)
        }
      }),
    )
  }

  /** `shown`: the room's state vector when it was asked for. */
  #takeIn(room: Room, contents: LogContents, shown: ReadonlyMap<number, number>): void {
    const logged = stateVectorOf(contents)
    // What the log has lost here is shown: its words and those of another writer would be mixed.
    if (!room.shared && !this.#writesAlone(room) && exceeds(shown, logged)) return this.#options.lose(room, readAgain())
    room.epoch = contents.epoch
    if (contents.seq > room.seq || exceeds(logged, Y.decodeStateVector(room.shown.stateVector())))
      this.#options.flusher.corked((cork) => room.catchUp(contents, cork))
  }

  /** A message whose run is here: nobody else can know better. */
  #writesAlone(room: Room): boolean {
    return room.writer !== null && documentKind(room.id) === 'message'
  }
}

function takenOver(): RunnelError {
  return new RunnelError('store_unavailable', 'Another writer has taken this document over.')
}

function illegible(): RunnelError {
  return new RunnelError('store_unavailable', 'What the log has of this document cannot be read.')
}

function readAgain(): RunnelError {
  return new RunnelError('store_unavailable', 'This document has lost its newest part; it is read again.')
}
