import * as random from 'lib0/random'
import { decodeAwareness, encodeAwareness, encodeStock } from '../shared/protocol.ts'
import type { Json } from '../shared/schema.ts'
import { isWhole } from '../shared/wire.ts'

/** Somebody else who has this chat open. `user` is what the server knows, all other fields what that client says. */
export interface Present {
  readonly user: { readonly id: string; readonly name: string }
  readonly [field: string]: Json
}

/** The server speaks under it: how many are there, where they are too many to be named. */
const countClientId = 0

/** Under this id a client of this process speaks of itself, in every chat; up to 2³², and never 0. */
export function newPresenceId(): number {
  return random.uint32() || 1
}

/** The frame's message that says something of oneself; null takes it back. */
export function presenceMessage(clientId: number, clock: number, state: object | null): Uint8Array {
  return encodeStock({
    type: 'awareness',
    update: encodeAwareness([{ clientId, clock, state: JSON.stringify(state) }]),
  })
}

/** Who else is in a chat (W19–W21). The list is the same object until it changes. */
export class Others {
  readonly #ownId: number
  readonly #states = new Map<number, { clock: number; text: string; state: Present }>()
  #list: readonly Present[] = []
  #viewers: number | null = null

  constructor(ownId: number) {
    this.#ownId = ownId
  }

  get list(): readonly Present[] {
    return this.#list
  }

  /** How many are there, this one among them, where they are too many to be named; else null. */
  get viewers(): number | null {
    return this.#viewers
  }

  /** Takes an awareness update; true if it changed anything. Throws `bad_request`. */
  receive(update: Uint8Array): boolean {
    let changed = false
    for (const { clientId, clock, state: text } of decodeAwareness(update)) {
      const known = this.#states.get(clientId)
      if (clientId === this.#ownId || (known && known.clock >= clock)) continue
      const state = JSON.parse(text) as (Present & { viewers?: number }) | null
      if (clientId === countClientId) {
        const viewers = isWhole(state?.viewers) ? state.viewers : null
        changed ||= this.#viewers !== viewers
        this.#viewers = viewers
      } else if (state === null) {
        changed = this.#states.delete(clientId) || changed
      } else {
        changed ||= known?.text !== text
        this.#states.set(clientId, { clock, text, state: known?.text === text ? known.state : state })
      }
    }
    if (changed) this.#list = [...this.#states.values()].map(({ state }) => state)
    return changed
  }

  /** Nobody is known any more: everybody is told anew. True if that changed anything. */
  clear(): boolean {
    if (this.#states.size === 0 && this.#viewers === null) return false
    this.#states.clear()
    this.#list = []
    this.#viewers = null
    return true
  }
}
