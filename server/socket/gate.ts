import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { errorRow, type RunnelError } from '../../shared/errors.ts'
import { requestIdHeader } from '../operation/request-id.ts'

/** Answers an upgrade that is not to be, as HTTP does, and ends the connection. */
export function refuseUpgrade(socket: Duplex, error: RunnelError, requestId: string): void {
  const { code, message, details } = error
  const status = errorRow(code).http
  const body = JSON.stringify({ error: { code, message } })
  const { retryAfterSeconds = 1 } = (details ?? {}) as { retryAfterSeconds?: number }
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: application/json',
    `${requestIdHeader}: ${requestId}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    ...(status === 429 || status === 503 ? [`Retry-After: ${retryAfterSeconds}`] : []),
  ]
  // A caller that never ends its side must not keep the connection.
  socket.once('finish', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/**
 * Counts what arrives on a socket until `stop` is called; at more than
 * `maxBytes` nothing more is read and `over` is called, once. Counted under the
 * WebSocket: a frame that never ends is held by its parser.
 */
export function countBytes(
  socket: Duplex,
  alreadyRead: number,
  maxBytes: number,
  over: () => void,
): { stop: () => void } {
  let bytes = alreadyRead
  const socketOnData = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes <= maxBytes) return
    stop()
    socket.pause()
    over()
  }
  const stop = () => void socket.off('data', socketOnData)
  socket.on('data', socketOnData)
  return { stop }
}
