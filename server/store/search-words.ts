/** Longer words are cut, in the index as in a query. */
import { splitsPair } from '../../shared/surrogates.ts'
const maxWordLength = 64
/** A text is looked at in pieces of about so many units. */
const pieceUnits = 16_384
/** A piece ends between two words, where there is such a place among its last units. */
const borderUnits = 256

/** \p{Cs}: half of a pair says nothing of its own. */
const partOfWord = /[\p{L}\p{N}\p{M}\p{Cs}]/u

/**
 * More marks than a letter has in any language. Unicode says so many where a
 * text is to be streamed: longer runs take the square of their length to put
 * in order (https://unicode.org/reports/tr15/#Stream_Safe_Text_Format).
 */
const excessMarks = /(\p{M}{30})\p{M}+/gu

/**
 * The words of a text as a search compares them: small, without the marks on
 * Latin, Greek and Cyrillic letters. Made here and not in the database, whose
 * locale would decide what a letter is.
 */
export function wordsOf(text: string): string[] {
  const plain = text
    .replace(excessMarks, '$1')
    .normalize('NFD')
    .replace(/[\u0300-\u036f]+/g, '')
    .normalize('NFC')
    .toLowerCase()
  return (plain.match(/[\p{L}\p{N}\p{M}]+/gu) ?? []).map((word) => word.slice(0, maxWordLength).toWellFormed())
}

/** Words of a query that count; those behind them are not looked for. */
const maxQueryWords = 8
/** Chinese, Japanese and Korean words may have one character; others begin to say something with two. */
const meaning = /^(?:..|[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}])/su

/** What a search looks for: few different words, the longest first; none that is the beginning of another. */
export function queryWordsOf(query: string): string[] {
  const words = [...new Set(wordsOf(query))].filter((word) => meaning.test(word))
  return words
    .filter((word) => !words.some((other) => other !== word && other.startsWith(word)))
    .slice(0, maxQueryWords)
    .toSorted((a, b) => b.length - a.length)
}

/** The text in pieces that are looked at one after the other. A word without end is cut where it ends, too. */
export function* piecesOf(text: string): Generator<string> {
  for (let at = 0; at < text.length;) {
    let end = Math.min(at + pieceUnits, text.length)
    if (end < text.length) {
      const least = end - borderUnits
      while (end > least && partOfWord.test(text[end - 1]!)) end -= 1
      if (end === least) end += borderUnits
      if (splitsPair(text, end)) end += 1
    }
    yield text.slice(at, end)
    at = end
  }
}
