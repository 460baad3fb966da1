/** Where a line leads. */
export interface LineTarget {
  /** http(s) base of the server. */
  url: string
  /** A token that is good now: asked for once a line. */
  token: () => Promise<string | undefined>
  WebSocket: typeof WebSocket
  fetch: typeof fetch
  /** The session over HTTP that this line takes the place of. */
  instead: string | null
  /** What opens lines over HTTP: a part that is loaded where no WebSocket passes. */
  overHttp: () => Promise<{ HttpLine: OpensHttp }>
  /** How often a poll asks; 0: as soon as there is something. */
  everyMs: number
}

export type OpensHttp = new (
  transport: 'stream' | 'poll',
  target: LineTarget,
  token: string | undefined,
  events: LineEvents,
) => Line

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
  /** What the server calls it, over HTTP. */
  readonly session: string | null
  /** How long it may be silent before it is suspected; null where it finds out by itself. */
  readonly silenceMs: number | null
  /** The server said welcome: it speaks every `heartbeatMs`. */
  welcomed(heartbeatMs: number): void
  send(data: string | Uint8Array<ArrayBuffer>): void
  /** From now on this token is the one that is good. */
  renew(token: string): void
  /** The tab is seen again, or hidden: how often a poll asks from now on. */
  pace(everyMs: number): void
  /** It may be dead: one that finds out by itself does so now. */
  doubt(): void
  /** Nothing is told any more. Settles when the server knows, or after a moment. */
  close(): Promise<void>
}
