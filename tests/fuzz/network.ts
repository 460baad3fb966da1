import { EventEmitter } from 'node:events'
import { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

/** What a viewer receives, frame by frame as it was written. */
export type Arrival =
  | { kind: 'text'; text: string }
  | { kind: 'binary'; bytes: Uint8Array }
  | { kind: 'closed'; code: number }

/**
 * A WebSocket without a network. What the server writes stands still until
 * `receive`, what the viewer says until `deliver`; a system's socket buffer of
 * `kernelBytes` lies between. The server's half looks like a `ws` socket on a
 * stream: it writes shared frames straight to `socket`.
 */
export class Line {
  readonly socket: Duplex
  readonly webSocket: WebSocket
  /** Every chunk that the server wrote, as the very buffers: only where they are asked for. */
  readonly written: Uint8Array[] = []
  readonly #emitter = new EventEmitter()
  readonly #wire: (Uint8Array | { code: number })[] = []
  readonly #said: (string | Uint8Array)[] = []
  readonly #kernelBytes: number
  #wireBytes = 0
  #blocked: (() => void) | null = null
  #parts: Uint8Array[] = []
  #isText = false
  #isClosing = false
  broken = false
  /** The server asks for a sign of life, where no protocol under this one gives it. */
  pinged: () => void = () => {}

  constructor({ kernelBytes, keepWritten = false }: { kernelBytes: number; keepWritten?: boolean }) {
    this.#kernelBytes = kernelBytes
    this.socket = new Duplex({
      read: () => {},
      write: (chunk: Buffer, _encoding, taken) => {
        if (keepWritten) this.written.push(chunk)
        this.#wire.push(chunk)
        this.#wireBytes += chunk.length
        if (this.#wireBytes <= this.#kernelBytes) taken()
        else this.#blocked = taken
      },
    })
    this.socket.on('error', () => {})
    const half = {
      on: (event: string, listener: (...args: never[]) => void) => this.#emitter.on(event, listener as () => void),
      close: (code: number) => {
        if (this.#isClosing) return
        this.#isClosing = true
        this.#wire.push({ code })
      },
      terminate: () => this.break(),
      // Answered at once: a viewer of this network is slow or broken, never silent.
      ping: () => {
        this.#emitter.emit('pong')
      },
      pong: () => {},
    }
    this.webSocket = half as unknown as WebSocket
  }

  /** Frames that wait to be received. */
  get waiting(): number {
    return this.#wire.length
  }

  /** The next whole message; null if there is none yet. */
  receive(): Arrival | null {
    for (let chunk = this.#wire.shift(); chunk !== undefined; chunk = this.#wire.shift()) {
      if (!(chunk instanceof Uint8Array)) {
        this.break()
        return { kind: 'closed', code: chunk.code }
      }
      this.#wireBytes -= chunk.length
      if (this.#blocked && this.#wireBytes <= this.#kernelBytes) {
        const taken = this.#blocked
        this.#blocked = null
        taken()
      }
      const arrival = this.#assemble(chunk)
      if (arrival) return arrival
    }
    return null
  }

  /** The viewer says something; it is on its way until `deliver`. */
  say(message: string | Uint8Array): void {
    if (!this.broken) this.#said.push(message)
  }

  /** Hands the server what the viewer said, up to `count` messages. */
  deliver(count = Infinity): void {
    for (; count > 0 && this.#said.length > 0 && !this.broken; count--) {
      const message = this.#said.shift()!
      this.#emitter.emit('message', Buffer.from(message), typeof message !== 'string')
    }
  }

  /** Both halves are gone, with all that was on its way. */
  break(): void {
    if (this.broken) return
    this.broken = true
    this.#wire.length = this.#said.length = 0
    this.socket.destroy()
    this.#emitter.emit('close')
  }

  /** The server's half is gone without a word, as its process is: nothing on it is told. */
  vanish(): void {
    this.#emitter.removeAllListeners()
    this.break()
  }

  /** One chunk is one frame (the outbox writes whole frames): a header, then the payload. */
  #assemble(frame: Uint8Array): Arrival | null {
    // Written only to learn when the socket takes it.
    if (frame.length === 0) return null
    const [first, second] = [frame[0]!, frame[1]!]
    const start = second < 126 ? 2 : second === 126 ? 4 : 10
    const opcode = first & 0x0f
    if (opcode === 8) return { kind: 'closed', code: (frame[start]! << 8) | frame[start + 1]! }
    if (opcode === 9) {
      this.pinged()
      return null
    }
    if (opcode !== 0) {
      this.#isText = opcode === 1
      this.#parts = []
    }
    this.#parts.push(frame.subarray(start))
    if ((first & 0x80) === 0) return null
    const bytes = Buffer.concat(this.#parts)
    return this.#isText ? { kind: 'text', text: bytes.toString() } : { kind: 'binary', bytes: new Uint8Array(bytes) }
  }
}
