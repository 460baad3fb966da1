/** WebSocket frames of a server, RFC 6455 section 5.2: unmasked, uncompressed, made once and shared by all sockets. */

const opcodes = { text: 1, binary: 2 } as const

/**
 * A message longer than this goes out in fragments: a slow socket takes one at
 * a time, so that progress is visible and a ping can pass between them.
 */
export const fragmentBytes = 16_384

/** `channels`: `/ws`, many documents with control messages. `stock`: `/yjs`, one document, y-protocols alone. */
export type WireFormat = 'channels' | 'stock'

/** The frames of one message. Headers and payload lie in one buffer. */
export type Frames = readonly Uint8Array[]

/** One awareness message, for both kinds of socket. */
export type PresenceFrames = Record<WireFormat, Frames>

export function textFrames(text: string): Frames {
  return frames('text', Buffer.from(text))
}

export function binaryFrames(payload: Uint8Array): Frames {
  return frames('binary', payload)
}

export function framesBytes(frames: Frames): number {
  let bytes = 0
  for (const frame of frames) bytes += frame.length
  return bytes
}

function frames(kind: keyof typeof opcodes, payload: Uint8Array): Frames {
  const count = Math.max(1, Math.ceil(payload.length / fragmentBytes))
  const buffer = Buffer.allocUnsafe(payload.length + count * 4)
  const list: Uint8Array[] = []
  let end = 0
  for (let i = 0; i < count; i++) {
    const part = payload.subarray(i * fragmentBytes, (i + 1) * fragmentBytes)
    const start = end
    const final = i === count - 1 ? 0x80 : 0
    buffer[end++] = final | (i === 0 ? opcodes[kind] : 0)
    if (part.length < 126) {
      buffer[end++] = part.length
    } else {
      buffer[end++] = 126
      end = buffer.writeUInt16BE(part.length, end)
    }
    buffer.set(part, end)
    end += part.length
    list.push(buffer.subarray(start, end))
  }
  return list
}
