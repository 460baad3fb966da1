import * as Y from 'yjs'
import { encodeChannelMessage, encodeControl, encodeStock } from '../../shared/protocol.ts'
import type { Random } from './random.ts'
import { clientFrame } from './raw-socket.ts'
import { longVarUint, numberPlaces } from './var-uints.ts'

/** A hostile frame, and what may become of the socket: `open`, or one of these close codes. */
export interface Hostile {
  bytes: Buffer
  /** Null: it stays open. */
  codes: readonly (number | null)[]
  name: string
}

export interface Target {
  endpoint: 'ws' | 'yjs'
  /** `/ws` after its welcome. */
  greeted: boolean
  /** A document that exists, and its channel. */
  doc: string
  channel: number
}

type Make = (random: Random, target: Target) => Hostile

const text = (value: string) => clientFrame(Buffer.from(value), { opcode: 1 })
const binary = (value: Uint8Array) => clientFrame(value, { opcode: 2 })

/** An update with real content, as a client that writes would send it. */
function realUpdate(random: Random): Uint8Array {
  const doc = new Y.Doc()
  doc.clientID = random.chance(0.5) ? 64 + random.integer(0, 3) : 2 ** 31 + random.integer(0, 99)
  doc.getMap('message').set('status', 'hacked')
  doc.getText('output').insert(0, 'hacked')
  return Y.encodeStateAsUpdate(doc)
}

function stockWrite(random: Random): Uint8Array {
  return encodeStock({ type: random.pick(['syncStep2', 'update']), update: realUpdate(random) })
}

function validControl(random: Random, { doc }: Target): string {
  return encodeControl(
    random.pick([
      () => ({ type: 'subscribe' as const, docs: [{ doc, stateVector: random.bytes(random.integer(0, 9)) }] }),
      () => ({
        type: 'subscribe' as const,
        docs: [{ doc: 'msg_nobodyknows' }, { doc: '../../etc/passwd' }, { doc: '__proto__' }],
      }),
      () => ({ type: 'unsubscribe' as const, docs: ['msg_nobodyknows', ''] }),
      () => ({ type: 'ping' as const }),
      () => ({ type: 'token' as const, token: 'x' }),
    ])(),
  )
}

/** One bit, byte, cut or doubling away from a valid frame's payload. */
function mutate(random: Random, payload: Uint8Array): Uint8Array {
  const bytes = Uint8Array.from(payload)
  switch (random.integer(0, 4)) {
    case 0:
      bytes[random.integer(0, bytes.length - 1)]! ^= 1 << random.integer(0, 7)
      return bytes
    case 1:
      return bytes.subarray(0, random.integer(0, bytes.length - 1))
    case 2:
      return Buffer.concat([bytes, random.bytes(random.integer(1, 9))])
    case 3:
      return Buffer.concat([bytes, bytes])
    default:
      bytes.fill(random.integer(0, 255), random.integer(0, bytes.length - 1))
      return bytes
  }
}

const anyBad = [null, 1002, 1007, 1009, 4400, 4403, 4409] as const

