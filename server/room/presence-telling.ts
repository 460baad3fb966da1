import { encodeChannelMessage } from '../../shared/protocol.ts'
import { binaryFrames, type Frames } from './frame.ts'
import type { Room } from './room.ts'

/** One awareness message, for both kinds of socket. */
export interface PresenceFrames {
  channels: Frames
  stock: Frames
}

/** Once a second: who came, changed or left, to all; everybody, to those who came. */
export function tellPresence({ presence, viewers, channel }: Room): void {
  if (!presence) return
  const changes = presence.changes(viewers.size)
  const toAll = changes && presenceFrames(channel, changes)
  let toNew: PresenceFrames | null | undefined
  for (const viewer of viewers) {
    if (viewer.presenceDue) {
      viewer.presenceDue = false
      if (toNew === undefined) {
        const everybody = presence.everybody()
        toNew = everybody && presenceFrames(channel, everybody)
      }
      if (toNew) viewer.session.tellPresence(viewer, toNew)
    } else if (toAll) {
      viewer.session.tellPresence(viewer, toAll)
    }
  }
}

function presenceFrames(channel: number, message: Uint8Array): PresenceFrames {
  return { channels: binaryFrames(encodeChannelMessage(channel, message)), stock: binaryFrames(message) }
}
