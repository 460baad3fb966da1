import { fetchWithProgress } from '@runnel/client'

/** What this page opens its connections with, so that the panel can put its lab in between. */
let socketOf = (url: string, protocols: string[]): WebSocket => new WebSocket(url, protocols)
let fetchOf: typeof fetch = fetchWithProgress
/** The WebSocket opened last. */
let newest: WebSocket | null = null

/** For `connect`: the browser's own, until `reroute`. */
export const line = {
  WebSocket: function (url: string, protocols: string[]) {
    newest = socketOf(url, protocols)
    return newest
  } as unknown as typeof WebSocket,
  fetch: ((input, init) => fetchOf(input, init)) as typeof fetch,
}

/** From now on everything goes this way. An open WebSocket is replaced by a new one. */
export function reroute(way: { WebSocket: typeof WebSocket; fetch: typeof fetch }): void {
  socketOf = (url, protocols) => new way.WebSocket(url, protocols)
  fetchOf = way.fetch
  newest?.close(4000)
}