/** Frames that leave the socket open: many of them fit on one connection. */
const harmless: readonly [number, Make][] = [
  [
    10,
    (random, { endpoint, channel }) => ({
      name: 'a real write',
      codes: [null],
      bytes: binary(endpoint === 'yjs' ? stockWrite(random) : encodeChannelMessage(channel, stockWrite(random))),
    }),
  ],
  [
    3,
    (random, { endpoint, channel }) => {
      const message = encodeStock({ type: 'awareness', update: random.bytes(random.integer(0, 40)) })
      return {
        name: 'awareness',
        codes: [null],
        bytes: binary(endpoint === 'yjs' ? message : encodeChannelMessage(channel, message)),
      }
    },
  ],
  [
    2,
    (_random, { endpoint, channel }) => {
      const message = encodeStock({ type: 'syncStep2', update: Uint8Array.of(0, 0) })
      return {
        name: 'an empty sync step 2',
        codes: [null],
        bytes: binary(endpoint === 'yjs' ? message : encodeChannelMessage(channel, message)),
      }
    },
  ],
  [
    2,
    (random) => ({
      name: 'a ping',
      codes: [null],
      bytes: clientFrame(random.bytes(random.integer(0, 125)), { opcode: 9 }),
    }),
  ],
  [
    2,
    (random) => ({
      name: 'a pong that nobody asked for',
      codes: [null],
      bytes: clientFrame(random.bytes(random.integer(0, 125)), { opcode: 10 }),
    }),
  ],
  [
    3,
    (random, { endpoint, channel }) => {
      // Of client ids that are none of the server's: not ahead.
      const stateVector = Y.encodeStateVector(
        new Map(
          Array.from({ length: random.integer(0, 5) }, () => [
            2 ** 24 + random.integer(0, 2 ** 31),
            random.integer(1, 99),
          ]),
        ),
      )
      const message = encodeStock({ type: 'syncStep1', stateVector })
      return {
        name: 'a sync step 1',
        codes: [null],
        bytes: binary(endpoint === 'yjs' ? message : encodeChannelMessage(channel, message)),
      }
    },
  ],
]

const harmlessAfterHello: readonly [number, Make][] = [
  ...harmless,
  [
    5,
    (random, target) => ({ name: 'a valid control message', codes: [null], bytes: text(validControl(random, target)) }),
  ],
  [
    3,
    (random) => ({
      name: 'a write to a channel that it does not follow',
      codes: [null],
      bytes: binary(encodeChannelMessage(random.integer(1_000, 2 ** 31), stockWrite(random))),
    }),
  ],
]

