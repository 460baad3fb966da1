/** What stands in `Sec-WebSocket-Protocol`: browsers have no other header to show a token in before the socket is open (W26). */
import * as buffer from 'lib0/buffer'
import * as string from 'lib0/string'

/** What `/ws` is called there, where a client offers anything. */
const subprotocol = 'runnel.v1'
const tokenPrefix = 'runnel.token.'
/** A longer one would not fit into the head of a request, and comes with `hello` alone. */
const maxTokenCharacters = 4_096

/** What a client offers. */
export function offeredSubprotocols(token: string | undefined): string[] {
  if (token === undefined || token === '') return []
  const shown = buffer.toBase64UrlEncoded(string.encodeUtf8(token))
  return shown.length > maxTokenCharacters ? [] : [subprotocol, tokenPrefix + shown]
}

/** The token in what was offered, if there is one. */
export function shownToken(offered: string | undefined): string | undefined {
  const shown = (offered ?? '')
    .split(',')
    .map((name) => name.trim())
    .find((name) => name.startsWith(tokenPrefix))
    ?.slice(tokenPrefix.length)
  if (shown === undefined || shown.length > maxTokenCharacters || !/^[\w-]+$/.test(shown)) return undefined
  try {
    return string.decodeUtf8(buffer.fromBase64UrlEncoded(shown))
  } catch {
    return undefined
  }
}

/** What the server picks; never a token, which must not come back. */
export function pickSubprotocol(offered: ReadonlySet<string>): string | false {
  if (offered.has(subprotocol)) return subprotocol
  return [...offered].find((name) => !name.startsWith(tokenPrefix)) ?? false
}
