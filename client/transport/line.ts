import type { TransportName } from '../../shared/transports.ts'

/** Where a line leads. */
export interface LineTarget {
  /** http(s) base of the server. */
  url: string
  /** A token that is good now. */
  token: () => Promise<string | undefined>
  WebSocket: typeof WebSocket
  fetch: typeof fetch
  /** The session over HTTP that this line takes the place of. */
  instead: string | null
  /** How often a poll asks; 0: as soon as there is something. */
  everyMs: number
}

/** How a line ended. */
export interface LineEnd {
  /** A close code; 1006 where nobody said why. */
  code: number
  reason: string
  /** The server says when to come again. */
  retryAfterMs?: number
  /** No answer came from anybody. */
  unreachable?: boolean
  /** What is sent on it does not come. */
  heldBack?: boolean
}

export interface LineEvents {
  text: (text: string) => void
  frame: (frame: Uint8Array<ArrayBuffer>) => void
  /** Bytes came, of whatever. */
  heard: () => void
  /** Said once, unless `close` was called. */
  ended: (end: LineEnd) => void
}

/** One session with the server on one transport. It says `hello` by itself, first. */
export interface Line {
  readonly transport: TransportName
  /** What the server calls it, over HTTP. */
  readonly session: string | null
  send(data: string | Uint8Array<ArrayBuffer>): void
  /** How long it may be silent before it is suspected, where the server speaks every `heartbeatMs`; null where it finds out by itself. */
  silenceMs(heartbeatMs: number): number | null
  /** The tab is seen again, or hidden: how often a poll asks from now on. */
  pace(everyMs: number): void
  /** Nothing is told any more. Settles when the server knows, or after a moment. */
  close(): Promise<void>
}
