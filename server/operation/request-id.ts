/** The id by which one request is found again: in its answer, in the lines of the log, and at the provider. */
import type { IncomingMessage, ServerResponse } from 'node:http'

export const requestIdHeader = 'X-Request-Id'

/** What proxies and callers use, as UUIDs, ULIDs and the like are made of it. Anything else is not taken. */
const sane = /^[A-Za-z0-9][\w.:=+/-]{0,127}$/

/** The id that the caller, or a proxy, gave; else a new one. */
export function takeRequestId({ headers }: IncomingMessage): string {
  const given = headers['x-request-id']
  return typeof given === 'string' && sane.test(given) ? given : crypto.randomUUID()
}

/** Takes or makes the id, once, and echoes it. */
export function markRequest(request: IncomingMessage, response: ServerResponse): void {
  if (!response.hasHeader(requestIdHeader)) response.setHeader(requestIdHeader, takeRequestId(request))
}

/** Of a request that was marked. */
export function requestIdOf(response: ServerResponse): string {
  return String(response.getHeader(requestIdHeader))
}
