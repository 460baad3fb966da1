import { RunnelError } from '../../shared/errors.ts'
import { decodeStateVector, type SubscribeRequest } from '../../shared/protocol.ts'
import type { Access } from '../auth/access.ts'
import type { Identity } from '../auth/auth.ts'
import type { Watch } from '../auth/watch.ts'
import { isServerClientId } from '../document/lanes.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'

/** A room that a reader may follow, pinned until it does. */
export interface Reader {
  room: Room
  /** The right to follow it, until it is closed. */
  watch: Watch
  /** Of the copy that the reader can keep. */
  stateVector: Uint8Array | undefined
  /** It has a copy that it must discard. */
  reset: boolean
}

/** A state vector as a client sends it. Throws `too_large`, `bad_request`. */
export function readStateVector(bytes: Uint8Array, maxBytes: number): Map<number, number> {
  if (bytes.length > maxBytes)
    throw new RunnelError(
      'too_large',
      `A state vector is larger than ${maxBytes} bytes (RUNNEL_MAX_STATE_VECTOR_BYTES).`,
    )
  return decodeStateVector(bytes)
}

/**
 * Opens a document for a reader, who closes the watch. A copy of another lineage, or one that is
 * ahead of the server (the tail of a log was lost), must be discarded.
 * Throws `not_found`, `bad_request` or `too_large` (state vector), `store_unavailable`.
 */
export async function openForReader(
  context: { access: Access; rooms: Rooms; maxStateVectorBytes: number },
  identity: () => Identity,
  request: SubscribeRequest,
): Promise<Reader> {
  const vector = request.stateVector && readStateVector(request.stateVector, context.maxStateVectorBytes)
  const watch = await context.access.watchDocument(identity, request.doc)
  let room: Room | null = null
  try {
    room = await context.rooms.open(request.doc)
    if (!room) throw new RunnelError('not_found', 'There is no such document.')
    const foreign = request.lineage !== undefined && request.lineage !== room.lineage
    const reset = vector !== undefined && (foreign || (await isAhead(context.rooms, room, vector)))
    return { room, watch, stateVector: reset ? undefined : request.stateVector, reset }
  } catch (error) {
    watch.close()
    if (room) context.rooms.unpin(room)
    throw error
  }
}

/** The reader has what the server does not, also after a look at the log: another node may have shown it before this one heard of it. Throws `store_unavailable`. */
export async function isAhead(rooms: Rooms, room: Room, vector: ReadonlyMap<number, number>): Promise<boolean> {
  if (!room.shown.isBehind(vector, isServerClientId)) return false
  await rooms.following.refresh(room)
  return room.shown.isBehind(vector, isServerClientId)
}
