import { randomBytes } from 'node:crypto'
import { connect, type Socket } from 'node:net'

export interface FrameOptions {
  opcode: number
  fin?: boolean
  /** The three reserved bits. */
  reserved?: number
  masked?: boolean
  /** What the header says instead of the payload's length. */
  claimedLength?: number
}

/** One frame as a client sends it, or as none should: RFC 6455 section 5.2. */
export function clientFrame(
  payload: Uint8Array,
  { opcode, fin = true, reserved = 0, masked = true, claimedLength }: FrameOptions,
): Buffer {
  const length = claimedLength ?? payload.length
  const header = length < 126 ? Buffer.alloc(2) : length < 65_536 ? Buffer.alloc(4) : Buffer.alloc(10)
  header[0] = (fin ? 0x80 : 0) | (reserved << 4) | opcode
  header[1] = (masked ? 0x80 : 0) | (header.length === 2 ? length : header.length === 4 ? 126 : 127)
  if (header.length === 4) header.writeUInt16BE(length, 2)
  if (header.length === 10) header.writeBigUInt64BE(BigInt(length), 2)
  if (!masked) return Buffer.concat([header, payload])
  // A mask of zeros is a mask, and leaves the payload readable.
  return Buffer.concat([header, Buffer.alloc(4), payload])
}

/** A WebSocket client that says what it is told, right or wrong, and reads only what it must. */
export class RawSocket {
  readonly #socket: Socket
  #rest: Buffer = Buffer.alloc(0)
  #waiters: (() => void)[] = []
  readonly opened: Promise<void>
  /** Close code of the server; 1006 where the line broke without one; null while it is open. */
  closed: number | null = null
  texts: string[] = []
  binaries: Buffer[] = []
  pongs = 0

  constructor(url: string, path: string) {
    const { hostname, port } = new URL(url)
    this.#socket = connect(Number(port), hostname)
    this.#socket.setNoDelay()
    let opened!: () => void
    this.opened = new Promise((resolve) => {
      opened = resolve
    })
    let upgraded = false
    this.#socket.on('data', (data) => {
      this.#rest = this.#rest.length === 0 ? data : Buffer.concat([this.#rest, data])
      if (!upgraded) {
        const end = this.#rest.indexOf('\r\n\r\n')
        if (end === -1) return
        this.#rest = this.#rest.subarray(end + 4)
        upgraded = true
        opened()
      }
      this.#read()
    })
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => {
      opened()
      this.closed ??= 1006
      this.#wake()
    })
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    )
  }

  write(bytes: Uint8Array): void {
    if (!this.#socket.destroyed) this.#socket.write(bytes)
  }

  /** Gone without a word, and without a port left waiting. */
  destroy(): void {
    this.#socket.resetAndDestroy()
  }

  async until(condition: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
    const deadline = Date.now() + deadlineMs
    while (!condition()) {
      if (Date.now() > deadline) throw new Error(`${what} did not come true within ${deadlineMs} ms`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 100)
        this.#waiters.push(() => {
          clearTimeout(timer)
          resolve()
        })
      })
    }
  }

  #read(): void {
    for (;;) {
      if (this.#rest.length < 2) break
      const [first, second] = [this.#rest[0]!, this.#rest[1]!]
      const start = second < 126 ? 2 : second === 126 ? 4 : 10
      if (this.#rest.length < start) break
      const length =
        start === 2 ? second : start === 4 ? this.#rest.readUInt16BE(2) : Number(this.#rest.readBigUInt64BE(2))
      if (this.#rest.length < start + length) break
      const payload = this.#rest.subarray(start, start + length)
      this.#rest = this.#rest.subarray(start + length)
      const opcode = first & 0x0f
      if (opcode === 8) {
        this.closed ??= length >= 2 ? payload.readUInt16BE(0) : 1005
        this.destroy()
      } else if (opcode === 1) this.texts.push(payload.toString())
      else if (opcode === 2) this.binaries.push(Buffer.from(payload))
      else if (opcode === 10) this.pongs++
    }
    this.#wake()
  }

  #wake(): void {
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
