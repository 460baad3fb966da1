/** H2: frames in the bodies of `/api/sync`, as RFC 6455 has them, by its bytes. */
import { expect, test } from 'vitest'
import { encodeFrame, FrameReader, type Frame } from '../../shared/frames.ts'

const frames: Frame[] = [
  { type: 'text', text: 'Zoë 🌙' },
  { type: 'binary', bytes: new Uint8Array(0) },
  { type: 'ping' },
  ...[125, 126, 65_535, 65_536].map((length): Frame => ({
    type: 'binary',
    bytes: new Uint8Array(length).fill(length),
  })),
  { type: 'pong' },
  { type: 'close', code: 4401, reason: 'Sign in again.' },
]
const bytes = Buffer.concat(frames.map(encodeFrame))

test.each([1, 2, 3, 7, 1_000, 70_000, Infinity])('H2: come whole, cut into pieces of %d bytes', (size) => {
  const reader = new FrameReader(100_000)
  const read: Frame[] = []
  for (let at = 0; at < bytes.length; at += size) {
    const piece = Uint8Array.from(bytes.subarray(at, at + size))
    read.push(...reader.read(piece))
    // It may be used again.
    piece.fill(0xff)
    if (size === Infinity) break
  }
  expect(read.length).toBe(frames.length)
  expect(Buffer.concat(read.map(encodeFrame))).toEqual(bytes)
  expect(reader.atEnd).toBe(true)
})

test('H2: a message in fragments, with a ping between them, is one', () => {
  const reader = new FrameReader(100)
  const parts = [
    [0x01, 3, 0x61, 0xe2, 0x82],
    [0x89, 0],
    [0x00, 1, 0xac],
    [0x80, 0],
  ]
  expect(parts.flatMap((part) => [...reader.read(Uint8Array.from(part))])).toEqual([
    { type: 'ping' },
    { type: 'text', text: 'a€' },
  ])
  expect(reader.atEnd).toBe(true)
})

test.each([
  ['is masked', [0x81, 0x81, 0, 0, 0, 0, 0], 'bad_request'],
  ['has a reserved bit', [0xc1, 0], 'bad_request'],
  ['is of no known kind', [0x83, 0], 'bad_request'],
  ['goes on with nothing', [0x80, 0], 'bad_request'],
  ['begins another inside one', [0x01, 0, 0x81, 0], 'bad_request'],
  ['cuts a frame of control', [0x09, 0], 'bad_request'],
  ['has a long frame of control', [0x89, 126, 0, 126], 'bad_request'],
  ['closes with half a code', [0x88, 1, 3], 'bad_request'],
  ['is no UTF-8', [0x81, 1, 0xff], 'bad_request'],
  ['says that it is too long', [0x82, 126, 1, 0], 'too_large'],
  ['is too long in fragments', [0x02, 60, ...Array<number>(60).fill(0), 0x80, 60], 'too_large'],
])('H2: what %s is refused', (_how, broken, code) => {
  const read = () => [...new FrameReader(100).read(Uint8Array.from(broken))]
  expect(read).toThrow(expect.objectContaining({ code }))
})
