/** Messages with any one of their numbers replaced by bytes that are no number. */
import type { Random } from './random.ts'

/** Numbers, bytes, and a part with its length before it. */
type Layout = readonly (number | Uint8Array | { within: Layout })[]

const utf8 = (text: string) => new TextEncoder().encode(text)

/** Each kind of stock message, numbers apart from bytes. */
const stock: Record<string, Layout> = {
  'sync step 1': [0, 0, { within: [2, 2 ** 24, 5, 2 ** 24 + 1, 6] }],
  'sync step 2': [0, 1, { within: [1, 1, 2 ** 24, 0, Uint8Array.of(4, 1, 1, 97, 1, 98), 0] }],
  update: [0, 2, { within: [0, 1, 2 ** 24, 1, 0, 1] }],
  awareness: [1, { within: [1, 4_242, 1, { within: [utf8('{}')] }] }],
  'awareness of two': [1, { within: [2, 4_242, 1, { within: [utf8('{}')] }, 4_243, 1, { within: [utf8('null')] }] }],
  denied: [2, 0, { within: [utf8('no')] }],
  'query awareness': [3],
}

export interface Place {
  name: string
  /** Inside what a message carries. A server reads that of a sync step 1, in a chat that of awareness, of a write never. */
  inside: 'sync step 1' | 'awareness' | 'write' | null
  /** The frame with these bytes in the place of one number. */
  frame: (number: Uint8Array) => Uint8Array
}

/** Every place of every message where a number stands; on `/ws` with the channel and the length before it. */
export function numberPlaces(channel: number | null): Place[] {
  return Object.entries(stock).flatMap(([kind, message]) => {
    const layout = channel === null ? message : [channel, { within: message }]
    const carried = count(message.flatMap((part) => (typeof part === 'object' && 'within' in part ? part.within : [])))
    return Array.from({ length: count(layout) }, (_, at) => ({
      name: `number ${at} of ${kind}`,
      inside: at < count(layout) - carried ? null : carries(kind),
      frame: (number: Uint8Array) => encode(layout, { at, number }),
    }))
  })
}

/** So many bytes that say that another one follows, but for the last: the lengths of lib0's Infinity and NaN among them. */
export function longVarUint(bytes: number, random: Random): Uint8Array {
  const fill = random.pick([0x80, 0x80, 0x81, 0xff])
  return Uint8Array.from({ length: bytes }, (_, i) => (i < bytes - 1 ? fill : random.pick([0, 1, 1, 0x0f, 0x7f])))
}

function carries(kind: string): Place['inside'] {
  if (kind === 'sync step 1') return kind
  return kind.startsWith('awareness') ? 'awareness' : 'write'
}

function count(layout: Layout): number {
  return layout.reduce<number>((sum, part) => {
    if (part instanceof Uint8Array) return sum
    return sum + 1 + (typeof part === 'number' ? 0 : count(part.within))
  }, 0)
}

function encode(layout: Layout, replaced: { at: number; number: Uint8Array }): Uint8Array {
  return Buffer.concat(
    layout.map((part) => {
      if (part instanceof Uint8Array) return part
      const number = replaced.at-- === 0 ? replaced.number : null
      if (typeof part === 'number') return number ?? varUint(part)
      const within = encode(part.within, replaced)
      return Buffer.concat([number ?? varUint(within.length), within])
    }),
  )
}

function varUint(value: number): Uint8Array {
  const bytes: number[] = []
  for (; value >= 128; value = Math.floor(value / 128)) bytes.push((value % 128) + 128)
  return Uint8Array.from([...bytes, value])
}
