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

  constructor(url: string) {
    this.#key = `runnel.transport ${url}`
  }

  first(isHidden: boolean): TransportName {
    const worked = this.#exhausted ? 'websocket' : (this.#remembered() ?? 'websocket')
    return worked === 'stream' && isHidden ? 'poll' : worked
  }

  /** It can be used: it is where the next attempt begins. */
  worked(transport: TransportName, isHidden: boolean): void {
    this.#exhausted = false
    if (transport === 'websocket') {
      this.#failures = 0
      this.#retries = 0
    }
    if (transport === 'stream') this.#stream = 'untried'
    // That a hidden tab polls says nothing of the line.
    if (transport !== 'poll' || !isHidden || this.#stream !== 'untried') this.#remember(transport)
  }

  /** What is tried at once in its place; null: nothing, before some time has passed. */
  failed(transport: TransportName, end: LineEnd, isHidden: boolean): TransportName | null {
    if (transport === 'websocket') {
      this.#failures += 1
      if (this.#remembered() === 'websocket' && this.#failures <= pardons) return null
      return isHidden ? 'poll' : 'stream'
    }
    // Where nobody answers at all, polls would not be answered, either.
    if (transport === 'stream' && !end.unreachable) {
      this.#stream = 'blocked'
      return 'poll'
    }
    this.#exhausted = true
    return null
  }

  heldBack(): void {
    this.#stream = 'held back'
  }

  /** Better ones than this, best first. */
  better(transport: TransportName, isHidden: boolean): TransportName[] {
    if (transport === 'websocket') return []
    return transport === 'stream' || isHidden ? ['websocket'] : ['websocket', 'stream']
  }

  /** A tab that is looked at has a stream, if one can be had. */
  wantsStream(transport: TransportName): boolean {
    return transport === 'poll' && this.#stream === 'untried'
  }

  reason(transport: TransportName, isHidden: boolean): TransportReason {
    if (transport === 'websocket') return 'preferred'
    if (transport === 'stream') return 'websocket_blocked'
    if (this.#stream === 'held back') return 'stream_held_back'
    return isHidden && this.#stream === 'untried' ? 'hidden' : 'stream_blocked'
  }

  /** ms until a better one is tried again; longer each time. */
  retryMs(): number {
    return Math.min(firstRetryMs * 2 ** this.#retries++, longestRetryMs)
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
