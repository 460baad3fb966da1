import { errorRow } from '../shared/errors.ts'
import {
  decodeChannelMessages,
  encodeChannelMessage,
  type ClientControl,
  type ServerControl,
} from '../shared/protocol.ts'
import { backoffBaseMs, backoffDelay } from './backoff.ts'
import { newPresenceId, presenceMessage } from './presence.ts'
import { Replica } from './replica.ts'

type Progress =
  | { name: 'unasked' }
  /** A subscribe is on its way; there is never a second one for the same document before its answer. */
  | { name: 'asked' }
  | { name: 'subscribed'; channel: number }
  | { name: 'refused'; transient: boolean }

interface Followed {
  readonly replica: Replica
  users: number
  progress: Progress
  /** Where its frames come. */
  heard: { line: number; channel: number } | null
  /** Transient refusals in a row. */
  refusals: number
}

/**
 * Which documents this client follows, and on which channel each comes. What
 * is asked for in one turn of the event loop goes out as one message. What is
 * sent while the line is down is lost, and `opened` asks for everything again.
 */
export class Subscriptions {
  readonly #send: (message: ClientControl) => void
  readonly #sendFrame: (frame: Uint8Array<ArrayBuffer>) => void
  /** Something is to be followed: there must be a line. */
  readonly #needLine: () => void
  readonly #presenceId = newPresenceId()
  #presenceClock = 0
  /** What this client says of itself, in which chat. */
  readonly #presence = new Map<string, object>()
  readonly #followed = new Map<string, Followed>()
  /** By line, by channel: while one line takes the place of another, each document is heard on the one that showed it last. */
  readonly #lines = new Map<number, Map<number, Followed>>()
  /** Where everything is asked for. */
  #line = 0
  #settled: (() => void) | undefined
  /** To be unsubscribed at the next flush, before anything is subscribed. */
  readonly #left = new Set<string>()
  #flushing = false
  #retry: ReturnType<typeof setTimeout> | undefined
  #closed = false

  constructor(
    send: (message: ClientControl) => void,
    sendFrame: (frame: Uint8Array<ArrayBuffer>) => void = () => {},
    needLine: () => void = () => {},
  ) {
    this.#send = send
    this.#sendFrame = sendFrame
    this.#needLine = needLine
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
        replica: new Replica(id, () => this.#renew(id), this.#presenceId),
        users: 0,
        progress: { name: 'unasked' },
        heard: null,
        refusals: 0,
      }
      if (!this.#closed) this.#followed.set(id, followed)
      this.#needLine()
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

  /** Says this to all who follow this chat, now and whenever it is followed anew; null says nothing any more. */
  setPresence(id: string, state: object | null): void {
    if (state) this.#presence.set(id, state)
    else this.#presence.delete(id)
    this.#sayPresence(id, state)
  }

  /**
   * A new line: nothing is subscribed on it yet. What the one before it brings is taken until this one answers for the
   * document; `settled` when it has for all.
   */
  opened(line = 0, settled?: () => void): void {
    this.#left.clear()
    for (const number of this.#lines.keys()) if (number !== this.#line) this.#lines.delete(number)
    const isSame = line === this.#line
    this.#line = line
    this.#settled = settled
    for (const followed of this.#followed.values()) {
      if (isSame) this.#unhear(followed)
      followed.progress = { name: 'unasked' }
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
      const replica = this.#lines.get(line)?.get(channel)?.replica
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
          this.#hear(followed, answer.channel)
          followed.replica.subscribed(answer)
          followed.replica.notify()
          const state = this.#presence.get(answer.doc)
          if (state) this.#sayPresence(answer.doc, state)
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
        const replica = this.#lines.get(line)?.get(message.channel)?.replica
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
    for (const { replica } of this.#followed.values()) replica.destroy()
    this.#followed.clear()
    this.#lines.clear()
  }

  #hear(followed: Followed, channel: number): void {
    this.#unhear(followed)
    const channels = this.#lines.get(this.#line) ?? new Map<number, Followed>()
    this.#lines.set(this.#line, channels.set(channel, followed))
    followed.heard = { line: this.#line, channel }
  }

  /** Until the next answer its frames are nobody's. */
  #unhear(followed: Followed): void {
    if (followed.heard) this.#lines.get(followed.heard.line)?.delete(followed.heard.channel)
    followed.heard = null
  }

  /** Is every document answered for on the new line? */
  #settle(): void {
    for (const { progress } of this.#followed.values()) if (progress.name === 'asked') return
    const settled = this.#settled
    this.#settled = undefined
    for (const number of this.#lines.keys()) if (number !== this.#line) this.#lines.delete(number)
    settled?.()
  }

  #refused({ doc, code, message }: Extract<ServerControl, { type: 'refused' }>): void {
    const followed = this.#followed.get(doc)
    if (!followed) return
    this.#unask(followed)
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

  #sayPresence(id: string, state: object | null): void {
    const progress = this.#followed.get(id)?.progress
    if (progress?.name !== 'subscribed') return
    this.#sendFrame(
      encodeChannelMessage(
        progress.channel,
        presenceMessage(this.#presenceId, ++this.#presenceClock, state),
      ) as Uint8Array<ArrayBuffer>,
    )
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
    this.#unhear(followed)
    followed.progress = { name: 'unasked' }
  }

  #flushSoon(): void {
    if (this.#flushing) return
    this.#flushing = true
    queueMicrotask(() => {
      this.#flushing = false
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#closed) return
    for (const [id, followed] of this.#followed) {
      // An answer that is on its way must find the copy that it was asked for.
      if (followed.users > 0 || followed.progress.name === 'asked') continue
      if (followed.progress.name === 'subscribed') this.#left.add(id)
      this.#unask(followed)
      this.#followed.delete(id)
      followed.replica.destroy()
    }
    if (this.#left.size > 0) this.#send({ type: 'unsubscribe', docs: [...this.#left] })
    this.#left.clear()
    const unasked = [...this.#followed.values()].filter(({ progress }) => progress.name === 'unasked')
    if (unasked.length === 0) return
    for (const followed of unasked) followed.progress = { name: 'asked' }
    this.#send({ type: 'subscribe', docs: unasked.map(({ replica }) => replica.request()) })
  }
}
