import type { TransportName } from '../../shared/transports.ts'
import type { FrameSink } from '../room/outbox.ts'
import type { RefusalReason } from './refusal.ts'

/** What carries one session: a WebSocket, a streamed answer, or polls. All carry the same frames. */
export interface Transport {
  readonly name: TransportName
  /** What whole frames are written to, shared ones as they are. */
  readonly sink: FrameSink
  /** Bytes handed over so far. */
  readonly bytesWritten: number
  /** Its client may be silent for so long without being suspected. */
  readonly silenceMs: number
  /** What it is sent comes to its client so late. */
  readonly lateMs: number
  /** Its client shows signs of life also while it has not read what it was sent. */
  readonly signsApart: boolean
  /** Whom it tells what comes, from now on. To be called once. */
  listen(listener: TransportListener): void
  /** Asks for a sign of life. */
  ping(): void
  /** Ends it behind what it was given: the client is told the code and the reason. */
  close(code: number, reason: string): void
  /** Ends it at once. Idempotent. */
  terminate(): void
}

export interface TransportListener {
  text(text: string): void
  binary(bytes: Uint8Array): void
  /** A sign of life. */
  alive(): void
  /** The client asks for one. Says whether it may have it now. */
  pinged(): boolean
  /** What came is no frame: the transport ends by itself. */
  broken(reason: RefusalReason): void
  /** Nothing can be sent on it any more, but its client may come back on another and say which this was. */
  cut(): void
  /** It is over. Said once, last. */
  closed(): void
}
