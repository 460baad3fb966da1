/** A place where a text names sources by their numbers, as `[1]`, `[1][2]` or `[1, 2]`. */
export interface Reference {
  readonly from: number
  readonly at: number
  readonly numbers: readonly number[]
}

const reference = /(?<![!\\])\[(\d{1,3}(?: ?, ?\d{1,3})*)\](?!\(|:)/g
/** Numbers that the text itself makes links of. */
const definition = /^ {0,3}\[(\d{1,3})\]:/gm

/** `count`: of the sources that there are. What stands in code is found, too: no mark is put there. */
export function referencesIn(text: string, count: number): Reference[] {
  if (count === 0) return []
  const defined = new Set(Array.from(text.matchAll(definition), ([, number]) => Number(number)))
  const found: Reference[] = []
  for (const { index, 0: written, 1: list } of text.matchAll(reference)) {
    const numbers = list!.split(',').map(Number)
    if (numbers.every((number) => number >= 1 && number <= count && !defined.has(number)))
      found.push({ from: index, at: index + written.length, numbers })
  }
  return found
}
