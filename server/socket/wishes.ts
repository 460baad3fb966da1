import type { SubscribeRequest } from '../../shared/protocol.ts'
import type { Access } from '../auth/access.ts'
import type { Identity } from '../auth/auth.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Connection } from './connection.ts'
import { openForReader, type Reader } from './readers.ts'
import { asRunnelError } from './refusal.ts'

export interface WishesOptions {
  access: Access
  rooms: Rooms
  maxSubscriptions: number
  maxStateVectorBytes: number
}

/** What a `/ws` client has asked to follow and does not follow yet, and how it comes to that. */
export class Wishes {
  readonly #connection: Connection
  readonly #options: WishesOptions
  /** The newest wish for each document: an answer to an older one is dropped. */
  readonly #newest = new Map<string, symbol>()

  constructor(connection: Connection, options: WishesOptions) {
    this.#connection = connection
    this.#options = options
  }

  /** Notes them, as far as the limit of this socket goes. What it returns fulfils them, once it is known who asks; for nobody it does nothing but refuse the rest. */
  add(requests: readonly SubscribeRequest[]): (identity: (() => Identity) | null) => Promise<void> {
    const wish = Symbol('subscribe')
    const [wanted, over] = this.#withPlace(requests, wish)
    return async (identity) => {
      this.#refuse(over)
      if (identity) await this.#fulfil(wanted, wish, identity)
    }
  }

  leave(docs: readonly string[]): void {
    for (const doc of docs) {
      this.#newest.delete(doc)
      this.#connection.session.leave(doc)
    }
  }

  /** No answer is wanted any more. */
  close(): void {
    this.#newest.clear()
  }

  /** The second list has found no place. */
  #withPlace(requests: readonly SubscribeRequest[], wish: symbol): [SubscribeRequest[], SubscribeRequest[]] {
    const { subscriptions } = this.#connection.session
    let taken = subscriptions.size
    for (const doc of this.#newest.keys()) if (!subscriptions.has(doc)) taken += 1
    const wanted: SubscribeRequest[] = []
    const over: SubscribeRequest[] = []
    for (const request of requests) {
      const { doc } = request
      const isNew = !subscriptions.has(doc) && !this.#newest.has(doc)
      if (isNew && taken >= this.#options.maxSubscriptions) {
        over.push(request)
        continue
      }
      if (isNew) taken += 1
      this.#newest.set(doc, wish)
      wanted.push(request)
    }
    return [wanted, over]
  }

  #refuse(over: readonly SubscribeRequest[]): void {
    const { session } = this.#connection
    if (over.length > 0) this.#connection.onRefused('rate_limited')
    for (const { doc } of over) {
      session.control({
        type: 'refused',
        doc,
        code: 'rate_limited',
        message: 'This connection follows as many documents as it may (RUNNEL_MAX_SUBSCRIPTIONS).',
      })
    }
  }

  async #fulfil(requests: readonly SubscribeRequest[], wish: symbol, identity: () => Identity): Promise<void> {
    const { session } = this.#connection
    const readers: Reader[] = []
    await Promise.all(
      requests.map(async (request) => {
        try {
          readers.push(await openForReader(this.#options, identity, request))
        } catch (error) {
          const { code, message } = asRunnelError(error)
          if (this.#newest.get(request.doc) !== wish) return
          this.#newest.delete(request.doc)
          session.control({ type: 'refused', doc: request.doc, code, message })
        }
      }),
    )
    const wished: Reader[] = []
    for (const reader of readers) {
      const { room, watch } = reader
      if (this.#newest.get(room.id) !== wish) watch.close()
      else if (watch.lost) session.refuse(room.id, watch.lost.code, watch.lost.message)
      else wished.push(reader)
    }
    session.follow(
      wished.map(({ room, watch, stateVector, reset }) => ({
        room,
        stateVector,
        reset,
        role: watch.right.role,
        onLeft: () => watch.close(),
      })),
    )
    for (const { room, watch } of wished) {
      watch.listen({
        role: (role) => session.tellRole(room.id, role),
        lost: ({ code, message }) => session.refuse(room.id, code, message),
      })
    }
    for (const { doc } of requests) if (this.#newest.get(doc) === wish) this.#newest.delete(doc)
    for (const { room } of readers) this.#options.rooms.unpin(room)
  }
}
