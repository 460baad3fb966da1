import { connect, type Client, type ConnectOptions } from '../index.ts'
import type { ConnectionState } from '../connection-state.ts'
import type { Part } from '../parts/part.ts'
import type { InitialState } from './initial.ts'

export const connecting: ConnectionState = { status: 'connecting' }

/** At most this many unused ones are kept, in case a component comes back to them. */
const keptUnused = 100
/** What was asked for a moment ago is about to be used: React draws all of a page before it begins to use anything. */
const aboutToBeUsedMs = 10_000

interface Thing {
  readonly isUsed: boolean
}

/**
 * What one provider gives to all hooks below it. Its own client is created when something is first followed or
 * asked for, never by rendering, so a rendering server opens no connection.
 */
export class Provided {
  readonly initial: InitialState
  readonly #given: Client | null
  readonly #options: ConnectOptions
  /** Asked for longest ago first. */
  readonly #kept = new Map<string, { thing: Thing; askedAt: number }>()
  #sweepAbove = 2 * keptUnused
  #own: Client | null = null
  #holders = 0

  constructor(client: Client | undefined, options: ConnectOptions, initial: InitialState) {
    this.#given = client ?? null
    this.#options = options
    this.initial = initial
  }

  readonly getClient = (): Client => this.#given ?? (this.#own ??= connect(this.#options))

  /** The client; to look at something rather than to follow it, only if there is one already. */
  readonly find = (isFollowed: boolean): Client | null => (isFollowed ? this.getClient() : (this.#given ?? this.#own))

  readonly connection: Part<ConnectionState> = {
    getSnapshot: () => this.find(false)?.connection.getSnapshot() ?? connecting,
    subscribe: (listener) => this.getClient().connection.subscribe(listener),
  }

  /** Keeps its own client open until the returned function is called. A component that comes back before the next task finds it open. */
  readonly hold = (): (() => void) => {
    this.#holders++
    return () => {
      this.#holders--
      setTimeout(() => {
        if (this.#holders > 0) return
        void this.#own?.close()
        this.#own = null
      })
    }
  }

  /** Made when it is first asked for. What is in use stays; of the others those asked for longest ago go. */
  kept<Kept extends Thing>(name: string, make: () => Kept): Kept {
    const thing = (this.#kept.get(name)?.thing as Kept | undefined) ?? make()
    this.#kept.delete(name)
    this.#kept.set(name, { thing, askedAt: performance.now() })
    if (this.#kept.size > this.#sweepAbove) this.#sweep()
    return thing
  }

  /** Looks through all of them, so only when they have become twice as many. */
  #sweep(): void {
    const unused = [...this.#kept].filter(([, { thing }]) => !thing.isUsed)
    const before = performance.now() - aboutToBeUsedMs
    for (const [name, { askedAt }] of unused.slice(0, -keptUnused)) if (askedAt < before) this.#kept.delete(name)
    this.#sweepAbove = 2 * Math.max(keptUnused, this.#kept.size)
  }
}
