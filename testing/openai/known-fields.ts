/** Refuses a field that is misspelt: in JavaScript nobody else says it. */
export function checkFields(what: string, given: object, known: readonly string[]): void {
  for (const field of Object.keys(given)) {
    if (known.includes(field)) continue
    const near = known.find((name) => isNear(name.toLowerCase(), field.toLowerCase()))
    throw new TypeError(
      `${what} has no field "${field}"${near === undefined ? '' : `: "${near}" is meant, perhaps`}. It has ${known.join(', ')}.`,
    )
  }
}

/** The same, but for one character that is missing, or too many, or another. */
function isNear(one: string, other: string): boolean {
  if (Math.abs(one.length - other.length) > 1) return false
  let start = 0
  while (start < one.length && one[start] === other[start]) start += 1
  let end = 0
  while (end < one.length - start && one.at(-1 - end) === other.at(-1 - end)) end += 1
  return Math.max(one.length, other.length) - start - end <= 2
}
