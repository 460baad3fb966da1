/** Where things are on the server. */
export function chatPath(chatId: string, rest?: string): string {
  return `/api/chats/${encodeURIComponent(chatId)}${rest === undefined ? '' : `/${rest}`}`
}

export function messagePath(messageId: string, action?: string): string {
  return `/api/messages/${encodeURIComponent(messageId)}${action === undefined ? '' : `/${action}`}`
}

export function callPath(messageId: string, callId: string): string {
  return messagePath(messageId, `tool-calls/${encodeURIComponent(callId)}`)
}

export function withQuery(path: string, query: object): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) parameters.set(name, String(value))
  return parameters.size === 0 ? path : `${path}?${parameters.toString()}`
}

export function waitingPath(chatId: string, waitingId?: string): string {
  const path = chatPath(chatId, 'waiting')
  return waitingId === undefined ? path : `${path}/${encodeURIComponent(waitingId)}`
}
