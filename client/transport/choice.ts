import type { TransportName } from '../../shared/transports.ts'
import type { LineEnd } from './line.ts'

/** Why this transport is in use and no better one. */
export type TransportReason =
  /** It is the best one. */
  | 'preferred'
  /** No WebSocket could be opened: something on the way does not let it through. */
  | 'websocket_blocked'
  /** Nor a stream. */
  | 'stream_blocked'
  /** What is sent on a stream does not come: something on the way holds it back. */
  | 'stream_held_back'
  /** Nobody looks at this tab, and without a WebSocket it asks now and then. */
  | 'hidden'

/** A WebSocket that has worked in this tab may fail once, as when a server starts anew, before something else is tried. */
const pardons = 1
/** A WebSocket is tried again after one minute, two, four …, ten at the most. */
const firstRetryMs = 60_000
const longestRetryMs = 600_000

/** What worked in this tab, by server: it survives a reload. */
const remembered = new Map<string, TransportName>()

/** Which transport is tried, and when a better one is tried again. */
export class TransportChoice {
  readonly #key: string
  #failures = 0
  #retries = 0
  /** All have failed: the next attempt begins at the best. */
  #exhausted = false
  #stream: 'untried' | 'blocked' | 'held back' = 'untried'
  /** When a better one is tried again, epoch ms; whatever lines come and go until then. */
  #retryAt: number | null = null

  constructor(url: string) {
    this.#key = `runnel.transport ${url}`
  }

  first(isHidden: boolean): TransportName {
    const worked = this.#exhausted ? 'websocket' : (this.#remembered() ?? 'websocket')
    // That is remembered of tabs without a stream alone.
    if (worked === 'poll' && this.#stream === 'untried') this.#stream = 'blocked'
    return worked === 'stream' && isHidden ? 'poll' : worked
  }

  /** It can be used: it is where the next attempt begins. */
  worked(transport: TransportName): void {
    this.#exhausted = false
    if (transport === 'websocket') {
      this.#failures = 0
      this.#retries = 0
      this.#retryAt = null
    }
    if (transport === 'stream') this.#stream = 'untried'
    // That a hidden tab polls says nothing of the line.
    if (transport !== 'poll' || this.#stream !== 'untried') this.#remember(transport)
  }

  /** What is tried at once in its place; null: nothing, before some time has passed. */
  failed(transport: TransportName, end: LineEnd, isHidden: boolean): TransportName | null {
    if (transport === 'websocket') {
      this.#failures += 1
      if (this.#remembered() === 'websocket' && this.#failures <= pardons) return null
      return isHidden ? 'poll' : 'stream'
    }
    this.cannotBeHad(transport, end)
    // Where nobody answers at all, polls would not be answered, either.
    if (transport === 'stream' && !end.unreachable) return 'poll'
    this.#exhausted = true
    return null
  }

  /** What stands on the way does not let it through, or nobody is there. */
  cannotBeHad(transport: TransportName, end: LineEnd): void {
    if (transport === 'stream' && !end.unreachable) this.#stream = end.heldBack ? 'held back' : 'blocked'
  }

  /** What is sent on a stream that was open does not come. */
  heldBack(): void {
    this.#stream = 'held back'
  }

  /** Better ones than this, best first. */
  better(transport: TransportName, isHidden: boolean): TransportName[] {
    if (transport === 'websocket') return []
    return transport === 'stream' || isHidden ? ['websocket'] : ['websocket', 'stream']
  }

  /** What a tab should have in place of this: without a WebSocket, a stream where somebody looks, if one can be had. */
  wanted(transport: TransportName, isHidden: boolean): TransportName | null {
    if (transport === 'stream' && isHidden) return 'poll'
    return transport === 'poll' && !isHidden && this.#stream === 'untried' ? 'stream' : null
  }

  reason(transport: TransportName): TransportReason {
    if (transport === 'websocket') return 'preferred'
    if (transport === 'stream') return 'websocket_blocked'
    if (this.#stream === 'held back') return 'stream_held_back'
    return this.#stream === 'untried' ? 'hidden' : 'stream_blocked'
  }

  /** When a better one is tried again, epoch ms; after longer each time. */
  retryAt(): number {
    return (this.#retryAt ??= Date.now() + Math.min(firstRetryMs * 2 ** this.#retries++, longestRetryMs))
  }

  /** It is being tried. */
  tried(): void {
    this.#retryAt = null
  }

  /** The server says when to come again. */
  putOff(ms: number): void {
    this.#retryAt = Math.max(this.retryAt(), Date.now() + ms)
  }

  #remembered(): TransportName | undefined {
    const kept = remembered.get(this.#key) ?? storage()?.getItem(this.#key)
    return kept === 'websocket' || kept === 'stream' || kept === 'poll' ? kept : undefined
  }

  #remember(transport: TransportName): void {
    remembered.set(this.#key, transport)
    try {
      storage()?.setItem(this.#key, transport)
    } catch {
      // It is full: a reload begins at the best one.
    }
  }
}

/** Of this tab alone; none in Node, and where a browser does not let a page have one. */
function storage(): Storage | undefined {
  try {
    return globalThis.document ? globalThis.sessionStorage : undefined
  } catch {
    return undefined
  }
}
