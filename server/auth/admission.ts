import { RunnelError } from '../../shared/errors.ts'
import type { Identity } from './auth.ts'

/** Addresses whose upgrades of this minute are remembered; with more the count begins anew. */
const maxRememberedAddresses = 100_000
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
  /** Somebody has signed in on it. Throws `rate_limited` where that user has too many sockets. */
  signIn(identity: Identity): void
  /** The socket is gone. Idempotent. */
  close(): void
}

/** Who counts as one user. Guests of one invite share a name, not a limit: they count by address. */
export function limitKey({ user, invite }: Identity, address: string): string {
  return invite ? `${user.id} ${address}` : user.id
}

/** How many connections there may be: sockets and event streams of a user and from an address; sockets unauthenticated, or opened in a minute. */
export class Admission {
  readonly #limits: AdmissionLimits
  readonly #now: () => number
  readonly #users = new Counts()
  readonly #addresses = new Counts()
  readonly #unauthenticatedAddresses = new Counts()
  #unauthenticated = 0
  #upgrades = new Map<string, number>()
  #minuteBegan: number

  constructor(limits: AdmissionLimits, now: () => number) {
    this.#limits = limits
    this.#now = now
    this.#minuteBegan = now()
  }

  /** Sockets on which nobody has signed in yet. */
  get unauthenticated(): number {
    return this.#unauthenticated
  }

  /** A place for one more socket. Throws `rate_limited` (too many from there), `overloaded` (too many in all). */
  admit(address: string): Ticket {
    const { unauthenticated, unauthenticatedPerAddress } = this.#limits
    this.#countUpgrade(address)
    this.#checkAddress(address)
    if (this.#unauthenticatedAddresses.get(address) >= unauthenticatedPerAddress) {
      throw new RunnelError(
        'rate_limited',
        'Too many connections from your address have not signed in (RUNNEL_MAX_UNAUTHENTICATED_SOCKETS_PER_ADDRESS).',
      )
    }
    if (this.#unauthenticated >= unauthenticated) {
      throw new RunnelError(
        'overloaded',
        'Too many connections have not signed in; try again in a moment (RUNNEL_MAX_UNAUTHENTICATED_SOCKETS).',
      )
    }
    this.#addresses.add(address)
    this.#unauthenticatedAddresses.add(address)
    this.#unauthenticated += 1
    return this.#ticket(address)
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

  #ticket(address: string): Ticket {
    let user: string | null = null
    let state: 'new' | 'signed in' | 'closed' = 'new'
    const authenticated = () => {
      this.#unauthenticated -= 1
      this.#unauthenticatedAddresses.remove(address)
    }
    return {
      signIn: (identity) => {
        if (state !== 'new') return
        const key = limitKey(identity, address)
        this.#checkUser(key)
        state = 'signed in'
        authenticated()
        this.#users.add((user = key))
      },
      close: () => {
        if (state === 'new') authenticated()
        if (state !== 'closed') this.#addresses.remove(address)
        if (user !== null) this.#users.remove(user)
        user = null
        state = 'closed'
      },
    }
  }

  #countUpgrade(address: string): void {
    const now = this.#now()
    if (now - this.#minuteBegan >= minuteMs || this.#upgrades.size >= maxRememberedAddresses) {
      this.#upgrades = new Map()
      this.#minuteBegan = now
    }
    const count = (this.#upgrades.get(address) ?? 0) + 1
    if (count > this.#limits.upgradesPerMinute) {
      const seconds = Math.ceil((this.#minuteBegan + minuteMs - now) / 1_000)
      throw new RunnelError('rate_limited', 'Your address connects too often (RUNNEL_MAX_UPGRADES_PER_MINUTE).', {
        details: { retryAfterSeconds: seconds },
      })
    }
    this.#upgrades.set(address, count)
  }
}

class Counts {
  readonly #counts = new Map<string, number>()

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
