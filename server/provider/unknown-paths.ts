/** What a provider said that is not understood, by its path: with its keys hidden, and no longer than a person reads. */
import type { Redact } from '../secrets/secrets.ts'

/** A field may come with each chunk: so many are remembered without keys. */
const maxPaths = 100

const maxPathChars = 200
/** Keys are longer than what stands in their place. */
const maxReadChars = 8_192

export function unknownPaths(redact: Redact, tell: (path: string) => void): (path: string) => void {
  const paths = new Map<string, string>()
  return (given) => {
    const known = given.length > maxPathChars ? ownCopy(given.slice(0, maxPathChars)) : given
    const path = paths.get(known) ?? ownCopy(redact(given.slice(0, maxReadChars)).slice(0, maxPathChars))
    if (paths.size < maxPaths) paths.set(known, path)
    tell(path)
  }
}

/** The slice of a string keeps all of it in memory. */
function ownCopy(slice: string): string {
  return Buffer.from(slice, 'utf16le').toString('utf16le')
}
