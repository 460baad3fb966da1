import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { ClientAddresses } from '../auth/addresses.ts'

/**
 * How many connections one address may hold open on a server, whatever they
 * say; one more is closed unanswered. One that becomes a WebSocket is counted
 * with those from then on: what is returned counts it no more. A trusted proxy
 * holds them for many: what it forwards is counted by request (`answers.ts`).
 */
export function limitConnections(
  server: Server,
  addresses: ClientAddresses,
  perAddress: number,
): (socket: Socket) => void {
  const counts = new Map<string, number>()
  const leaving = new WeakMap<Socket, () => void>()

  server.on('connection', (socket: Socket) => {
    const { remoteAddress } = socket
    if (remoteAddress === undefined || addresses.trusts(remoteAddress)) return
    const key = addresses.keyOf({ socket, headers: {} })
    const others = counts.get(key) ?? 0
    if (others >= perAddress) return void socket.destroy()
    counts.set(key, others + 1)
    let held = true
    const leave = () => {
      if (!held) return
      held = false
      const left = counts.get(key)! - 1
      if (left > 0) counts.set(key, left)
      else counts.delete(key)
    }
    leaving.set(socket, leave)
    socket.once('close', leave)
  })
  return (socket) => leaving.get(socket)?.()
}
