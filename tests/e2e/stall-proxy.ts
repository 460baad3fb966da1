import { connect, createServer, type AddressInfo, type Socket } from 'node:net'

export interface StallProxy {
  /** `http://127.0.0.1:<port>` */
  url: string
  /** From now on nothing passes, in no direction, and nothing is closed: a cable pulled far away. */
  blackhole(): void
  close(): Promise<void>
}

/** A TCP proxy in front of a server. */
export async function startStallProxy(target: string): Promise<StallProxy> {
  const sockets = new Set<Socket>()
  let stalled = false
  const keep = (socket: Socket): void => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => {})
  }
  const server = createServer({ allowHalfOpen: true }, incoming => {
    const outgoing = connect({ port: Number(new URL(target).port), host: '127.0.0.1', allowHalfOpen: true })
    for (const [from, to] of [[incoming, outgoing], [outgoing, incoming]] as const) {
      keep(from)
      from.on('data', data => { if (!stalled) to.write(data) })
      from.on('end', () => { if (!stalled) to.end() })
      from.on('close', () => { if (!stalled) to.destroy() })
    }
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    blackhole: () => {
      stalled = true
      for (const socket of sockets) socket.pause()
    },
    close: async () => {
      const closed = new Promise(resolve => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
