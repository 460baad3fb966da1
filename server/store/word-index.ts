import { Breath } from '../waiting/breath.ts'
import { piecesOf, wordsOf } from './search-words.ts'

export interface IndexBounds {
  /** Bytes of words and places that an index takes: of a longer text the first ones are found. */
  maxBytes: number
  /** What ranks: how often a word is there, up to so many. */
  maxPlaces: number
}

/** Bytes beside the word's own, as Postgres keeps them. */
const wordBytes = 8
const placeBytes = 2

/** Where the words of a text of any size stand. It is taken piece by piece: other work gets its turn in between. */
export async function wordPlaces(
  text: string,
  { maxBytes, maxPlaces }: IndexBounds,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const breath = new Breath()
  const places = new Map<string, number[]>()
  let bytes = 0
  let place = 0
  for (const piece of piecesOf(text)) {
    for (const word of wordsOf(piece)) {
      place += 1
      const known = places.get(word)
      if (known && known.length >= maxPlaces) continue
      bytes += placeBytes + (known ? 0 : Buffer.byteLength(word) + wordBytes)
      if (bytes > maxBytes) return places
      if (known) known.push(place)
      else places.set(word, [place])
    }
    const pause = breath.due()
    if (pause) await pause
  }
  return places
}

/** Whether a text has all the words, or words that begin so. Long ones are looked at with pauses. */
export async function holdsWords(text: string, words: readonly string[], breath: Breath): Promise<boolean> {
  const missing = new Set(words)
  for (const piece of piecesOf(text)) {
    for (const held of wordsOf(piece)) for (const word of missing) if (held.startsWith(word)) missing.delete(word)
    if (missing.size === 0) return true
    const pause = breath.due()
    if (pause) await pause
  }
  return false
}
