/**
 * WebSocket frames (RFC 6455, section 5.2) where HTTP carries them (H2): never masked, so that those which all lines
 * share go out as they are. A message may come in fragments, with a ping between them.
 */
import { decodeUtf8, encodeUtf8 } from 'lib0/string'
import { RunnelError } from './errors.ts'

export type Frame =
  | { type: 'text'; text: string }
  | { type: 'binary'; bytes: Uint8Array<ArrayBuffer> }
  | { type: 'close'; code: number; reason: string }
  | { type: 'ping' }
  | { type: 'pong' }

const opcodes = { text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const
const [continuation, final] = [0, 0x80]
const knownOpcodes: ReadonlySet<number> = new Set([continuation, ...Object.values(opcodes)])

/** One frame, whole. */
export function encodeFrame(frame: Frame): Uint8Array<ArrayBuffer> {
  const payload = payloadOf(frame)
  const { length } = payload
  const size = length < 126 ? [length] : length < 65_536 ? [126] : [127]
  const bytes = new Uint8Array(1 + (length < 126 ? 1 : length < 65_536 ? 3 : 9) + length)
  bytes.set([final | opcodes[frame.type], ...size])
  const view = new DataView(bytes.buffer)
  if (size[0] === 126) view.setUint16(2, length)
  if (size[0] === 127) view.setBigUint64(2, BigInt(length))
  bytes.set(payload, bytes.length - length)
  return bytes
}

function payloadOf(frame: Frame): Uint8Array {
  if (frame.type === 'text') return encodeUtf8(frame.text)
  if (frame.type === 'binary') return frame.bytes
  if (frame.type !== 'close') return new Uint8Array(0)
  const reason = encodeUtf8(frame.reason)
  const payload = new Uint8Array(2 + reason.length)
  new DataView(payload.buffer).setUint16(0, frame.code)
  payload.set(reason, 2)
  return payload
}

/** Reads frames from bytes as they come, cut anywhere. Throws `bad_request` for what is no frame, `too_large` for a message of more than `maxBytes`. */
export class FrameReader {
  readonly #maxBytes: number
  /** What has come of a frame that is not whole, and how many bytes there must be before it is looked at again. */
  #pieces: Uint8Array[] = []
  #bytes = 0
  #wanted = 0
  /** Of a message that is not whole yet. */
  #parts: Uint8Array[] = []
  #partsBytes = 0
  #opcode = continuation

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Nothing of a frame or a message waits for more. */
  get atEnd(): boolean {
    return this.#bytes === 0 && this.#opcode === continuation
  }

  *read(chunk: Uint8Array): Generator<Frame> {
    this.#bytes += chunk.length
    // A copy is kept: what was handed in may be used again. Joined once, however many pieces a frame comes in.
    if (this.#bytes < this.#wanted) return void this.#pieces.push(chunk.slice())
    let bytes = this.#pieces.length === 0 ? chunk : joined([...this.#pieces, chunk])
    for (;;) {
      const head = headOf(bytes)
      if (head && head.length + this.#partsBytes > this.#maxBytes)
        throw new RunnelError('too_large', `A message has more than ${this.#maxBytes} bytes.`)
      if (!head || bytes.length < head.start + head.length) {
        this.#wanted = head ? head.start + head.length : bytes.length + 1
        break
      }
      const payload = bytes.subarray(head.start, head.start + head.length)
      bytes = bytes.subarray(head.start + head.length)
      const frame = this.#take(head, payload)
      if (frame) yield frame
    }
    this.#pieces = bytes.length === 0 ? [] : [bytes.slice()]
    this.#bytes = bytes.length
  }

  #take({ opcode, isFinal }: Head, payload: Uint8Array): Frame | null {
    if (opcode >= opcodes.close) return controlFrame(opcode, payload)
    if ((opcode === continuation) !== (this.#opcode !== continuation)) throw broken('is out of its order')
    if (opcode !== continuation) this.#opcode = opcode
    // Views of bytes that are used again where the message is not whole.
    this.#parts.push(isFinal ? payload : payload.slice())
    this.#partsBytes += payload.length
    if (!isFinal) return null
    const bytes = joined(this.#parts)
    const isText = this.#opcode === opcodes.text
    this.#parts = []
    this.#partsBytes = 0
    this.#opcode = continuation
    return isText ? { type: 'text', text: textOf(bytes) } : { type: 'binary', bytes }
  }
}

interface Head {
  opcode: number
  isFinal: boolean
  start: number
  length: number
}

/** Null where it has not come whole. */
function headOf(bytes: Uint8Array): Head | null {
  if (bytes.length < 2) return null
  const [first, second] = [bytes[0]!, bytes[1]!]
  const opcode = first & 0x0f
  if ((first & 0x70) !== 0 || !knownOpcodes.has(opcode)) throw broken('is of no known kind')
  if ((second & 0x80) !== 0) throw broken('is masked')
  const isFinal = (first & final) !== 0
  if (opcode >= opcodes.close && (!isFinal || second > 125)) throw broken('of control is longer than 125 bytes')
  const start = second < 126 ? 2 : second === 126 ? 4 : 10
  if (bytes.length < start) return null
  const view = new DataView(bytes.buffer, bytes.byteOffset)
  const length = second < 126 ? second : second === 126 ? view.getUint16(2) : Number(view.getBigUint64(2))
  return { opcode, isFinal, start, length }
}

function controlFrame(opcode: number, payload: Uint8Array): Frame {
  if (opcode === opcodes.ping) return { type: 'ping' }
  if (opcode === opcodes.pong) return { type: 'pong' }
  if (payload.length === 1) throw broken('closes without a code')
  const code = payload.length === 0 ? 1005 : (payload[0]! << 8) | payload[1]!
  return { type: 'close', code, reason: textOf(payload.subarray(2)) }
}

function textOf(bytes: Uint8Array): string {
  try {
    return decodeUtf8(bytes)
  } catch {
    throw broken('holds text that is no UTF-8')
  }
}

/** One behind the other. */
export function joined(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}

function broken(how: string): RunnelError {
  return new RunnelError('bad_request', `A frame ${how}.`)
}
