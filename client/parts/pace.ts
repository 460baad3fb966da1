import { isLow } from '../../shared/surrogates.ts'

/** No text waits longer than this, frames and clocks that are late aside. */
export const paceMs = 130

/** Text that has come and is not shown yet, as it came in. */
export interface Arrival {
  readonly length: number
  readonly dueAt: number
}

/**
 * How much of what waits is to be shown now: as fast as the most urgent of it asks for, and no faster. `sinceMs`: since the
 * last time that some was shown.
 */
export function dueLength(arrivals: readonly Arrival[], now: number, sinceMs: number): number {
  let waiting = 0
  let due = 0
  for (const { length, dueAt } of arrivals) {
    waiting += length
    const left = dueAt - now
    due = Math.max(due, left <= sinceMs ? waiting : (waiting * sinceMs) / left)
  }
  return Math.ceil(due)
}

/** What goes on with the character before it, as people see it: accents, skin tones, what joins two signs. */
const goesOn = /^(?:\p{M}|\p{Emoji_Modifier}|\u200d)/u

/** The next place, from `at` on, where no character is cut. */
export function wholeCharacters(text: string, at: number): number {
  let end = at
  while (end > 0 && end < text.length) {
    if (isLow(text.charCodeAt(end)) || text[end - 1] === '\u200d') end++
    else if (goesOn.test(text.slice(end, end + 2))) end++
    else break
  }
  return Math.min(end, text.length)
}
