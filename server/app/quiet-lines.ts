import type { Logger } from '../operation/log.ts'

/** What is told at once, then summed up for so long: a flood of refusals must not become a flood of lines. */
const quietMs = 10_000

/** Kinds that are held at once; of others nothing is said until there is room. */
const maxHeld = 1_000

export interface QuietLines {
  /** True if it may be said now; else it is counted. */
  mayBeSaid: (what: string) => boolean
  /** Says how much was held back. Once a second. */
  sweep: () => void
}

/** Log lines that may come in floods: the first of a kind is said, the others are counted. */
export function quietLines(log: Logger, now: () => number): QuietLines {
  const held = new Map<string, { since: number; count: number }>()
  return {
    mayBeSaid: (what) => {
      const earlier = held.get(what)
      if (earlier) earlier.count += 1
      else if (held.size >= maxHeld) return false
      else held.set(what, { since: now(), count: 0 })
      return !earlier
    },
    sweep: () => {
      for (const [what, { since, count }] of held) {
        if (now() - since < quietMs) continue
        held.delete(what)
        if (count > 0) log.warn({ what, count, inMs: now() - since }, 'refused or unknown, more of the same')
      }
    },
  }
}
