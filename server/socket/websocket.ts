import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Transport, TransportListener } from './transport.ts'

/** `/ws` and `/yjs`. Shared frames are written straight to the socket, between those of `ws`. */
export class WebSocketTransport implements Transport {
  readonly name = 'websocket'
  readonly silenceMs = 0
  readonly lateMs = 0
  readonly signsApart = false
  readonly sink: Duplex
  readonly #webSocket: WebSocket

  constructor(webSocket: WebSocket, socket: Duplex) {
    this.#webSocket = webSocket
    this.sink = socket
  }

  get bytesWritten(): number {
    return (this.sink as Partial<Socket>).bytesWritten ?? 0
  }

  listen(listener: TransportListener): void {
    const webSocket = this.#webSocket
    webSocket.on('message', (data: Buffer, isBinary) =>
      isBinary ? listener.binary(data) : listener.text(data.toString()),
    )
    webSocket.on('pong', () => listener.alive())
    webSocket.on('ping', (data) => {
      if (listener.pinged()) webSocket.pong(data)
    })
    // `ws` closes by itself after a protocol error (1002, 1007, 1009); what follows is 'close'.
    webSocket.on('error', (error) => {
      listener.broken(
        'code' in error && error.code === 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH' ? 'too_large' : 'bad_request',
      )
      // It would read on what is still sent, and throw it away: that is work, too.
      setImmediate(() => this.sink.pause())
    })
    webSocket.on('close', () => listener.closed())
  }

  ping(): void {
    this.#webSocket.ping()
  }

  close(code: number, reason: string): void {
    this.#webSocket.close(code, reason)
  }

  terminate(): void {
    this.#webSocket.terminate()
  }
}
