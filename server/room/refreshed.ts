import { within } from '../waiting/race.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'

/** A reader waits so long for what other nodes have written. */
const refreshMs = 500

/** Who has heard of something from any node finds it here, too. While the log is away, what is here has to do. */
export async function refreshed(rooms: Pick<Rooms, 'following'>, room: Room): Promise<void> {
  if (room.writer) return
  const late = () => new Error('The log has not answered in time.')
  await within(refreshMs, late, rooms.following.refresh(room)).catch(() => {})
}
