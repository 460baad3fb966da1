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

/** Each update with its length before it, as an unsigned LEB128. */
export function encodeUpdates(updates: readonly Uint8Array[]): Buffer {
  const parts: Uint8Array[] = []
  for (const update of updates) parts.push(encodeLength(update.length), update)
  return Buffer.concat(parts)
}

/** The updates are views of `entry`. Throws for bytes that are none. */
export function decodeUpdates(entry: Uint8Array): Uint8Array[] {
  const updates: Uint8Array[] = []
  let at = 0
  while (at < entry.length) {
    let length = 0
    for (let factor = 1; ; factor *= 128) {
      const byte = entry[at++]
      if (byte === undefined) throw new RangeError('An entry of the log ends within a length.')
      length += (byte & 127) * factor
      if (byte < 128) break
    }
    if (at + length > entry.length) throw new RangeError('An entry of the log ends within an update.')
    updates.push(entry.subarray(at, (at += length)))
  }
  return updates
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

/** Throws for bytes that are none. */
export function decodePublication(message: Buffer): LiveEntry & { tag: Buffer } {
  const seq = message.readUInt32BE(tagBytes)
  return { tag: message.subarray(0, tagBytes), seq, updates: decodeUpdates(message.subarray(tagBytes + 4)) }
}

function encodeLength(length: number): Uint8Array {
  const bytes: number[] = []
  for (; length >= 128; length = Math.floor(length / 128)) bytes.push((length % 128) + 128)
  bytes.push(length)
  return Uint8Array.from(bytes)
}
