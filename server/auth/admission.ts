import { RunnelError } from '../../shared/errors.ts'
import type { Identity } from './auth.ts'

/** Who came in this minute is remembered; with more of them than this the count begins anew. */
const maxRemembered = 100_000
const minuteMs = 60_000

export interface AdmissionLimits {
  perUser: number
  perAddress: number
  unauthenticated: number
  unauthenticatedPerAddress: number
  upgradesPerMinute: number
}

/** The place of one socket. */
export interface Ticket {
  /** This user has signed in on it. Throws `rate_limited` where they have too many sockets, or open them too often. */
  signIn(identity: Identity): void
  /** The socket is gone. Idempotent. */
  close(): void
}

/** Who counts as one user. Guests of one invite share a name, not a limit: they count by address. */
export function limitKey({ user, invite }: Identity, address: string): string {
  return invite ? `${user.id} ${address}` : user.id
}

/**
 * How many connections there may be. People are counted as people: what is counted by address alone is who has not
 * signed in, so that a thousand behind one address do not stand in each other's way, nor in that of one who floods.
 */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #users = new Counts()
  readonly #addresses = new Counts()
  readonly #unauthenticatedAddresses = new Counts()
  readonly #upgradesOfUsers: PerMinute
  /** Of sockets on which nobody has signed in, so far. */
  readonly #upgradesOfAddresses: PerMinute
  #unauthenticated = 0
  #beingAsked = 0

  constructor(limits: AdmissionLimits, now: () => number) {
    this.#limits = limits
    this.#upgradesOfUsers = new PerMinute(limits.upgradesPerMinute, now)
    this.#upgradesOfAddresses = new PerMinute(limits.upgradesPerMinute, now)
  }

  /** Sockets on which nobody has signed in yet. */
  get unauthenticated(): number {
    return this.#unauthenticated
  }

  /** A place for one of whom it is asked who they are, before they are let in; returns what gives it back, idempotent. Throws `overloaded`. */
  ask(): () => void {
    if (this.#beingAsked >= this.#limits.unauthenticated) throw tooManyUnauthenticated()
    this.#beingAsked += 1
    let held = true
    return () => {
      if (held) this.#beingAsked -= 1
      held = false
    }
  }

  /**
   * A place for one more socket, of this user where it is known who comes. Who is refused has not been counted.
   * Throws `rate_limited` (too many from there), `overloaded` (too many in all).
   */
  admit(address: string, identity: Identity | null = null): Ticket {
    this.#checkAddress(address)
    const user = identity && limitKey(identity, address)
    // A user without a place comes in as anybody does, and is told why at the sign-in.
    if (user !== null && this.#hasPlace(user)) return this.#ticket(address, user)
    const { unauthenticated, unauthenticatedPerAddress } = this.#limits
    if (this.#unauthenticatedAddresses.get(address) >= unauthenticatedPerAddress) {
      throw new RunnelError(
        'rate_limited',
        'Too many connections from your address have not signed in (RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS).',
      )
    }
    if (this.#unauthenticated >= unauthenticated) throw tooManyUnauthenticated()
    this.#upgradesOfAddresses.check(address, 'Your address connects too often (RUNNEL_MAX_UPGRADES_PER_MINUTE).')
    return this.#ticket(address, null)
  }

  /** A place for an event stream of somebody who has signed in already; returns what gives it back, idempotent. Throws `rate_limited`. */
  admitStream(identity: Identity, address: string): () => void {
    const user = limitKey(identity, address)
    this.#checkAddress(address)
    this.#checkUser(user)
    this.#addresses.add(address)
    this.#users.add(user)
    let held = true
    return () => {
      if (!held) return
      held = false
      this.#addresses.remove(address)
      this.#users.remove(user)
    }
  }

  #checkAddress(address: string): void {
    if (this.#addresses.get(address) < this.#limits.perAddress) return
    throw new RunnelError(
      'rate_limited',
      'Too many connections are open from your address (RUNNEL_MAX_SOCKETS_PER_ADDRESS).',
    )
  }

  #checkUser(user: string): void {
    if (this.#users.get(user) < this.#limits.perUser) return
    throw new RunnelError(
      'rate_limited',
      'You have too many connections open; close one (RUNNEL_MAX_SOCKETS_PER_USER).',
    )
  }

  #hasPlace(user: string): boolean {
    return this.#users.get(user) < this.#limits.perUser && !this.#upgradesOfUsers.isFull(user)
  }

  /** `user`: who has signed in on it, null as long as nobody has. */
  #ticket(address: string, user: string | null): Ticket {
    let open = true
    this.#addresses.add(address)
    const giveBackUpgrade = user === null ? this.#upgradesOfAddresses.take(address) : () => {}
    if (user === null) {
      this.#unauthenticatedAddresses.add(address)
      this.#unauthenticated += 1
    } else this.#takeUser(user)
    const leave = () => {
      if (user !== null) return this.#users.remove(user)
      this.#unauthenticated -= 1
      this.#unauthenticatedAddresses.remove(address)
    }
    return {
      signIn: (identity) => {
        const key = limitKey(identity, address)
        if (!open || key === user) return
        this.#checkUser(key)
        this.#upgradesOfUsers.check(key, 'You connect too often (RUNNEL_MAX_UPGRADES_PER_MINUTE).')
        leave()
        giveBackUpgrade()
        this.#takeUser((user = key))
      },
      close: () => {
        if (!open) return
        open = false
        leave()
        this.#addresses.remove(address)
      },
    }
  }

  #takeUser(user: string): void {
    this.#users.add(user)
    this.#upgradesOfUsers.take(user)
  }
}

function tooManyUnauthenticated(): RunnelError {
  return new RunnelError(
    'overloaded',
    'Too many connections have not signed in; try again in a moment (RUNNEL_MAX_UNAUTHENTICATED_SOCKETS).',
  )
}

/** How often each has come in this minute. */
export class PerMinute {
  readonly #limit: number
  readonly #now: () => number
  #counts = new Counts()
  #began: number

  constructor(limit: number, now: () => number) {
    this.#limit = limit
    this.#now = now
    this.#began = now()
  }

  isFull(key: string): boolean {
    if (this.#now() - this.#began >= minuteMs || this.#counts.size >= maxRemembered) {
      this.#counts = new Counts()
      this.#began = this.#now()
    }
    return this.#counts.get(key) >= this.#limit
  }

  /** Throws `rate_limited`, with the rest of the minute. */
  check(key: string, message: string): void {
    if (!this.isFull(key)) return
    const retryAfterSeconds = Math.ceil((this.#began + minuteMs - this.#now()) / 1_000)
    throw new RunnelError('rate_limited', message, { details: { retryAfterSeconds } })
  }

  /** Returns what takes it back: a count that has begun anew knows nothing of it. To be called once. */
  take(key: string): () => void {
    const counts = this.#counts
    counts.add(key)
    return () => counts.remove(key)
  }
}

class Counts {
  readonly #counts = new Map<string, number>()

  get size(): number {
    return this.#counts.size
  }

  get(key: string): number {
    return this.#counts.get(key) ?? 0
  }

  add(key: string): void {
    this.#counts.set(key, this.get(key) + 1)
  }

  remove(key: string): void {
    const left = this.get(key) - 1
    if (left > 0) this.#counts.set(key, left)
    else this.#counts.delete(key)
  }
}
