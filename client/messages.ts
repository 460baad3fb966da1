import { errorRow } from '../shared/errors.ts'
import { documentKind, isTerminal, type Message } from '../shared/schema.ts'
import type { EndedMessages } from './ended.ts'
import type { History } from './history.ts'
import { Listeners } from './listeners.ts'
import type { Listed, Listing } from './listing.ts'
import { liveDocument } from './live.ts'
import {
  endedSnapshot,
  readChange,
  readSnapshot,
  wholeChange,
  type LiveMessage,
  type MessageChange,
  type MessageSnapshot,
} from './message.ts'
import type { Replica, ReplicaChange } from './replica.ts'
import type { Subscriptions } from './subscriptions.ts'

interface Shown {
  readonly id: string
  readonly listeners: Listeners<MessageChange>
  /** Followed on the line. */
  copy: { readonly replica: Replica; readonly leave: () => void } | null
  /** As it was when it had ended. It stays on show until a copy has come. */
  ended: MessageSnapshot | null
  /** By the list's version: what `ended` is of, what is being read, and what cannot be read as what the list says it is. */
  settled: string | null
  reading: string | null
  doubted: string | null
  /** By that version: what the line did not have either, and so is read once more. */
  readAgain: string | null
  /** What the listeners know. */
  told: MessageSnapshot
}

export interface MessagesOptions {
  subscriptions: Pick<Subscriptions, 'follow' | 'peek'>
  listing: Listing
  history: Pick<History, 'read'>
  ended: EndedMessages
}

/**
 * The messages on show. One that a followed chat lists as ended is read once
 * over HTTP, or taken over from its copy; every other one is followed on the
 * line. So a chat of any length costs no more places on the line than runs are
 * live in it.
 */
export class Messages {
  readonly #options: MessagesOptions
  readonly #shown = new Map<string, Shown>()

  constructor(options: MessagesOptions) {
    this.#options = options
  }

  live(id: string): LiveMessage {
    return liveDocument(id, {
      getSnapshot: () => this.#snapshot(id),
      subscribe: (listener) => this.#subscribe(id, listener),
    })
  }

  /** A followed document has changed, was confirmed, or is followed no more. */
  changed({ id }: Replica): void {
    if (documentKind(id) === 'message') {
      const shown = this.#shown.get(id)
      if (shown) this.#look(shown)
    } else for (const shown of [...this.#shown.values()]) this.#look(shown)
  }

  /** One message, however it is to be had. Throws what the server says. */
  async read(id: string): Promise<Message> {
    return this.#kept(id)?.message ?? (await this.#options.history.read(id)).message
  }

  /** Reads those that have ended, so that they are there when they are asked for. Throws what the server says. */
  async prefetch(ids: readonly string[]): Promise<void> {
    const { listing, history } = this.#options
    const missing = ids.filter((id) => listing.find(id)?.hasEnded && !this.#kept(id))
    await Promise.all(missing.map((id) => history.read(id)))
  }

  #kept(id: string): MessageSnapshot | undefined {
    const listed = this.#options.listing.find(id)
    return listed?.hasEnded ? this.#options.ended.get(id, listed.version) : undefined
  }

  #subscribe(id: string, listener: (change: MessageChange) => void): () => void {
    let shown = this.#shown.get(id)
    if (!shown) {
      shown = {
        id,
        listeners: new Listeners(),
        copy: null,
        ended: null,
        settled: null,
        reading: null,
        doubted: null,
        readAgain: null,
        told: readSnapshot(undefined),
      }
      this.#shown.set(id, shown)
      this.#look(shown)
      shown.told = snapshotOf(shown)
    }
    const { listeners } = shown
    const remove = listeners.add(listener)
    return () => {
      remove()
      if (listeners.size > 0 || this.#shown.get(id)?.listeners !== listeners) return
      this.#shown.get(id)!.copy?.leave()
      this.#shown.delete(id)
    }
  }

  #snapshot(id: string): MessageSnapshot {
    const shown = this.#shown.get(id)
    return shown ? snapshotOf(shown) : (this.#kept(id) ?? readSnapshot(this.#options.subscriptions.peek(id)))
  }

  /** From where is it to be shown now? */
  #look(shown: Shown): void {
    const listed = this.#options.listing.find(shown.id)
    if (!listed?.hasEnded) return this.#follow(shown)
    if (listed.version === shown.settled && !shown.copy) return
    const kept = this.#options.ended.get(shown.id, listed.version) ?? this.#takeOver(shown, listed)
    if (kept) return this.#settle(shown, kept, listed.version)
    const isRefused = shown.copy?.replica.state.status === 'refused'
    if (listed.version === shown.doubted) {
      if (!isRefused || listed.version === shown.readAgain) return this.#follow(shown)
      shown.readAgain = listed.version
    }
    // A copy that is there, or on its way, will have the last word.
    if (!shown.copy || isRefused) void this.#read(shown, listed)
  }

  #follow(shown: Shown): void {
    if (shown.copy) return
    const { replica, release } = this.#options.subscriptions.follow(shown.id)
    const remove = replica.listeners.add((change) => this.#copyChanged(shown, replica, change))
    shown.copy = {
      replica,
      leave: () => {
        remove()
        release()
      },
    }
    // It may have been there already.
    this.#tell(shown)
  }

  /** The copy of a run that has ended, if it is known to be right and whole. */
  #takeOver({ id, copy }: Shown, { status, taskId, version }: Listed): MessageSnapshot | undefined {
    if (!copy?.replica.isConfirmed) return undefined
    const snapshot = readSnapshot(copy.replica)
    const { message } = snapshot
    const isLast = message?.status === status && (taskId === undefined || message.taskId === taskId)
    if (!isLast || snapshot.status !== 'live') return undefined
    this.#options.ended.put(id, version, snapshot)
    return snapshot
  }

  #settle(shown: Shown, snapshot: MessageSnapshot, settled: string): void {
    shown.copy?.leave()
    Object.assign(shown, { copy: null, ended: snapshot, settled, doubted: null })
    this.#tell(shown)
  }

  /** What is on show may be another thing than the listeners heard of last. */
  #tell(shown: Shown): void {
    const { told, listeners } = shown
    const now = (shown.told = snapshotOf(shown))
    if (told.message !== now.message) listeners.emit(wholeChange(now))
    else if (told !== now) listeners.emit({ texts: [] })
  }

  async #read(shown: Shown, { version }: Listed): Promise<void> {
    if (shown.reading === version) return
    shown.reading = version
    const { listing, history, ended } = this.#options
    const read = await history.read(shown.id).catch(() => null)
    if (shown.reading === version) shown.reading = null
    if (this.#shown.get(shown.id) !== shown) return
    // Where it cannot be read, or is written again already, the line has more to say.
    if (!read || !isTerminal(read.message.status)) shown.doubted = version
    else if (read.version === version && listing.find(shown.id)?.version === version)
      return this.#settle(shown, ended.get(shown.id, version) ?? endedSnapshot(read.message), version)
    this.#look(shown)
  }

  #copyChanged(shown: Shown, replica: Replica, change: ReplicaChange): void {
    if (shown.copy?.replica !== replica) return
    shown.told = snapshotOf(shown)
    shown.listeners.emit(readChange(replica, change))
  }
}

function snapshotOf({ copy, ended }: Shown): MessageSnapshot {
  if (!copy) return ended ?? readSnapshot(undefined)
  const snapshot = readSnapshot(copy.replica)
  const isGone = snapshot.status === 'refused' && !errorRow(snapshot.error.code).retryable
  return snapshot.message || isGone ? snapshot : (ended ?? snapshot)
}
