import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

/** The updates of one append as the bytes of one row: each with its length before it. */
export function encodeEntry(updates: readonly Uint8Array[]): Uint8Array {
  const encoder = encoding.createEncoder()
  for (const update of updates) encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

/** The updates are views of `entry`. */
export function decodeEntry(entry: Uint8Array): Uint8Array[] {
  const decoder = decoding.createDecoder(entry)
  const updates: Uint8Array[] = []
  while (decoding.hasContent(decoder)) updates.push(decoding.readVarUint8Array(decoder))
  return updates
}
