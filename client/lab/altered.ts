/** Fewer letters in a row may be anything. */
const leastLetters = 6
const quote = 0x22

/**
 * The bytes with one letter of their longest run of words another one, of the same length, so that nothing breaks but what
 * is said; null where there are no words.
 */
export function altered(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> | null {
  let best = { start: 0, length: 0 }
  let start = 0
  for (let at = 0; at <= bytes.length; at++) {
    if (at < bytes.length && isWord(bytes[at]!)) continue
    // What stands in quotes is JSON, of control messages.
    if (at - start > best.length && bytes[start - 1] !== quote) best = { start, length: at - start }
    start = at + 1
  }
  if (best.length < leastLetters) return null
  const copy = bytes.slice()
  let place = best.start + (best.length >> 1)
  while (copy[place] === space) place++
  copy[place] = copy[place] === letterX ? letterX + 1 : letterX
  return copy
}

const space = 0x20
const letterX = 0x78

const isWord = (byte: number) => byte === space || (byte >= 0x61 && byte <= 0x7a)
