import { encodeControl } from '../../shared/protocol.ts'
import { offeredSubprotocols } from '../../shared/subprotocol.ts'
import { hello } from '../../shared/versions.ts'
import type { Line, LineEvents, LineTarget } from './line.ts'

/** `close()` waits no longer for the server's half of the closing handshake. */
const closeMs = 1_000

/** `/ws`. Throws what the constructor of a WebSocket throws. */
export function openWebSocket(target: LineTarget, token: string | undefined, events: LineEvents): Line {
  const { url, WebSocket } = target
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/ws`, offeredSubprotocols(token))
  socket.binaryType = 'arraybuffer'
  let isOurs = true
  socket.addEventListener('open', () => {
    if (isOurs) socket.send(encodeControl(hello(token)))
  })
  socket.addEventListener('message', ({ data }) => {
    if (!isOurs) return
    events.heard()
    if (typeof data === 'string') events.text(data)
    else events.frame(new Uint8Array(data as ArrayBuffer))
  })
  socket.addEventListener('close', ({ code, reason }) => {
    if (!isOurs) return
    isOurs = false
    events.ended({ code, reason })
  })
  // What an error means is in the close event that follows it.
  socket.addEventListener('error', () => {})
  let silenceMs = 0
  return {
    session: null,
    get silenceMs() {
      return silenceMs
    },
    welcomed(heartbeatMs) {
      silenceMs = 2 * heartbeatMs
    },
    send: (data) => socket.send(data),
    renew: (token) => socket.send(encodeControl({ type: 'token', token })),
    pace: () => {},
    doubt: () => {},
    close() {
      isOurs = false
      if (socket.readyState === 3) return Promise.resolve()
      return new Promise((resolve) => {
        const deadline = setTimeout(resolve, closeMs)
        socket.addEventListener('close', () => {
          clearTimeout(deadline)
          resolve()
        })
        socket.close(1000)
      })
    },
  }
}
