import { RunnelError } from '../../shared/errors.ts'
import { decodeAwareness, encodeAwareness, encodeStock, type AwarenessEntry } from '../../shared/protocol.ts'

/** Above so many viewers only their count is told: who is there would be more traffic than the answers. */
const namedViewers = 100
/** Stock clients forget who has not been heard of for 30 s. */
const renewMs = 20_000
/** A client id that left starts above its old clock if it comes back within this time. */
const goneMs = 60_000

/** A message that names more is nobody's: a stock client repeats those who are named, and says who is named no more. */
const maxEntries = 500
/** The server counts on from a client's clock, which must stay a safe integer. */
const maxClock = 2 ** 52

/** Other nodes are told again in this time, and forgotten when they have told nothing for three times as long. */
const shareMs = 10_000

/** What one node tells the others of a chat: who says what of itself there, and how many are there. */
export interface SharedPresence {
  viewers: number
  states: readonly (readonly [clientId: number, state: string])[]
}

/** The client id under which the server says how many are there. */
const countClientId = 0

/** Who says something about itself: one socket, by a user who is known. */
export interface Participant {
  user: { id: string; name: string }
}

interface Entry {
  clientId: number
  /** Of the newest state that its socket sent. */
  clock: number
  /** Under which the others know it: rises with each telling. */
  toldClock: number
  toldAt: number
  /** JSON, with the user that the server knows. */
  state: string
  /** Undefined: of this one. */
  node?: string
}

/**
 * Who is in a chat, as y-protocols awareness. Never in a document: it is gone
 * when the socket is. Each socket speaks for one client id, the first that it
 * named alone, and the `user` in its state is what the server knows of it,
 * whatever it claims. What stock clients repeat of others is ignored.
 */
export class Presence {
  readonly #now: () => number
  readonly #entries = new Map<number, Entry>()
  readonly #clientIds = new Map<Participant, number>()
  readonly #changed = new Set<number>()
  readonly #gone = new Map<number, { toldClock: number; at: number }>()
  #countClock = 0
  /** Other nodes where somebody follows the chat. */
  readonly #nodes = new Map<string, { viewers: number; states: ReadonlyMap<number, string>; heardAt: number }>()
  #sharedAt = -Infinity
  #shared = ''
  /** What was said of the count; null while everybody is named. */
  #toldCount: number | null = null

  constructor(now: () => number) {
    this.#now = now
  }

