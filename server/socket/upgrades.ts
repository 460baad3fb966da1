import type { IncomingMessage, Server } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { pathBelow } from '../config/base-path.ts'

/** What an upgrade is to one who listens: a socket of theirs, an address below their path, or neither. */
type Claim = 'endpoint' | 'below' | null

/** By it Runnels know each other on one server, also where two copies of the package are loaded. */
const claimKey = Symbol.for('runnel.upgrade')

type UpgradeListener = ((request: IncomingMessage, socket: Duplex, head: Buffer) => void) & {
  [claimKey]?: (url: string) => Claim
}

/** `path`: below the base path; null where it is not. */
export type OnUpgrade = (request: IncomingMessage, socket: Duplex, head: Buffer, path: string | null) => void

/**
 * Takes the upgrades of a server, but for those that another listener may want; returns what stops that. Each upgrade
 * has one taker among the Runnels that listen: whose socket it is; else the last of those below whose path it is; and
 * where nobody but Runnels listens, the last of them all, who refuses what is nobody's. `onAny`: a connection speaks
 * no HTTP any more, whoever takes it.
 */
export function takeUpgrades(
  server: Server,
  basePath: string,
  isEndpoint: (path: string) => boolean,
  onUpgrade: OnUpgrade,
  onAny: (socket: Socket) => void = () => {},
): () => void {
  const listener: UpgradeListener = (request, socket, head) => {
    onAny(request.socket)
    const url = request.url ?? '/'
    if (takerOf(server, url) === listener) onUpgrade(request, socket, head, pathBelow(basePath, url))
  }
  listener[claimKey] = (url) => {
    const path = pathBelow(basePath, url)
    if (path === null) return null
    if (isEndpoint(path)) return 'endpoint'
    return basePath === '' ? null : 'below'
  }
  server.on('upgrade', listener)
  return () => server.off('upgrade', listener)
}

function takerOf(server: Server, url: string): UpgradeListener | undefined {
  const all = server.listeners('upgrade') as UpgradeListener[]
  const runnels = all.filter((listener) => listener[claimKey])
  const claims = (claim: Claim) => (listener: UpgradeListener) => listener[claimKey]!(url) === claim
  return (
    runnels.find(claims('endpoint')) ??
    runnels.findLast(claims('below')) ??
    (runnels.length === all.length ? runnels.at(-1) : undefined)
  )
}
