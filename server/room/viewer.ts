import type { RunnelError } from '../../shared/errors.ts'
import type { Broadcast } from './broadcast.ts'
import type { Frames, PresenceFrames } from './frame.ts'
import type { Participant } from './presence.ts'

/** One that follows a room's document on a socket: all that the room tells it. */
export interface Viewer {
  /** Who is seen there; null: nobody. */
  readonly participant: Participant | null
  /** It is to be sent a checkpoint when the sweep comes by. */
  checkpointDue: boolean
  /** It has not been told yet who is there. */
  presenceDue: boolean
  /** What has come into the document, behind the log. */
  deliver(broadcast: Broadcast): void
  /** Is a checkpoint due, and has it all that this covers? */
  takesCheckpoint(): boolean
  checkpoint(frames: Frames): void
  /** Who is there, in a chat: it may be skipped for one who lags, and is told anew. */
  tellPresence(frames: PresenceFrames): void
  /** The document is not to be had any more: it leaves the room. */
  refuse(error: RunnelError): void
  /** What it was told has thrown: it gets nothing more, and its socket ends. */
  end(error: RunnelError): void
}
