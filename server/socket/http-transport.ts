import { encodeFrame, type Frame } from '../../shared/frames.ts'
import type { Transport, TransportListener } from './transport.ts'

/** A transport whose client speaks by requests of their own. */
export interface HttpTransport extends Transport {
  readonly name: 'stream' | 'poll'
  /** What its client has said. */
  hear(frames: readonly Frame[]): void
  /** Its client is on another line: nothing more is sent. */
  leave(): void
}

const pongFrame = encodeFrame({ type: 'pong' })

/** Tells a listener what was said, as a WebSocket does. */
export function tell(listener: TransportListener, transport: Transport, frames: readonly Frame[]): void {
  // Also a request that says nothing.
  listener.alive()
  for (const frame of frames) {
    if (frame.type === 'text') listener.text(frame.text)
    else if (frame.type === 'binary') listener.binary(frame.bytes)
    else if (frame.type === 'close') return transport.terminate()
    else if (frame.type === 'ping' && listener.pinged()) transport.sink.write(pongFrame)
  }
}
