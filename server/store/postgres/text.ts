/**
 * Postgres' `text` holds every character but NUL, which a model may well
 * write. U+0001, as rare, stands before its stand-in and before its own, so
 * that all other text is in the tables as it is.
 */
const mark = '\u0001'

export function toText(text: string): string {
  return text.replaceAll(mark, `${mark}1`).replaceAll('\0', `${mark}0`)
}

export function fromText(text: string): string {
  return text.replaceAll(`${mark}0`, '\0').replaceAll(`${mark}1`, mark)
}
