import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

export interface CutProxy {
  /** The database's URL, by way of the proxy. */
  url: string
  /**
   * The next statement with these words breaks its connection: before the
   * server has it, or when the server has answered it.
   */
  cut(words: string, moment: 'before' | 'after'): void
  /** How often it did. */
  cuts(): number
  /** Ends new connections at once. */
  refuse(refusing: boolean): void
}

/** Stands between a client and its database, for one test. */
export async function startCutProxy(databaseUrl: string): Promise<CutProxy> {
  const { port, hostname } = new URL(databaseUrl)
  const sockets = new Set<Socket>()
  let next: { words: string; moment: 'before' | 'after' } | undefined
  let cuts = 0
  let refusing = false
  const server = createServer(client => {
    if (refusing) {
      client.destroy()
      return
    }
    const upstream = connect(Number(port), hostname)
    let cutting = false
    const end = () => { client.destroy(); upstream.destroy() }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on('error', end).on('close', () => { sockets.delete(socket); end() })
    }
    client.on('data', data => {
      if (next && data.includes(next.words)) {
        cuts += 1
        cutting = next.moment === 'after'
        next = undefined
        if (!cutting) { end(); return }
      }
      upstream.write(data)
    })
    upstream.on('data', data => {
      if (cutting) end()
      else client.write(data)
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy()
    server.close()
    await once(server, 'close')
  })
  const url = databaseUrl.replace(`:${port}/`, `:${(server.address() as AddressInfo).port}/`)
  return { url, cut: (words, moment) => { next = { words, moment } }, cuts: () => cuts, refuse: value => { refusing = value } }
}
