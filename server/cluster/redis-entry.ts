import { RunnelError } from '../../shared/errors.ts'
import { isWhole, readArrays, writeParts } from '../../shared/wire.ts'
import type { LiveEntry, LogAppend } from './cluster.ts'

/** Bytes by which a node knows its own publications: two nodes with the same are as good as never. */
export const tagBytes = 4

/** The key of a document, which is its channel as well; what is kept beside it has the same hash tag. */
export function keyOf(doc: string): string {
  return `runnel:{${doc}}`
}

export function docOf(channel: string): string {
  return channel.slice('runnel:{'.length, -1)
}

/** Each update with its length before it; `readArrays` gives them back. */
export function encodeUpdates(updates: readonly Uint8Array[]): Buffer {
  const { buffer, byteOffset, length } = writeParts(updates)
  return Buffer.from(buffer, byteOffset, length)
}

/** A number as Redis keeps it, in decimals. Throws `bad_request` for what is none. */
export function decodeNumber(text: string): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : null
  if (!isWhole(number)) throw new RunnelError('bad_request', 'A number in Redis is none.')
  return number
}

/** The argument of an append: epoch, previous number and tag of the node, then the updates. */
export function encodeAppend(
  { epoch, previousSeq, updates }: Pick<LogAppend, 'epoch' | 'previousSeq' | 'updates'>,
  tag: Uint8Array,
): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32BE(epoch, 0)
  head.writeUInt32BE(previousSeq, 4)
  return Buffer.concat([head, tag, encodeUpdates(updates)])
}

export function encodePublication(tag: Uint8Array, { seq, updates }: LiveEntry): Buffer {
  const number = Buffer.alloc(4)
  number.writeUInt32BE(seq)
  return Buffer.concat([tag, number, encodeUpdates(updates)])
}

/** Throws `bad_request` for bytes that are none. */
export function decodePublication(message: Buffer): LiveEntry & { tag: Buffer } {
  if (message.length < tagBytes + 4) throw new RunnelError('bad_request', 'A publication ends too early.')
  const seq = message.readUInt32BE(tagBytes)
  return { tag: message.subarray(0, tagBytes), seq, updates: readArrays(message.subarray(tagBytes + 4)) }
}
