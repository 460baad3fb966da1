import { describe, expect, it } from 'vitest'
import {
  decodePublication,
  decodeNumber,
  docOf,
  encodeAppend,
  encodePublication,
  encodeUpdates,
  keyOf,
} from '../../server/cluster/redis-entry.ts'
import { readArrays } from '../../shared/wire.ts'
import { bytes } from '../store/records.ts'

const tag = Uint8Array.of(0xaa, 0xbb, 0xcc, 0xdd)

describe('the bytes in Redis', () => {
  it('of an append are epoch, previous number, tag of the node and the updates', () => {
    expect([...encodeAppend({ epoch: 3, previousSeq: 258, updates: [bytes('ab'), bytes('')] }, tag)]).toEqual([
      0, 0, 0, 3, 0, 0, 1, 2, 0xaa, 0xbb, 0xcc, 0xdd, 2, 0x61, 0x62, 0,
    ])
  })

  it('of a publication are tag, number and the updates', () => {
    const message = encodePublication(tag, { seq: 259, updates: [bytes('ab')] })
    expect([...message]).toEqual([0xaa, 0xbb, 0xcc, 0xdd, 0, 0, 1, 3, 2, 0x61, 0x62])
    expect(decodePublication(message)).toEqual({ tag: Buffer.from(tag), seq: 259, updates: [Buffer.from('ab')] })
  })

  it.each([0, 1, 127, 128, 16_383, 16_384, 3_000_000])(
    'give back an update of %i bytes between two others',
    (length) => {
      const updates = [bytes('a'), new Uint8Array(length).fill(7), bytes('b')]
      expect(readArrays(encodeUpdates(updates)).map((update) => Buffer.compare(update, updates.shift()!))).toEqual([
        0, 0, 0,
      ])
    },
  )

  it('are refused where they break off', () => {
    const refused = expect.objectContaining({ code: 'bad_request' })
    for (const broken of [[0x80], [2, 1], [...Array<number>(200).fill(0xff), 1]])
      expect(() => readArrays(Uint8Array.from(broken))).toThrow(refused)
    expect(() => decodePublication(Buffer.from(tag))).toThrow(refused)
    for (const text of ['', '-1', '1.5', '1e9', '9'.repeat(16), '9'.repeat(400), 'NaN', '0x1'])
      expect(() => decodeNumber(text), text).toThrow(refused)
    expect(decodeNumber('4294967295')).toBe(2 ** 32 - 1)
  })
})

it('a key gives its document back', () => {
  expect(keyOf('msg_aaaaaaaa')).toBe('runnel:{msg_aaaaaaaa}')
  expect(docOf(keyOf('chat_aaaaaaaa'))).toBe('chat_aaaaaaaa')
})
