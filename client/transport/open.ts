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
  const token = await target.token()
  if (stopped()) return null
  if (transport === 'websocket') {
    try {
      return openWebSocket(target, token, events)
    } catch {
      // A policy of the page may forbid it, or there is none: as good as one that does not come through.
      events.ended({ code: 1006, reason: '' })
      return null
    }
  }
  const { HttpLine } = await target.overHttp()
  return stopped() ? null : new HttpLine(transport, target, token, events)
}
