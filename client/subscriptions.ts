import { errorRow } from '../shared/errors.ts'
import { decodeChannelMessages, type ClientControl, type ServerControl } from '../shared/protocol.ts'
import { backoffBaseMs, backoffDelay } from './backoff.ts'
import { isChat, type Followed } from './followed.ts'
import { Hearing } from './hearing.ts'
import { OwnPresence } from './own-presence.ts'
import { Reading, type ReadingOptions } from './reading.ts'
import { Replica } from './replica.ts'

/** A client follows no more documents on its line; a server lets it have 500, unless it is told otherwise. */
export const mostFollowed = 400

export interface SubscriptionsOptions extends ReadingOptions {
  send: (message: ClientControl) => void
  sendFrame?: (frame: Uint8Array<ArrayBuffer>) => void
  /** Something is to be followed: there must be a line. */
  needLine?: () => void
  /** A document has changed, was confirmed, or is followed no more; told before its listeners are. */
  changed?: (replica: Replica) => void
}

/**
 * Which documents this client follows, and on which channel each comes. What
 * is asked for in one turn of the event loop goes out as one message. What is
 * sent while the line is down is lost, and `opened` asks for everything again.
 */
export class Subscriptions {
  readonly #options: SubscriptionsOptions
  readonly #presence: OwnPresence
  readonly #followed = new Map<string, Followed>()
  readonly #hearing = new Hearing<Followed>()
  readonly #reading: Reading
  #most = mostFollowed
  /** Where everything is asked for. */
  #line = 0
  #settled: (() => void) | undefined
  /** To be unsubscribed at the next flush, before anything is subscribed. */
  readonly #left = new Set<string>()
  #flushing = false
  #retry: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(options: SubscriptionsOptions) {
    this.#options = options
    this.#presence = new OwnPresence((frame) => options.sendFrame?.(frame))
    this.#reading = new Reading(options, ({ progress }) => {
      // One at a time finds out whether there are places again.
      if (progress.name === 'unplaced') this.#most = Math.min(mostFollowed, this.#most + 1)
      this.#flushSoon()
    })
  }

  /** The replica of a document, if anyone follows it. */
  peek(id: string): Replica | undefined {
    return this.#followed.get(id)?.replica
  }

  /** Follows a document; all who follow the same one share its replica. `release` is idempotent. */
  follow(id: string): { replica: Replica; release: () => void } {
    let followed = this.#followed.get(id)
    if (!followed) {
      followed = {
        replica: new Replica(id, () => this.#renew(id), this.#presence.clientId),
        leaving: new AbortController(),
        users: 0,
        progress: { name: 'unasked' },
        isRead: false,
        refusals: 0,
      }
      const { replica } = followed
      replica.onConfirmed = () => this.#options.changed?.(replica)
      replica.listeners.add(replica.onConfirmed)
      if (!this.#closed) this.#followed.set(id, followed)
      this.#options.needLine?.()
      this.#flushSoon()
    }
    const { replica } = followed
    followed.users++
    let released = false
    return {
      replica,
      release: () => {
        if (released) return
        released = true
        // Whoever follows it again before the flush finds the copy still here.
        if (--followed.users === 0) this.#flushSoon()
      },
    }
  }

  /** Says this to all who follow this chat, now and on each new line, as long as it is followed; null says nothing any more. */
  setPresence(id: string, state: object | null): void {
    if (!this.#followed.has(id)) return
    this.#presence.set(id, state)
    this.#sayPresence(id)
  }

  /**
   * A new line: nothing is subscribed on it yet. What the one before it brings is taken until this one answers for the
   * document; `settled` when it has for all.
   */
  opened(line = 0, settled?: () => void): void {
    this.#left.clear()
    this.#hearing.only(this.#line)
    this.#most = mostFollowed
    const isSame = line === this.#line
    this.#line = line
    this.#settled = settled
    for (const followed of this.#followed.values()) {
      if (isSame) this.#hearing.unhear(followed)
      // Here is the line: HTTP would not be sooner.
      followed.isRead = true
      if (followed.progress.name !== 'reading') followed.progress = { name: 'unasked' }
    }
    this.#flush()
    this.#settle()
  }

  discardCopies(): void {
    for (const { replica } of this.#followed.values()) replica.discard()
  }

  /** One binary frame. Throws `bad_request`. */
  frame(frame: Uint8Array, line = 0): void {
    const touched = new Set<Replica>()
    for (const { channel, message } of decodeChannelMessages(frame)) {
      const replica = this.#hearing.at(line, channel)?.replica
      if (!replica) continue
      if (line !== this.#line) replica.overlapped()
      replica.receive(message)
      touched.add(replica)
    }
    for (const replica of touched) replica.notify()
  }

  control(message: ServerControl, line = 0): void {
    const isOld = line !== this.#line
    switch (message.type) {
      case 'subscribed':
        if (isOld) return
        for (const answer of message.docs) {
          const followed = this.#followed.get(answer.doc)
          if (followed?.progress.name !== 'asked') continue
          followed.progress = { name: 'subscribed', channel: answer.channel }
          followed.refusals = 0
          this.#hearing.hear(followed, this.#line, answer.channel)
          followed.replica.subscribed(answer)
          followed.replica.notify()
          if (this.#presence.has(answer.doc)) this.#sayPresence(answer.doc)
        }
        this.#settle()
        return this.#flushSoon()
      case 'role': {
        if (isOld) return
        const replica = this.#followed.get(message.doc)?.replica
        replica?.hasRole(message.role)
        return replica?.notify()
      }
      case 'refused':
        return isOld ? undefined : this.#refused(message)
      case 'checkpoint':
      case 'lagging':
      case 'caughtUp': {
        const replica = this.#hearing.at(line, message.channel)?.replica
        if (!replica) return
        if (message.type === 'checkpoint') replica.checkpoint(message)
        else replica[message.type]()
        replica.notify()
      }
    }
  }

  close(): void {
    this.#closed = true
    clearTimeout(this.#retry)
    this.#reading.close()
    for (const { replica, leaving } of this.#followed.values()) {
      leaving.abort()
      replica.destroy()
    }
    this.#followed.clear()
    this.#hearing.clear()
    this.#presence.clear()
  }

  /** Is every document answered for on the new line? */
  #settle(): void {
    for (const { progress } of this.#followed.values()) if (progress.name === 'asked') return
    const settled = this.#settled
    this.#settled = undefined
    this.#hearing.only(this.#line)
    settled?.()
  }

  #refused({ doc, code, message }: Extract<ServerControl, { type: 'refused' }>): void {
    const followed = this.#followed.get(doc)
    if (!followed) return
    this.#unask(followed)
    // It cannot be followed, which is no reason not to show it.
    const isBound = code === 'rate_limited' || code === 'too_large'
    if (isBound && this.#reading.take(followed, code === 'rate_limited')) {
      if (code === 'rate_limited') this.#most = this.#taken()
      this.#settle()
      return this.#flushSoon()
    }
    const transient = errorRow(code).retryable
    followed.progress = { name: 'refused', transient }
    followed.replica.refused({ code, message })
    followed.replica.notify()
    this.#settle()
    this.#flushSoon()
    if (transient)
      this.#retry ??= setTimeout(() => this.#retryRefused(), backoffBaseMs + backoffDelay(followed.refusals++))
  }

  #retryRefused(): void {
    this.#retry = undefined
    for (const followed of this.#followed.values()) {
      if (followed.progress.name === 'refused' && followed.progress.transient) this.#unask(followed)
    }
    this.#flush()
  }

  #sayPresence(id: string): void {
    const progress = this.#followed.get(id)?.progress
    if (progress?.name === 'subscribed') this.#presence.say(id, progress.channel)
  }

  /** Subscribes anew, on this socket. */
  #renew(id: string): void {
    const followed = this.#followed.get(id)
    if (followed?.progress.name !== 'subscribed') return
    this.#left.add(id)
    this.#unask(followed)
    this.#flushSoon()
  }

  #unask(followed: Followed): void {
    this.#hearing.unhear(followed)
    followed.progress = { name: 'unasked' }
  }

  #flushSoon(): void {
    if (!this.#flushing) queueMicrotask(() => this.#flush())
    this.#flushing = true
  }

  #flush(): void {
    this.#flushing = false
    if (this.#closed) return
    const mayAnswer = this.#options.isOpen?.() ?? true
    for (const [id, followed] of this.#followed) {
      // An answer that is on its way must find the copy that it was asked for.
      if (followed.users > 0 || (followed.progress.name === 'asked' && mayAnswer)) continue
      if (followed.progress.name === 'subscribed') this.#left.add(id)
      this.#remove(id, followed)
    }
    if (this.#left.size > 0) this.#options.send({ type: 'unsubscribe', docs: [...this.#left] })
    this.#left.clear()
    const wanted: Followed[] = []
    for (const followed of this.#followed.values()) {
      const { name } = followed.progress
      if (name === 'unasked' && this.#reading.isFirst(followed)) void this.#reading.first(followed)
      else if (name === 'unasked' || (name === 'unplaced' && followed.progress.ever)) wanted.push(followed)
    }
    this.#ask(wanted)
  }

  #remove(id: string, followed: Followed): void {
    this.#unask(followed)
    followed.leaving.abort()
    this.#followed.delete(id)
    this.#reading.leave(followed)
    this.#presence.delete(id)
    followed.replica.destroy()
    this.#options.changed?.(followed.replica)
  }

  /** As many as there are places for; a chat says what is to be followed beside it, and goes first. */
  #ask(wanted: Followed[]): void {
    const free = this.#options.states ? Math.max(0, this.#most - this.#taken()) : wanted.length
    if (wanted.length > free) wanted.sort((a, b) => Number(isChat(b)) - Number(isChat(a)))
    for (const followed of wanted.slice(free)) this.#reading.take(followed, true)
    const docs = wanted.slice(0, free).map((followed) => {
      followed.progress = { name: 'asked' }
      this.#reading.leave(followed)
      return followed.replica.request()
    })
    if (docs.length > 0) this.#options.send({ type: 'subscribe', docs })
  }

  /** How many are followed on the line, or asked for. */
  #taken(): number {
    const isTaken = ({ progress: { name } }: Followed) => name === 'asked' || name === 'subscribed'
    return [...this.#followed.values()].filter(isTaken).length
  }
}
