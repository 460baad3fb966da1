/** Further from 1970 than this no `Date` reaches, ms. */
const maxEpochMs = 8.64e15

/** A time that somebody else says, as whole epoch milliseconds; null for what is none. */
export function epochMsOf(value: unknown): number | null {
  if (typeof value !== 'number' || !(Math.abs(value) <= maxEpochMs)) return null
  return Math.floor(value)
}
