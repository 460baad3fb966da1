import type { TransportName } from '../../shared/transports.ts'
import type { Line, LineEvents, LineTarget } from './line.ts'
import { openWebSocket } from './websocket.ts'

/** Opens a line, or finds out that it cannot be. Throws what a token's source throws. `stopped`: it is not wanted any more. */
export async function openLine(
  transport: TransportName,
  target: LineTarget,
  events: LineEvents,
  stopped: () => boolean,
): Promise<Line | null> {
  if (transport === 'websocket') {
    const token = await target.token()
    return stopped() ? null : openWebSocket(target, token, events)
  }
  const { openPoll, openStream } = await import('./http.ts')
  if (stopped()) return null
  return transport === 'stream' ? openStream(target, events) : openPoll(target, events)
}
