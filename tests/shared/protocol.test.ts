import { expect, test } from 'vitest'
import {
  decodeChannelMessages,
  decodeClientControl,
  decodeServerControl,
  decodeStateVector,
  decodeStock,
  encodeChannelMessage,
  encodeControl,
  encodeStock,
  isEmptyUpdate,
  type StockMessage,
} from '../../shared/protocol.ts'

const bytes = (...list: number[]) => Uint8Array.from(list)

test.each<[StockMessage, number[]]>([
  [{ type: 'syncStep1', stateVector: bytes(0) }, [0, 0, 1, 0]],
  [{ type: 'syncStep2', update: bytes(0, 0) }, [0, 1, 2, 0, 0]],
  [{ type: 'update', update: bytes(9, 8) }, [0, 2, 2, 9, 8]],
  [{ type: 'awareness', update: bytes(0) }, [1, 1, 0]],
  [{ type: 'permissionDenied', reason: 'no' }, [2, 0, 2, 110, 111]],
  [{ type: 'queryAwareness' }, [3]],
])('W6: %o is on the wire as %o, both ways', (message, wire) => {
  expect([...encodeStock(message)]).toEqual(wire)
  expect(decodeStock(bytes(...wire))).toEqual(message)
})

test('W5: a binary frame is channel, length, message, as often as it holds some', () => {
  const frame = bytes(...encodeChannelMessage(1, bytes(5, 6)), ...encodeChannelMessage(300, bytes(7)))
  expect([...frame]).toEqual([1, 2, 5, 6, 0xac, 0x02, 1, 7])
  expect([...decodeChannelMessages(frame)]).toEqual([
    { channel: 1, message: bytes(5, 6) },
    { channel: 300, message: bytes(7) },
  ])
})

test.each([[[]], [[1]], [[1, 5, 0]], [[0, 9, 0]], [[200]]])('refuses the broken bytes %o', (list) => {
  expect(() => [...decodeChannelMessages(bytes(...list))].map(({ message }) => decodeStock(message))).toThrow(
    expect.objectContaining({ code: 'bad_request' }),
  )
})

test('W4: a state vector travels as base64', () => {
  const text = encodeControl({
    type: 'subscribe',
    docs: [{ doc: 'msg_12345678', stateVector: bytes(1, 64, 5), lineage: 'l' }],
  })
  expect(text).toBe('{"type":"subscribe","docs":[{"doc":"msg_12345678","stateVector":"AUAF","lineage":"l"}]}')
  expect(decodeClientControl(text)).toEqual({
    type: 'subscribe',
    docs: [{ doc: 'msg_12345678', stateVector: bytes(1, 64, 5), lineage: 'l' }],
  })
  const checkpoint = { type: 'checkpoint', channel: 1, stateVector: bytes(0), digest: 'd', final: true } as const
  expect(decodeServerControl(encodeControl(checkpoint))).toEqual(checkpoint)
})

test('W3: a client ignores a message type that it does not know', () => {
  expect(decodeServerControl('{"type":"fromTheFuture"}')).toBeNull()
})

test.each([
  ['', 'no JSON'],
  ['[]', 'JSON object'],
  ['{"type":"nonsense"}', 'type is none of'],
  ['{"type":"hello"}', 'v must be a number'],
  ['{"type":"hello","v":1,"token":5}', 'token must be a string'],
  ['{"type":"subscribe"}', 'docs must be an array'],
  ['{"type":"subscribe","docs":[null]}', 'docs must hold objects'],
  ['{"type":"subscribe","docs":[{"doc":"x","stateVector":"*"}]}', 'no base64'],
  ['{"type":"unsubscribe","docs":[1]}', 'must hold strings'],
])('refuses the control message %s and names what is wrong', (text, sentence) => {
  expect(() => decodeClientControl(text)).toThrow(sentence)
})

test('reads a state vector and refuses what is none', () => {
  expect([...decodeStateVector(bytes(1, 64, 5))]).toEqual([[64, 5]])
  expect(() => decodeStateVector(bytes(2, 64, 5))).toThrow()
  expect(() => decodeStateVector(bytes(0, 0))).toThrow('left over')
  expect(() => decodeStateVector(bytes(0xff, 0xff, 0xff, 0x0f))).toThrow('too many')
  expect(isEmptyUpdate(bytes(0, 0))).toBe(true)
})
