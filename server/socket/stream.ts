import type { ServerResponse } from 'node:http'
import { encodeFrame, type Frame } from '../../shared/frames.ts'
import { tell, type HttpTransport } from './http-transport.ts'
import type { TransportListener } from './transport.ts'

const pingFrame = encodeFrame({ type: 'ping' })

export const framesHead = {
  'Content-Type': 'application/octet-stream',
  'Cache-Control': 'no-store, no-transform',
  // nginx would keep frames until its buffer is full.
  'X-Accel-Buffering': 'no',
}

/** One answer that never ends by itself: frames as they come, without chunks around them, on a connection that carries nothing else. */
export class StreamTransport implements HttpTransport {
  readonly name = 'stream'
  readonly silenceMs = 0
  readonly lateMs = 0
  readonly signsApart = false
  readonly sink: ServerResponse
  readonly #writtenBefore: number
  #bytesWritten = 0
  #listener!: TransportListener
  #state: 'open' | 'ending' | 'cut' | 'closed' = 'open'

  constructor(response: ServerResponse) {
    this.sink = response
    this.#writtenBefore = response.socket?.bytesWritten ?? 0
  }

  get bytesWritten(): number {
    const { socket } = this.sink
    if (socket) this.#bytesWritten = socket.bytesWritten - this.#writtenBefore
    return this.#bytesWritten
  }

  listen(listener: TransportListener): void {
    this.#listener = listener
    const response = this.sink
    response.useChunkedEncodingByDefault = false
    response.shouldKeepAlive = false
    response.writeHead(200, { ...framesHead, Connection: 'close' })
    response.flushHeaders()
    // A reader that hangs up breaks the write that is under way; what follows is 'close'.
    response.on('error', () => {})
    response.once('close', () => {
      if (this.#state === 'ending') return this.#close()
      if (this.#state !== 'open') return
      this.#state = 'cut'
      listener.cut()
    })
  }

  hear(frames: readonly Frame[]): void {
    tell(this.#listener, this, frames)
  }

  ping(): void {
    this.sink.write(pingFrame)
  }

  leave(): void {
    this.sink.destroy()
  }

  close(code: number, reason: string): void {
    if (this.#state !== 'open') return
    this.#state = 'ending'
    this.sink.end(encodeFrame({ type: 'close', code, reason }))
  }

  terminate(): void {
    const isOpen = !this.sink.destroyed
    if (this.#state === 'open') this.#state = 'ending'
    this.sink.destroy()
    // 'close' has been, and does not come again.
    if (!isOpen) this.#close()
  }

  #close(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#listener.closed()
  }
}
