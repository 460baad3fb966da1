import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'

export interface TcpProxy {
  port: number
  /** Bytes that clients sent, and were sent. */
  readonly bytes: { in: number; out: number }
  /**
   * `pass`; `deaf`: nothing arrives anywhere; `mute`: what clients send arrives, what comes back does not. As TCP loses
   * no bytes in the middle, nothing follows on a connection that has lost some. `refuse`: new connections are ended.
   */
  mode: 'pass' | 'deaf' | 'mute' | 'refuse'
  /** Each piece arrives so much later. */
  delayMs: number
  /** The next piece with these words from a client breaks its connection: before it arrives, or when it is answered. */
  breakAt: { words: string; moment: 'before' | 'after' } | null
  /** WebSockets are answered as a proxy does that knows of none. */
  refusesUpgrades: boolean
  /** Of an answer that streams frames, what is behind so many bytes is kept until the answer ends; null: nothing is. */
  holdsAfter: number | null
  /** A connection lives so long; null: as long as it likes. For those that are made from now on. */
  cutsAfterMs: number | null
  /** Told of each piece from a client, before it is passed on. */
  onPiece: (data: Buffer) => void
  /** How often that happened. */
  breaks: number
  /** Cuts all connections. */
  cut(): void
  close(): Promise<void>
}

/** The network between clients and a server on loopback. */
export async function tcpProxy(port: number): Promise<TcpProxy> {
  const sockets = new Set<Socket>()
  const bytes = { in: 0, out: 0 }
  const server = createServer((client) => {
    if (proxy.mode === 'refuse') return void client.destroy()
    let breaking: 'in' | 'out' | null = null
    /** Bytes of the streamed answer on it, and what of it is held. */
    let stream: { bytes: number; held: Buffer[] } | null = null
    const life = proxy.cutsAfterMs === null ? undefined : setTimeout(() => end(), proxy.cutsAfterMs)
    const upstream = connect(port, '127.0.0.1')
    const end = () => {
      clearTimeout(life)
      client.destroy()
      upstream.destroy()
    }
    const pipe = (from: Socket, to: Socket, direction: 'in' | 'out') => {
      sockets.add(from)
      from
        .setNoDelay(true)
        .on('error', end)
        .on('close', () => {
          sockets.delete(from)
          end()
        })
      let isLossy = false
      let passed: Promise<unknown> | null = null
      from.on('data', (data: Buffer) => {
        if (direction === 'in') proxy.onPiece(data)
        if (direction === 'in' && proxy.refusesUpgrades && /^upgrade: websocket/im.test(data.toString('latin1')))
          return void client.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        if (direction === 'in' && data.includes('transport=stream')) stream = { bytes: 0, held: [] }
        isLossy ||= proxy.mode === 'deaf' || (proxy.mode === 'mute' && direction === 'out')
        if (isLossy) return
        if (proxy.breakAt && direction === 'in' && data.includes(proxy.breakAt.words)) {
          breaking = proxy.breakAt.moment === 'before' ? 'in' : 'out'
          proxy.breakAt = null
          proxy.breaks += 1
        }
        if (direction === breaking) return end()
        if (stream && direction === 'out' && proxy.holdsAfter !== null) {
          const room = Math.max(0, proxy.holdsAfter - stream.bytes)
          stream.bytes += data.length
          if (room < data.length) stream.held.push(data.subarray(room))
          data = data.subarray(0, room)
          if (data.length === 0) return
        }
        bytes[direction] += data.length
        const pass = () => {
          if (!to.destroyed) to.write(data)
        }
        // In order, also when the delay changes.
        if (passed === null && proxy.delayMs === 0) pass()
        else passed = Promise.all([passed, sleep(proxy.delayMs)]).then(pass)
      })
    }
    upstream.on('end', () => {
      for (const data of stream?.held ?? []) client.write(data)
    })
    pipe(client, upstream, 'in')
    pipe(upstream, client, 'out')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const proxy: TcpProxy = {
    port: (server.address() as AddressInfo).port,
    bytes,
    mode: 'pass',
    delayMs: 0,
    breakAt: null,
    refusesUpgrades: false,
    holdsAfter: null,
    cutsAfterMs: null,
    onPiece: () => {},
    breaks: 0,
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      server.close()
      proxy.cut()
      await once(server, 'close')
    },
  }
  return proxy
}
