import { readArrays, writeParts } from '../../shared/wire.ts'

/** The updates of one append as the bytes of one row: each with its length before it. */
export function encodeEntry(updates: readonly Uint8Array[]): Uint8Array {
  return writeParts(updates)
}

/** The updates are views of `entry`. */
export function decodeEntry(entry: Uint8Array): Uint8Array[] {
  return readArrays(entry)
}
