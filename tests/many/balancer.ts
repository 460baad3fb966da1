/** What stands before several nodes: each new connection goes to the next of them. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface Balancer {
  /** `http://…` */
  url: string
  /** Where connections go, in turns; those that are there stay. */
  nodes: { url: string }[]
  /** Connections made so far, by the node's address. */
  readonly taken: Map<string, number>
}

/** Closed at the end of the test. It knows nothing of health: where a node refuses, the client is cut off. */
export async function balance(...nodes: { url: string }[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0
  const server = createServer(client => {
    const { url } = balancer.nodes[turn++ % balancer.nodes.length]!
    balancer.taken.set(url, (balancer.taken.get(url) ?? 0) + 1)
    const upstream = connect(Number(new URL(url).port), '127.0.0.1')
    for (const [from, to] of [[client, upstream], [upstream, client]] as const) {
      sockets.add(from)
      from.setNoDelay(true).on('error', () => to.destroy()).on('close', () => {
        sockets.delete(from)
        to.destroy()
      })
      from.pipe(to)
    }
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const balancer: Balancer = { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, nodes, taken: new Map() }
  onTestFinished(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  return balancer
}
