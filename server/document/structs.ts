import * as binary from 'lib0/binary'
import * as decoding from 'lib0/decoding'

interface Id {
  client: number
  clock: number
}

/** Where a struct ends, and what it builds on. */
export interface StructPlace {
  endByte: number
  endClock: number
  needs: readonly Id[]
}

const nothing: readonly Id[] = []

/**
 * Walks over one struct of an update v1, whose form is that of Yjs'
 * `readClientsStructRefs`: a kind, what is on its left and right, or where it
 * stands if neither is there, and its content.
 */
export function readStruct(decoder: decoding.Decoder, clock: number): StructPlace {
  const info = decoding.readUint8(decoder)
  const kind = info & binary.BITS5
  // Nothing but a length: what is deleted and gone, or left out.
  if (kind === 0 || kind === 10) {
    const endClock = clock + decoding.readVarUint(decoder)
    return { endByte: decoder.pos, endClock, needs: nothing }
  }
  const needs: Id[] = []
  if (info & binary.BIT8) needs.push(readId(decoder))
  if (info & binary.BIT7) needs.push(readId(decoder))
  if ((info & (binary.BIT7 | binary.BIT8)) === 0) {
    if (decoding.readVarUint(decoder) === 1) decoding.readVarString(decoder)
    else needs.push(readId(decoder))
    if (info & binary.BIT6) decoding.readVarString(decoder)
  }
  const endClock = clock + readContent(decoder, kind)
  return { endByte: decoder.pos, endClock, needs }
}

function readId(decoder: decoding.Decoder): Id {
  return { client: decoding.readVarUint(decoder), clock: decoding.readVarUint(decoder) }
}

/** Walks over the content of an item; returns how many clocks it has. */
function readContent(decoder: decoding.Decoder, kind: number): number {
  switch (kind) {
    case 1: // deleted
      return decoding.readVarUint(decoder)
    case 2: // JSON
      return repeat(decoding.readVarUint(decoder), () => decoding.readVarString(decoder))
    case 3: // binary
      decoding.readVarUint8Array(decoder)
      return 1
    case 4: // string
      return decoding.readVarString(decoder).length
    case 5: // embed
      decoding.readVarString(decoder)
      return 1
    case 6: // format
      return repeat(2, () => decoding.readVarString(decoder)) / 2
    case 7: {
      // type; XML elements and hooks have names
      const type = decoding.readVarUint(decoder)
      if (type === 3 || type === 5) decoding.readVarString(decoder)
      return 1
    }
    case 8: // any
      return repeat(decoding.readVarUint(decoder), () => decoding.readAny(decoder))
    case 9: // subdocument
      decoding.readVarString(decoder)
      decoding.readAny(decoder)
      return 1
    default:
      throw new Error(`An update has a struct of an unknown kind, ${kind}.`)
  }
}

function repeat(times: number, read: () => void): number {
  for (let i = 0; i < times; i++) read()
  return times
}
