/** Names of models with `*` in them: any characters, `/` too. */

export function isPattern(id: string): boolean {
  return id.includes('*')
}

/** Looks at each piece between two stars once, from left to right: no pattern is slow. */
export function matchesPattern(pattern: string, id: string): boolean {
  const pieces = pattern.split('*')
  const first = pieces[0]!
  const last = pieces.at(-1)!
  if (pieces.length === 1) return pattern === id
  if (!id.startsWith(first) || !id.endsWith(last) || id.length < first.length + last.length) return false
  const end = id.length - last.length
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = id.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}
