import { expect, test } from 'vitest'
import { binaryFrames, fragmentBytes, textFrames } from '../../server/room/frame.ts'

test('a short message is one unmasked frame: RFC 6455 section 5.7', () => {
  expect(textFrames('Hello').map((frame) => [...frame])).toEqual([[0x81, 0x05, 0x48, 0x65, 0x6c, 0x6c, 0x6f]])
  expect([...binaryFrames(new Uint8Array(256))[0]!.subarray(0, 4)]).toEqual([0x82, 0x7e, 0x01, 0x00])
})

test('a long message is cut into fragments, only the last one final', () => {
  const frames = binaryFrames(new Uint8Array(2 * fragmentBytes + 1).fill(9))
  expect(frames.map((frame) => frame[0])).toEqual([0x02, 0x00, 0x80])
  expect(frames.map((frame) => frame.length)).toEqual([fragmentBytes + 4, fragmentBytes + 4, 3])
})

test('an empty message is one empty frame', () => {
  expect(textFrames('').map((frame) => [...frame])).toEqual([[0x81, 0]])
})
