/** Which headers of an answer stand whatever becomes of it, and which are of what its route was going to send. */
import type { OutgoingHttpHeaders, ServerResponse } from 'node:http'

const kept = new WeakMap<ServerResponse, OutgoingHttpHeaders>()

/** What has been set by now stands; what is set from here on goes where a refusal takes the answer's place. */
export function keepHeaders(response: ServerResponse): void {
  kept.set(response, { ...response.getHeaders() })
}

/** For a refusal: nothing says any more how the other answer was encoded, named or to be cached. */
export function restoreHeaders(response: ServerResponse): void {
  const before = kept.get(response)
  if (!before || response.headersSent) return
  for (const name of response.getHeaderNames()) if (!(name in before)) response.removeHeader(name)
  for (const [name, value] of Object.entries(before)) if (value !== undefined) response.setHeader(name, value)
}
