export const backoffBaseMs = 250
/** Whoever waits when the server is there again is back within this time, however long it was away. */
export const backoffCapMs = 8_000

/**
 * How long to wait before attempt `attempt` (0 for the first after a loss), in
 * milliseconds: full jitter, so that a thousand clients that lost one server
 * do not come back together.
 */
export function backoffDelay(attempt: number, random: () => number = Math.random): number {
  return Math.floor(random() * Math.min(backoffCapMs, backoffBaseMs * 2 ** attempt))
}
