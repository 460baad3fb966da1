/** Longer words are cut, in the index as in a query. */
const maxWordLength = 64

/**
 * The words of a text as a search compares them: small, without the marks on
 * Latin, Greek and Cyrillic letters. Made here and not in the database, whose
 * locale would decide what a letter is.
 */
export function wordsOf(text: string): string[] {
  const plain = text
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
