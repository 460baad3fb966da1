/** Characters beyond U+FFFF are two units of a string, which belong together. */

export function isHigh(unit: number): boolean {
  return unit >= 0xd800 && unit < 0xdc00
}

export function isLow(unit: number): boolean {
  return unit >= 0xdc00 && unit < 0xe000
}

/** Whether the place is inside a pair. */
export function splitsPair(text: string, index: number): boolean {
  return isHigh(text.charCodeAt(index - 1)) && isLow(text.charCodeAt(index))
}
