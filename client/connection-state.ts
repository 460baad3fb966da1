import type { ServerControl } from '../shared/protocol.ts'
import type { TransportName } from '../shared/transports.ts'
import type { TransportReason } from './transport/choice.ts'

/** Whom the server takes this client for. */
export interface User {
  readonly id: string
  readonly name?: string
}

/** A bearer token, or where to get one: it is asked for again whenever the server wants a fresh one. Undefined: nobody is signed in. */
export type TokenSource = string | (() => string | undefined | Promise<string | undefined>)

export type ConnectionState =
  | { readonly status: 'connecting' }
  /** `user`: whom the server takes this client for. `reason`: why this transport, and no better one. */
  | {
      readonly status: 'open'
      readonly user: User
      readonly transport: TransportName
      readonly reason: TransportReason
    }
  /** The line was lost; the next attempt is at `retryAt` (epoch milliseconds). */
  | { readonly status: 'waiting'; readonly retryAt: number }
  /** The machine says that it has no network. */
  | { readonly status: 'offline' }
  /** It ended for good: `close()` (1000) or a fault that no retry mends. `message` is a sentence for a person. */
  | { readonly status: 'closed'; readonly code: number; readonly message: string }

export function isSameState(one: ConnectionState, other: ConnectionState): boolean {
  const rest: Partial<Record<string, unknown>> = other
  return Object.entries(one).every(([key, value]) => value === rest[key])
}

/** What stands on the connection. A line is known by its number: while one takes the place of another, both are heard. */
export interface ConnectionReceiver {
  /** The server said welcome on a new line, where nothing is subscribed yet. `settled`: all that was followed is followed there. */
  opened: (line: number, settled: () => void) => void
  control: (message: ServerControl, line: number) => void
  /** Throws `bad_request` for a frame that is none; the line is dropped then. */
  frame: (frame: Uint8Array<ArrayBuffer>, line: number) => void
  /** Whatever copies there are must be discarded before the next subscribe (close code 4409). */
  discardCopies: () => void
}

export interface ConnectionOptions {
  /** http(s) base of the server, no slash at its end. */
  url: string
  token?: TokenSource | undefined
  WebSocket?: typeof WebSocket | undefined
  fetch?: typeof fetch | undefined
}
