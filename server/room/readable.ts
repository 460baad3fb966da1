import * as Y from 'yjs'
import { isWhole } from '../../shared/wire.ts'

/**
 * Can a Yjs update that another node has published be applied? Yjs takes numbers that are none, and writes them for ever
 * when it encodes the document the next time. Costs about what applying it does.
 */
export function isReadable(update: Uint8Array): boolean {
  try {
    const { structs, ds } = Y.decodeUpdate(update)
    return (
      structs.every((struct) => isSpan(struct.id.client, struct.id.clock, struct.length) && hasOrigins(struct)) &&
      [...ds.clients].every(([client, items]) => items.every(({ clock, len }) => isSpan(client, clock, len)))
    )
  } catch {
    return false
  }
}

function isSpan(client: number, clock: number, length: number): boolean {
  return isWhole(client) && isWhole(clock) && isWhole(length) && isWhole(clock + length)
}

function hasOrigins(struct: object): boolean {
  if (!(struct instanceof Y.Item)) return true
  const { origin, rightOrigin, parent } = struct
  return [origin, rightOrigin, parent].every((id) => !(id instanceof Y.ID) || isSpan(id.client, id.clock, 1))
}
