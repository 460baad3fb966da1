import type { ServerResponse } from 'node:http'

/** Aborted when the caller has hung up, or has been answered. */
export function hangUpOf(response: ServerResponse): AbortSignal {
  const left = new AbortController()
  if (response.destroyed) left.abort()
  else response.once('close', () => left.abort())
  return left.signal
}
