import { expect, test } from 'vitest'
import {
  decodeAwareness,
  decodeChannelMessages,
  decodeServerControl,
  decodeStateVector,
  decodeStock,
  encodeAwareness,
  encodeChannelMessage,
  encodeControl,
} from '../../shared/protocol.ts'
import { WireReader, writeParts } from '../../shared/wire.ts'
import { chosenSeeds, Random } from '../fuzz/random.ts'
import { longVarUint, numberPlaces } from '../fuzz/var-uints.ts'

const refused = expect.objectContaining({ code: 'bad_request' })
const bytes = (...list: number[]) => Uint8Array.from(list)

test.each([0, 1, 127, 128, 16_384, 2 ** 31, 2 ** 32 + 1, 2 ** 49, Number.MAX_SAFE_INTEGER])(
  'W25: %i is read as it was written',
  (number) => {
    expect(new WireReader(writeParts([number])).uint()).toBe(number)
  },
)

test.each([
  [[]],
  [[0x80]],
  [[...writeParts([Number.MAX_SAFE_INTEGER])].map((byte, i) => (i === 7 ? byte + 1 : byte))],
  [[...Array<number>(8).fill(0x80), 0]],
  [[...Array<number>(147).fill(0x80), 1]],
  [[...Array<number>(147).fill(0x80), 0]],
  [Array<number>(200).fill(0xff)],
])('W25: %o is no number', (list) => {
  expect(() => new WireReader(bytes(...list)).uint()).toThrow(refused)
})

test('W25: a number is at most what is asked for, and a length ends inside the bytes, whatever lies behind them in memory', () => {
  expect(() => new WireReader(bytes(6)).uint(5)).toThrow(refused)
  const memory = bytes(4, 1, 2, 3, 99)
  expect(() => new WireReader(memory.subarray(0, 4)).bytes()).toThrow(refused)
  expect(() => new WireReader(bytes(1, 0xff)).text()).toThrow(refused)
})

test.each([Infinity, Number.NaN, -1, 0.5, 2 ** 53])('W25: %d is never written', (number) => {
  const never = expect.objectContaining({ code: 'internal' })
  expect(() => encodeChannelMessage(number, bytes(0))).toThrow(never)
  expect(() => encodeAwareness([{ clientId: number, clock: 1, state: '{}' }])).toThrow(never)
  expect(() => encodeAwareness([{ clientId: 1, clock: number, state: '{}' }])).toThrow(never)
  expect(() => encodeControl({ type: 'tokenExpiring', inMs: number })).toThrow(never)
})

const [seed] = chosenSeeds(1) as [number]

test(`W25: a varUint of 1 to 200 bytes at any place gives safe integers or bad_request (seed ${seed})`, () => {
  const random = new Random(seed)
  for (const place of numberPlaces(7)) {
    for (let length = 1; length <= 200; length++) {
      const numbers: number[] = []
      try {
        for (const { channel, message } of decodeChannelMessages(place.frame(longVarUint(length, random)))) {
          numbers.push(channel)
          const stock = decodeStock(message)
          if (stock.type === 'awareness')
            for (const { clientId, clock } of decodeAwareness(stock.update)) numbers.push(clientId, clock)
          if (stock.type === 'syncStep1') numbers.push(...[...decodeStateVector(stock.stateVector)].flat())
        }
      } catch (error) {
        expect(error, `${place.name}, ${length} bytes`).toEqual(refused)
      }
      expect(
        numbers.filter((number) => !Number.isSafeInteger(number) || number < 0),
        place.name,
      ).toEqual([])
    }
  }
})

const welcome = { type: 'welcome', v: 1, user: { id: 'ada', name: 'Ada' }, heartbeatMs: 15_000 }
const subscribed = { doc: 'msg_1', channel: 1, lineage: 'l', reset: false, role: 'viewer' }
const checkpoint = { type: 'checkpoint', channel: 1, stateVector: 'AA==', digest: 'd', final: false }

test.each<[object]>([
  [welcome],
  [{ type: 'subscribed', docs: [subscribed] }],
  [checkpoint],
  [{ type: 'chat', event: 'status', chatId: 'c', messageId: 'm', status: 'streaming' }],
])('W25: the client takes %o', (message) => {
  expect(decodeServerControl(JSON.stringify(message))).toMatchObject({ type: (message as { type: string }).type })
})

test.each<[string]>([
  ...['1e400', '-1', '1.5', '9007199254740992', '"1"', 'null', '[]', '{}'].flatMap((number): [string][] => [
    [`{"type":"lagging","channel":${number}}`],
    [`{"type":"caughtUp","channel":${number}}`],
    [`{"type":"tokenExpiring","inMs":${number}}`],
    [JSON.stringify(welcome).replace('15000', number)],
    [JSON.stringify(welcome).replace('"v":1', `"v":${number}`)],
    [JSON.stringify(checkpoint).replace('"channel":1', `"channel":${number}`)],
    [JSON.stringify({ type: 'subscribed', docs: [subscribed] }).replace('"channel":1', `"channel":${number}`)],
  ]),
  // A timer takes 2³¹ ms.
  [JSON.stringify(welcome).replace('15000', '2000000000')],
  [JSON.stringify(welcome).replace('15000', '0')],
  [JSON.stringify({ type: 'subscribed', docs: [{ ...subscribed, role: 'root' }] })],
  [JSON.stringify({ type: 'subscribed', docs: [{ ...subscribed, reset: 1 }] })],
  [JSON.stringify({ type: 'subscribed', docs: { length: 1 } })],
  [JSON.stringify({ type: 'role', doc: 'msg_1', role: null })],
  [JSON.stringify({ type: 'refused', doc: 'msg_1', code: 404, message: 'no' })],
  [JSON.stringify({ ...checkpoint, final: 'yes' })],
  [JSON.stringify({ type: 'error', code: 'internal' })],
])('W25: the client refuses %s', (text) => {
  expect(() => decodeServerControl(text)).toThrow(refused)
})

test('W3: words of a newer server are no fault', () => {
  const refusal = { type: 'refused', doc: 'msg_1', code: 'fromTheFuture', message: 'no' }
  expect(decodeServerControl(JSON.stringify(refusal))).toEqual({ ...refusal, code: 'internal' })
  expect(decodeServerControl('{"type":"chat","event":"fromTheFuture","chatId":"c"}')).toBeNull()
  expect(decodeServerControl('{"type":"chat","event":"status","chatId":"c","status":"fromTheFuture"}')).toBeNull()
})
