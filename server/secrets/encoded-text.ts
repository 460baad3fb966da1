/** A text as those read it who undo an encoding: for each byte that comes out, where it stands in the text. Linear in its length. */

export interface Reading {
  bytes: Buffer
  /** Of each byte, in UTF-16 units of the text. */
  starts: Uint32Array
  ends: Uint32Array
}

export type Range = [start: number, end: number]

/** So many encodings may lie around each other: JSON in JSON, a form's value in JSON. */
const maxDepth = 2

/** The text as it is, and as it reads without percent-encoding, a form's encoding, the escapes of JSON, and two of them. */
export function* readings(text: string): Generator<Reading> {
  let level = [plain(text)]
  for (let depth = 0; ; depth++) {
    yield* level
    if (depth === maxDepth) return
    level = level.flatMap((reading) =>
      decoders.flatMap(({ sign, decode }) => (reading.bytes.includes(sign) ? decode(reading) : [])),
    )
  }
}

export function findAll({ bytes, starts, ends }: Reading, needle: Buffer, ranges: Range[]): void {
  for (let at = bytes.indexOf(needle); at >= 0; at = bytes.indexOf(needle, at + needle.length))
    ranges.push([starts[at]!, ends[at + needle.length - 1]!])
}

export function replaceRanges(text: string, ranges: Range[], replacement: string): string {
  let result = ''
  let end = 0
  for (const [from, to] of ranges.toSorted(([a], [b]) => a - b)) {
    if (from >= end) result += text.slice(end, from) + replacement
    end = Math.max(end, to)
  }
  return result + text.slice(end)
}

function plain(text: string): Reading {
  const bytes = Buffer.from(text)
  const starts = new Uint32Array(bytes.length)
  const ends = new Uint32Array(bytes.length)
  let at = 0
  let unit = 0
  for (const character of text) {
    const size = utf8Length(character.codePointAt(0)!)
    starts.fill(unit, at, at + size)
    ends.fill((unit += character.length), at, at + size)
    at += size
  }
  return { bytes, starts, ends }
}

/** A lone surrogate becomes the replacement character, of three bytes as well. */
function utf8Length(codePoint: number): number {
  if (codePoint < 0x80) return 1
  if (codePoint < 0x800) return 2
  return codePoint < 0x10000 ? 3 : 4
}

/** What `size` bytes at a place stand for; null: each for itself. */
type Decode = (bytes: Buffer, at: number) => { size: number; gives: ArrayLike<number> } | null

const percent: Decode = (bytes, at) => {
  const value = bytes[at] === 0x25 ? hexAt(bytes, at + 1, 2) : null
  return value === null ? null : { size: 3, gives: [value] }
}

const form: Decode = (bytes, at) => (bytes[at] === 0x2b ? { size: 1, gives: [0x20] } : percent(bytes, at))

const json: Decode = (bytes, at) => {
  if (bytes[at] !== 0x5c) return null
  const next = bytes[at + 1]
  if (next === undefined) return null
  if (next !== 0x75) return { size: 2, gives: [escapes.get(String.fromCharCode(next)) ?? next] }
  const unit = hexAt(bytes, at + 2, 4)
  if (unit === null) return null
  const low = bytes[at + 6] === 0x5c && bytes[at + 7] === 0x75 ? hexAt(bytes, at + 8, 4) : null
  const isPair = unit >= 0xd800 && unit < 0xdc00 && low !== null && low >= 0xdc00 && low < 0xe000
  return { size: isPair ? 12 : 6, gives: Buffer.from(String.fromCharCode(unit, ...(isPair ? [low] : []))) }
}

const escapes = new Map(Object.entries({ n: 0x0a, r: 0x0d, t: 0x09, b: 0x08, f: 0x0c }))

const decoders = [
  { sign: '%', decode: decoder(percent) },
  { sign: '+', decode: decoder(form) },
  { sign: '\\', decode: decoder(json) },
]

function decoder(decode: Decode): (reading: Reading) => Reading {
  return ({ bytes, starts, ends }) => {
    // None gives more bytes than it takes.
    const out = {
      bytes: Buffer.alloc(bytes.length),
      starts: new Uint32Array(bytes.length),
      ends: new Uint32Array(bytes.length),
    }
    let length = 0
    for (let at = 0; at < bytes.length;) {
      const found = decode(bytes, at)
      const size = found?.size ?? 1
      const count = found?.gives.length ?? 1
      for (let index = 0; index < count; index++) {
        out.bytes[length] = found ? found.gives[index]! : bytes[at]!
        out.starts[length] = starts[at]!
        out.ends[length++] = ends[at + size - 1]!
      }
      at += size
    }
    return { ...out, bytes: out.bytes.subarray(0, length) }
  }
}

function hexAt(bytes: Buffer, at: number, digits: number): number | null {
  let value = 0
  for (let index = at; index < at + digits; index++) {
    const digit = digitOf(bytes[index])
    if (digit === null) return null
    value = value * 16 + digit
  }
  return value
}

function digitOf(byte = 0): number | null {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const letter = byte | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : null
}
