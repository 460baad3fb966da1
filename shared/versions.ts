/** Versions of the protocol on `/ws` (W2). */

/** What both sides of this package speak: from the oldest to the newest. */
export const oldestVersion = 1
export const newestVersion = 1

/** What a client says of itself first. */
export function hello(token: string | undefined): { type: 'hello'; v: number; max: number; token?: string } {
  return { type: 'hello', v: oldestVersion, max: newestVersion, ...(token !== undefined && { token }) }
}

/** The newest version that both sides speak, `max` where none is said being `v`; null for none. */
export function commonVersion(v: number, max = v, ours = { oldest: oldestVersion, newest: newestVersion }) {
  const version = Math.min(max, ours.newest)
  return version >= v && version >= ours.oldest ? version : null
}

export function isSpoken(version: number): boolean {
  return commonVersion(version) !== null
}
