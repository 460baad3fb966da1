import {
  decodeAwareness,
  decodeStock,
  encodeAwareness,
  encodeChannelMessage,
  encodeStock,
} from '../../shared/protocol.ts'
import type { Authors } from '../auth/authors.ts'
import { isGuestId } from '../auth/user.ts'
import { toEach } from './fence.ts'
import { binaryFrames, type PresenceFrames } from './frame.ts'
import type { Room } from './room.ts'
import type { Viewer } from './viewer.ts'

/** Once a second: who came, changed or left, to all; everybody, to those who came. Guests are told no member's id. */
export function tellPresence(
  { id, presence, channel, audience: { viewers, dropViewer } }: Room,
  authors: Authors,
): void {
  if (!presence) return
  const changes = presence.changes(viewers.size)
  const idOf = (userId: string) => authors.idOf(id, userId)
  const toAll = changes && new Telling(idOf, channel, changes)
  let toNew: Telling | null | undefined
  const tell = (viewer: Viewer): void => {
    let telling = toAll
    if (viewer.presenceDue) {
      viewer.presenceDue = false
      if (toNew === undefined) {
        const everybody = presence.everybody()
        toNew = everybody && new Telling(idOf, channel, everybody)
      }
      telling = toNew
    }
    const { participant } = viewer
    if (telling)
      viewer.tellPresence(participant && isGuestId(participant.user.id) ? telling.toGuests : telling.toMembers)
  }
  toEach(viewers, tell, dropViewer)
}

/** The same news for members and for guests, each encoded once and when it is needed. */
class Telling {
  readonly #idOf: (userId: string) => string
  readonly #channel: number
  readonly #message: Uint8Array
  #toMembers: PresenceFrames | null = null
  #toGuests: PresenceFrames | null = null

  constructor(idOf: (userId: string) => string, channel: number, message: Uint8Array) {
    this.#idOf = idOf
    this.#channel = channel
    this.#message = message
  }

  get toMembers(): PresenceFrames {
    return (this.#toMembers ??= presenceFrames(this.#channel, this.#message))
  }

  get toGuests(): PresenceFrames {
    return (this.#toGuests ??= presenceFrames(this.#channel, forGuests(this.#idOf, this.#message)))
  }
}

function forGuests(idOf: (userId: string) => string, message: Uint8Array): Uint8Array {
  const stock = decodeStock(message)
  if (stock.type !== 'awareness') return message
  const entries = decodeAwareness(stock.update).map((entry) => {
    const state = JSON.parse(entry.state) as { user?: { id: string } } | null
    if (!state?.user) return entry
    const user = { ...state.user, id: idOf(state.user.id) }
    return { ...entry, state: JSON.stringify({ ...state, user }) }
  })
  return encodeStock({ type: 'awareness', update: encodeAwareness(entries) })
}

function presenceFrames(channel: number, message: Uint8Array): PresenceFrames {
  return { channels: binaryFrames(encodeChannelMessage(channel, message)), stock: binaryFrames(message) }
}