  /** Takes a socket's own state; null takes it back. Throws `bad_request`, `too_large`. */
  receive(participant: Participant, update: Uint8Array, maxBytes: number): void {
    const states = decodeAwareness(update, maxEntries)
    let own = this.#clientIds.get(participant)
    if (own === undefined) {
      const [first] = states
      if (!first || states.length > 1 || first.state === 'null' || !this.#giveTo(participant, first.clientId)) return
      own = first.clientId
    }
    for (const { clientId, clock, state } of states) {
      if (clientId !== own) continue
      if (clock > maxClock) throw new RunnelError('bad_request', 'A presence clock is too high to be counted on from.')
      const known = this.#entries.get(own)
      if (known && known.clock >= clock) continue
      if (state === 'null') this.#remove(own)
      else this.#put(participant, own, clock, state, maxBytes)
    }
  }

  /** The socket is gone, or follows the chat no more. */
  leave(participant: Participant): void {
    const clientId = this.#clientIds.get(participant)
    if (clientId === undefined) return
    this.#clientIds.delete(participant)
    this.#remove(clientId)
  }

  /** What other nodes must know by now; null for nothing. To be called once a second. */
  share(viewers: number): SharedPresence | null {
    const states = [...this.#entries.values()].flatMap(({ node, clientId, state }) =>
      node === undefined ? [[clientId, state] as const] : [],
    )
    const shared = JSON.stringify([viewers, states])
    const now = this.#now()
    if (shared === this.#shared && (viewers === 0 || now - this.#sharedAt < shareMs)) return null
    this.#shared = shared
    this.#sharedAt = now
    return { viewers, states }
  }

  /** Another node asks who is here. */
  shareAgain(): void {
    this.#sharedAt = -Infinity
  }

  /** What another node has told. */
  takeShared(node: string, { viewers, states }: SharedPresence): void {
    const named = new Map(states)
    const before = this.#nodes.get(node)?.states
    if (viewers === 0) this.#nodes.delete(node)
    else this.#nodes.set(node, { viewers, states: named, heardAt: this.#now() })
    for (const entry of this.#entries.values())
      if (entry.node === node && !named.has(entry.clientId)) this.#remove(entry.clientId)
    // What it only repeats is not newer than what another node has said since.
    for (const [clientId, state] of named)
      if (before?.get(clientId) !== state || !this.#entries.has(clientId)) this.#putShared(node, clientId, state)
  }

  /** At most once a second: the awareness message for all who were there before; null if nothing changed. `here`: viewers of this node. */
  changes(here: number): Uint8Array | null {
    const now = this.#now()
    for (const [node, { heardAt }] of this.#nodes)
      if (now - heardAt >= 2.5 * shareMs) this.takeShared(node, { viewers: 0, states: [] })
    let viewers = here
    for (const node of this.#nodes.values()) viewers += node.viewers
    for (const [clientId, { at }] of this.#gone)
      if (now - at >= goneMs && !this.#changed.has(clientId)) this.#gone.delete(clientId)
    if (viewers > namedViewers) return this.#count(viewers)
    const entries: AwarenessEntry[] = []
    // Under the mark again: the count is taken back, and everybody named.
    const back = this.#toldCount !== null
    if (back) entries.push({ clientId: countClientId, clock: ++this.#countClock, state: 'null' })
    this.#toldCount = null
    for (const entry of this.#entries.values()) {
      if (back || this.#changed.has(entry.clientId) || now - entry.toldAt >= renewMs) entries.push(this.#tell(entry))
    }
    for (const clientId of this.#changed) if (!this.#entries.has(clientId)) entries.push(this.#goodbye(clientId))
    this.#changed.clear()
    return entries.length === 0 ? null : message(entries)
  }

  /** The awareness message for one who has just come; null if there is nobody. */
  everybody(): Uint8Array | null {
    if (this.#toldCount !== null)
      return message([{ clientId: countClientId, clock: this.#countClock, state: countState(this.#toldCount) }])
    if (this.#entries.size === 0) return null
    return message(
      [...this.#entries.values()].map(({ clientId, toldClock, state }) => ({ clientId, clock: toldClock, state })),
    )
  }

  /** Above the mark: who was named is taken back, and then only the number is told. */
  #count(viewers: number): Uint8Array | null {
    if (viewers === this.#toldCount) return null
    const entries: AwarenessEntry[] =
      this.#toldCount === null
        ? [...this.#entries.values()].map((entry) => ({
            clientId: entry.clientId,
            clock: ++entry.toldClock,
            state: 'null',
          }))
        : []
    this.#changed.clear()
    this.#toldCount = viewers
    return message([...entries, { clientId: countClientId, clock: ++this.#countClock, state: countState(viewers) }])
  }

  /** False: it is the server's, or another user's. One who comes back speaks on, also while his old socket is not known to be gone, here or on another node. */
  #giveTo({ user }: Participant, clientId: number): boolean {
    if (clientId === countClientId) return false
    const known = this.#entries.get(clientId)
    if (known && userOf(known.state) !== user.id) return false
    for (const [other, id] of this.#clientIds) {
      if (id !== clientId) continue
      if (other.user.id !== user.id) return false
      this.#clientIds.delete(other)
    }
    if (known) known.clock = -1
    return true
  }

  /** What is said on another node: not over what is said here, nor of another user. */
  #putShared(node: string, clientId: number, state: string): void {
    const known = this.#entries.get(clientId)
    if (known && (known.node === undefined || userOf(known.state) !== userOf(state))) return
    if (known) known.node = node
    if (known?.state === state) return
    const toldClock = known?.toldClock ?? this.#gone.get(clientId)?.toldClock ?? 0
    this.#entries.set(clientId, { clientId, clock: 0, toldClock, toldAt: 0, state, node })
    this.#changed.add(clientId)
  }

  #put(participant: Participant, clientId: number, clock: number, state: string, maxBytes: number): void {
    if (Buffer.byteLength(state) > maxBytes)
      throw new RunnelError('too_large', `A presence state has more than ${maxBytes} bytes.`)
    const known = this.#entries.get(clientId)
    const shown = withUser(state, participant)
    this.#clientIds.set(participant, clientId)
    // Stock clients repeat their state all the time: it counts as heard of, and is told when it is time to.
    if (known?.state === shown) {
      known.clock = clock
      delete known.node
    } else {
      const toldClock = Math.max(clock - 1, known?.toldClock ?? this.#gone.get(clientId)?.toldClock ?? 0)
      this.#entries.set(clientId, { clientId, clock, toldClock, toldAt: 0, state: shown })
      this.#changed.add(clientId)
    }
  }

  #remove(clientId: number): void {
    const entry = this.#entries.get(clientId)
    if (!entry) return
    this.#entries.delete(clientId)
    this.#gone.set(clientId, { toldClock: entry.toldClock, at: this.#now() })
    this.#changed.add(clientId)
    // It may have gone to another node before this one heard that it left the last.
    for (const [node, { states }] of this.#nodes) {
      const state = node === entry.node ? undefined : states.get(clientId)
      if (state !== undefined) return this.#putShared(node, clientId, state)
    }
  }

  #tell(entry: Entry): AwarenessEntry {
    entry.toldAt = this.#now()
    return { clientId: entry.clientId, clock: ++entry.toldClock, state: entry.state }
  }

  #goodbye(clientId: number): AwarenessEntry {
    const gone = this.#gone.get(clientId) ?? { toldClock: 0, at: this.#now() }
    gone.toldClock += 1
    return { clientId, clock: gone.toldClock, state: 'null' }
  }
}

function message(entries: readonly AwarenessEntry[]): Uint8Array {
  return encodeStock({ type: 'awareness', update: encodeAwareness(entries) })
}

function countState(viewers: number): string {
  return JSON.stringify({ viewers })
}

function userOf(state: string): string {
  return (JSON.parse(state) as Participant).user.id
}

function withUser(state: string, { user }: Participant): string {
  let value: unknown
  try {
    value = JSON.parse(state)
  } catch (error) {
    throw new RunnelError('bad_request', 'A presence state is no JSON.', { cause: error })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new RunnelError('bad_request', 'A presence state must be a JSON object.')
  return JSON.stringify({ ...value, user: { id: user.id, name: user.name } })
}
