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

/** Closed at the end of the test. Where a node refuses a connection, the next one gets it; it knows nothing else of health. */
export async function balance(...nodes: { url: string }[]): Promise<Balancer> {
  const sockets = new Set<Socket>()
  let turn = 0
  const hold = (socket: Socket, other: () => Socket | undefined) => {
    sockets.add(socket)
    socket
      .setNoDelay(true)
      .on('error', () => {})
      .on('close', () => {
        sockets.delete(socket)
        other()?.destroy()
      })
  }
  const server = createServer((client) => {
    let upstream: Socket | undefined
    hold(client, () => upstream)
    const reach = (attempts: number) => {
      const { url } = balancer.nodes[turn++ % balancer.nodes.length]!
      const trying = connect(Number(new URL(url).port), '127.0.0.1')
      trying.once('error', () => {
        if (!upstream && attempts > 1 && !client.destroyed) reach(attempts - 1)
        else client.destroy()
      })
      trying.once('connect', () => {
        upstream = trying
        balancer.taken.set(url, (balancer.taken.get(url) ?? 0) + 1)
        hold(trying, () => client)
        if (client.destroyed) return void trying.destroy()
        client.pipe(trying)
        trying.pipe(client)
      })
    }
    reach(balancer.nodes.length)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const balancer: Balancer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    nodes,
    taken: new Map(),
  }
  onTestFinished(async () => {
    server.close()
    for (const socket of sockets) socket.destroy()
    await once(server, 'close')
  })
  return balancer
}
