/**
 * Bytes that somebody else sent, and bytes for somebody else (lib0 encoding).
 * Every number is a safe integer, and every length ends inside the bytes: lib0
 * itself reads a long number as Infinity, and writes that for ever.
 */
import * as encoding from 'lib0/encoding'
import { decodeUtf8 } from 'lib0/string'
import { isRunnelError, RunnelError } from './errors.ts'

/** Is it a whole number from `min` to `max`? By this every border checks the numbers that it is told. */
export function isWhole(value: unknown, min = 0, max = Number.MAX_SAFE_INTEGER): value is number {
  return Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
}

/** Reads from first to last. Throws `bad_request` for what is no number, no text, or ends too early. */
export class WireReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  /** Bytes that have not been read. */
  get left(): number {
    return this.#bytes.length - this.#at
  }

  /** A varUint: 7 bits a byte, lowest first. Eight bytes hold every safe integer. */
  uint(max?: number): number {
    let value = 0
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) throw broken('ends too early')
      value += (byte & 127) * factor
      if (byte < 128) {
        if (isWhole(value, 0, max)) return value
        break
      }
    }
    throw broken('holds a number that is too large')
  }

  /** A varUint8Array: a view of the bytes. */
  bytes(): Uint8Array {
    const length = this.uint()
    if (length > this.left) throw broken('ends too early')
    return this.#bytes.subarray(this.#at, (this.#at += length))
  }

  text(): string {
    try {
      return decodeUtf8(this.bytes())
    } catch (error) {
      throw isRunnelError(error) ? error : broken('holds text that is no UTF-8')
    }
  }
}

/** Byte arrays behind each other, each with its length before it: views of `bytes`. Throws `bad_request`. */
export function readArrays(bytes: Uint8Array): Uint8Array[] {
  const reader = new WireReader(bytes)
  const arrays: Uint8Array[] = []
  while (reader.left > 0) arrays.push(reader.bytes())
  return arrays
}

/** A number is written as a varUint, bytes and text with their length before them. Throws `internal` for a number that no reader would take. */
export function writeParts(parts: readonly (number | Uint8Array | string)[]): Uint8Array {
  return encoding.encode((encoder) => {
    for (const part of parts) {
      if (typeof part === 'number') encoding.writeVarUint(encoder, checked(part))
      else if (typeof part === 'string') encoding.writeVarString(encoder, part)
      else encoding.writeVarUint8Array(encoder, part)
    }
  })
}

/** What is sent as a number, in bytes or in JSON: another one is a fault of this side. */
export function checked(value: number): number {
  if (!isWhole(value)) throw new RunnelError('internal', `${value} cannot be sent: it is no safe integer.`)
  return value
}

function broken(how: string): RunnelError {
  return new RunnelError('bad_request', `A frame ${how}.`)
}