/** Frames that may end the socket. */
const fatal: readonly [number, Make][] = [
  [
    6,
    (random, { endpoint, channel }) => {
      const place = random.pick(numberPlaces(endpoint === 'yjs' ? null : channel))
      const bytes = random.integer(1, 200)
      return {
        name: `a varUint of ${bytes} bytes as ${place.name}`,
        codes: anyBad,
        bytes: binary(place.frame(longVarUint(bytes, random))),
      }
    },
  ],
  [6, (random) => ({ name: 'random binary', codes: anyBad, bytes: binary(random.bytes(random.integer(0, 200))) })],
  [
    3,
    (random) => ({
      name: 'random text',
      codes: [4400, 1007],
      bytes: clientFrame(random.bytes(random.integer(1, 200)), { opcode: 1 }),
    }),
  ],
  [
    3,
    (random, { endpoint, channel }) => {
      const message = encodeStock(
        random.pick([
          { type: 'syncStep1', stateVector: Uint8Array.of(1, 64, 1) },
          { type: 'update', update: realUpdate(random) },
          { type: 'queryAwareness' },
        ]),
      )
      return {
        name: 'a mutated stock message',
        codes: anyBad,
        bytes: binary(mutate(random, endpoint === 'yjs' ? message : encodeChannelMessage(channel, message))),
      }
    },
  ],
  [
    3,
    (random, target) => ({
      name: 'a mutated control message',
      codes: anyBad,
      bytes: clientFrame(mutate(random, Buffer.from(validControl(random, target))), { opcode: 1 }),
    }),
  ],
  [
    1,
    (random) => ({
      name: 'a reserved bit',
      codes: [1002],
      bytes: clientFrame(Buffer.from('{}'), { opcode: 1, reserved: random.integer(1, 7) }),
    }),
  ],
  [
    1,
    (random) => ({
      name: 'an unknown opcode',
      codes: [1002],
      bytes: clientFrame(Buffer.alloc(2), { opcode: random.pick([3, 4, 5, 6, 7, 11, 12, 13, 14, 15]) }),
    }),
  ],
  [
    1,
    () => ({
      name: 'a frame without a mask',
      codes: [1002],
      bytes: clientFrame(Buffer.from('{}'), { opcode: 1, masked: false }),
    }),
  ],
  [
    1,
    () => ({ name: 'a continuation of nothing', codes: [1002], bytes: clientFrame(Buffer.from('{}'), { opcode: 0 }) }),
  ],
  [
    1,
    () => ({
      name: 'a control frame in fragments',
      codes: [1002],
      bytes: clientFrame(Buffer.alloc(1), { opcode: 9, fin: false }),
    }),
  ],
  [1, () => ({ name: 'a long control frame', codes: [1002], bytes: clientFrame(Buffer.alloc(126), { opcode: 9 }) })],
  [
    1,
    (random) => ({
      name: 'a frame over 1 MiB',
      codes: [1009],
      bytes: clientFrame(Buffer.alloc(8), {
        opcode: random.pick([1, 2]),
        claimedLength: random.pick([1_048_577, 2 ** 32, Number.MAX_SAFE_INTEGER]),
      }),
    }),
  ],
  [
    1,
    () => ({
      name: 'text that is no UTF-8',
      codes: [1007],
      bytes: clientFrame(Buffer.from([0x22, 0xff, 0xfe, 0x22]), { opcode: 1 }),
    }),
  ],
  [
    1,
    (random) => ({
      name: 'a wrong close code',
      codes: [1002],
      bytes: clientFrame(Uint8Array.of(0, random.integer(0, 255)), { opcode: 8 }),
    }),
  ],
  [1, () => ({ name: 'a close', codes: [1000, 1005], bytes: clientFrame(Uint8Array.of(3, 232), { opcode: 8 }) })],
  [
    1,
    (_random, { endpoint, channel, greeted }) => {
      const message = encodeStock({ type: 'syncStep1', stateVector: Y.encodeStateVector(new Map([[64, 2 ** 40]])) })
      return {
        name: 'a state vector that is ahead',
        codes: endpoint === 'ws' && !greeted ? [4400] : [4409],
        bytes: binary(endpoint === 'yjs' ? message : encodeChannelMessage(channel, message)),
      }
    },
  ],
  [
    1,
    (_random, { endpoint, channel }) => {
      // Says that it names 2³¹ clients.
      const message = encodeStock({ type: 'syncStep1', stateVector: Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x07) })
      return {
        name: 'a state vector that claims to be huge',
        codes: [4400],
        bytes: binary(endpoint === 'yjs' ? message : encodeChannelMessage(channel, message)),
      }
    },
  ],
  [
    1,
    (_random, { endpoint }) => ({
      name: 'deep JSON',
      codes: [4400],
      bytes: text(endpoint === 'yjs' ? '{}' : '['.repeat(50_000)),
    }),
  ],
  [1, () => ({ name: 'hello again, or of another version', codes: [4400], bytes: text('{"type":"hello","v":99}') })],
  [
    1,
    (random) => ({
      name: 'an unknown type',
      codes: [4400],
      bytes: text(JSON.stringify({ type: random.pick(['subscribed', '__proto__', 'constructor', '', 'welcome']) })),
    }),
  ],
  [
    1,
    (random) => ({
      name: 'a wrong field',
      codes: [4400],
      bytes: text(
        random.pick([
          '{"type":"subscribe"}',
          '{"type":"subscribe","docs":[null]}',
          '{"type":"subscribe","docs":[{"doc":1}]}',
          '{"type":"subscribe","docs":{"length":9}}',
          '{"type":"subscribe","docs":[{"doc":"msg_12345678","stateVector":"%%%"}]}',
          '{"type":"unsubscribe","docs":[{}]}',
          '{"type":"token"}',
          'null',
          '[]',
          '1',
          '""',
          '{',
        ]),
      ),
    }),
  ],
]

/** Frames for one connection: some that leave it open, and one at the end that may close it. */
export function hostileConversation(random: Random, target: Target, atMost: number): Hostile[] {
  const isOpen = target.endpoint === 'yjs' || target.greeted
  const kinds = target.endpoint === 'yjs' ? harmless : harmlessAfterHello
  const count = isOpen ? Math.min(random.integer(0, 30), atMost - 1) : 0
  return [
    ...Array.from({ length: count }, () => random.weighted(kinds)(random, target)),
    random.weighted(fatal)(random, target),
  ]
}
