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
