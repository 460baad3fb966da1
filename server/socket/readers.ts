import { RunnelError } from '../../shared/errors.ts'
import { decodeStateVector, type Role, type SubscribeRequest } from '../../shared/protocol.ts'
import type { Access } from '../auth/access.ts'
import type { User } from '../auth/auth.ts'
import { isServerClientId } from '../document/lanes.ts'
import type { Room } from '../room/room.ts'
import type { Rooms } from '../room/rooms.ts'

/** A room that a reader may follow, pinned until it does. */
export interface Reader {
  room: Room
  role: Role
  /** Of the copy that the reader can keep. */
  stateVector: Uint8Array | undefined
  /** It has a copy that it must discard. */
  reset: boolean
}

/**
 * Opens a document for a reader. A copy of another lineage, or one that is
 * ahead of the server (the tail of a log was lost), must be discarded.
 * Throws `not_found`, `bad_request` (state vector), `store_unavailable`.
 */
export async function openForReader(places: { access: Access; rooms: Rooms }, user: User, request: SubscribeRequest): Promise<Reader> {
  const vector = request.stateVector && decodeStateVector(request.stateVector)
  const role = await places.access.document(user, request.doc)
  const room = await places.rooms.open(request.doc)
  if (!room) throw new RunnelError('not_found', 'There is no such document.')
  const foreign = request.lineage !== undefined && request.lineage !== room.lineage
  const reset = vector !== undefined && (foreign || room.isBehind(vector, isServerClientId))
  return { room, role, stateVector: reset ? undefined : request.stateVector, reset }
}
