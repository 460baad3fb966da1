import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { seededRandom } from './openai/cuts.ts'

/** The line between clients and a server on this machine, with what can happen to it. Each property may be changed at any time. */
export interface Line {
  /** `http://127.0.0.1:<port>`: what clients are given in the place of the server's address. */
  readonly url: string
  readonly port: number
  /** Bytes that clients sent, and were sent. */
  readonly bytes: { in: number; out: number }
  /**
   * `pass`; `deaf`: nothing arrives anywhere; `mute`: what clients send arrives, what comes back does not (half open). As
   * TCP loses no bytes in the middle, nothing follows on a connection that has lost some. `refuse`: new connections are ended.
   */
  mode: 'pass' | 'deaf' | 'mute' | 'refuse'
  /** Each piece arrives so much later. */
  delayMs: number
  /** And up to so much later again: by a seed, in order all the same. */
  jitterMs: number
  /** So much passes in each direction of a connection; null: as much as there is. Who sends more waits, as on a real line. */
  bytesPerSecond: number | null
  /** The next piece with these words from a client breaks its connection: before it arrives, or when it is answered (the answer is lost). */
  breakAt: { words: string; moment: 'before' | 'after' } | null
  /** WebSockets are answered as a proxy does that knows of none. */
  refusesUpgrades: boolean
  /** Of an answer that streams frames, what is behind so many bytes is kept until the answer ends, as a buffering proxy does; null: nothing is. */
  holdsAfter: number | null
  /** A connection lives so long; null: as long as it likes. For those that are made from now on. */
  cutsAfterMs: number | null
  /** Told of each piece from a client, before it is passed on. */
  onPiece: (data: Buffer) => void
  /** How often `breakAt` happened. */
  readonly breaks: number
  /** Clients take nothing of what the server sends, until `resume`. It waits with the server: a slow reader. */
  pause(): void
  resume(): void
  /** Cuts all connections, without a word. */
  cut(): void
  close(): Promise<void>
}

type Shape = Pick<Line, 'delayMs' | 'jitterMs' | 'bytesPerSecond'>

/**
 * Starts a line to a server on this machine, named by its URL or its port; it speaks any protocol over TCP. Close it: what
 * is open on it is cut then.
 */
export async function startLine(to: string | number, { seed = 1 }: { seed?: number } = {}): Promise<Line> {
  const port = typeof to === 'number' ? to : portOf(to)
  const sockets = new Set<Socket>()
  /** Those that come from the server. */
  const answering = new Set<Socket>()
  const bytes = { in: 0, out: 0 }
  const random = seededRandom(seed)
  let isPaused = false
  let breaks = 0

  const server = createServer((client) => {
    if (line.mode === 'refuse') return void client.destroy()
    let breaking: 'in' | 'out' | null = null
    /** Bytes of the streamed answer on it, and what of it is held. */
    let stream: { bytes: number; held: Buffer[] } | null = null
    const life = line.cutsAfterMs === null ? undefined : setTimeout(() => end(), line.cutsAfterMs)
    const upstream = connect(port, '127.0.0.1')
    const end = () => {
      clearTimeout(life)
      client.destroy()
      upstream.destroy()
    }
    const pipe = (from: Socket, to: Socket, direction: 'in' | 'out') => {
      sockets.add(from)
      if (direction === 'out') answering.add(from)
      const { pass, passed } = passing(from, to, line, random)
      from
        .setNoDelay(true)
        .on('error', end)
        .on('close', (hadError) => {
          sockets.delete(from)
          answering.delete(from)
          clearTimeout(life)
          // What was sent before the end still arrives.
          if (hadError) end()
          else void passed().then(() => to.end())
        })
      let isLossy = false
      from.on('data', (data: Buffer) => {
        if (direction === 'in') line.onPiece(data)
        if (direction === 'in' && line.refusesUpgrades && /^upgrade: websocket/im.test(data.toString('latin1')))
          return void client.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        if (direction === 'in' && data.includes('transport=stream')) stream = { bytes: 0, held: [] }
        isLossy ||= line.mode === 'deaf' || (line.mode === 'mute' && direction === 'out')
        if (isLossy) return
        if (line.breakAt && direction === 'in' && data.includes(line.breakAt.words)) {
          breaking = line.breakAt.moment === 'before' ? 'in' : 'out'
          line.breakAt = null
          breaks += 1
        }
        if (direction === breaking) return end()
        if (stream && direction === 'out' && line.holdsAfter !== null) {
          const room = Math.max(0, line.holdsAfter - stream.bytes)
          stream.bytes += data.length
          if (room < data.length) stream.held.push(data.subarray(room))
          data = data.subarray(0, room)
          if (data.length === 0) return
        }
        bytes[direction] += data.length
        pass(data)
      })
      if (isPaused && direction === 'out') from.pause()
    }
    upstream.on('end', () => {
      for (const data of stream?.held ?? []) client.write(data)
    })
    pipe(client, upstream, 'in')
    pipe(upstream, client, 'out')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const own = (server.address() as AddressInfo).port

  const line: Line = {
    url: `http://127.0.0.1:${own}`,
    port: own,
    bytes,
    mode: 'pass',
    delayMs: 0,
    jitterMs: 0,
    bytesPerSecond: null,
    breakAt: null,
    refusesUpgrades: false,
    holdsAfter: null,
    cutsAfterMs: null,
    onPiece: () => {},
    get breaks() {
      return breaks
    },
    pause: () => {
      isPaused = true
      for (const socket of answering) socket.pause()
    },
    resume: () => {
      isPaused = false
      for (const socket of answering) socket.resume()
    },
    cut: () => {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      server.close()
      line.cut()
      await once(server, 'close')
    },
  }
  return line
}

/** How pieces get from one end to the other: in order, also where the delay changes. */
function passing(from: Socket, to: Socket, shape: Shape, random: () => number) {
  let last: Promise<unknown> | null = null
  const write = (data: Buffer) => {
    if (!to.destroyed) to.write(data)
  }
  return {
    /** Resolves when all of it has arrived. */
    passed: async () => void (await last),
    pass(data: Buffer): void {
      const { delayMs, jitterMs, bytesPerSecond } = shape
      if (last === null && delayMs === 0 && jitterMs === 0 && bytesPerSecond === null) return write(data)
      const arrives = Promise.all([last, sleep(delayMs + jitterMs * random())])
      if (bytesPerSecond === null) {
        last = arrives.then(() => write(data))
        return
      }
      // Nothing more is read until this is through.
      from.pause()
      last = arrives
        .then(() => sleep((data.length / bytesPerSecond) * 1000))
        .then(() => {
          write(data)
          if (!from.destroyed) from.resume()
        })
    },
  }
}

function portOf(url: string): number {
  if (!URL.canParse(url)) throw new TypeError(`startLine: ${JSON.stringify(url)} is no URL and no port.`)
  const { port, protocol, hostname } = new URL(url)
  if (!['127.0.0.1', 'localhost', '[::1]'].includes(hostname))
    throw new TypeError(`startLine: the server must be on this machine (127.0.0.1), not on ${hostname}.`)
  if (port === '') throw new TypeError(`startLine: ${protocol}//${hostname} has no port.`)
  return Number(port)
}
