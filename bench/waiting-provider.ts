import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'

export interface WaitingRequest {
  /** Resolves when the caller has hung up. */
  aborted: Promise<void>
}

/** A provider that begins an answer and then says nothing; it tells when its caller hangs up. */
export async function startProviderThatWaits() {
  const arrived: WaitingRequest[] = []
  let wake = () => {}
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => {
      socket.write(
        'HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\ndata: {"choices":[{"index":0,"delta":{"content":"Well,"}}]}\n\n',
      )
      arrived.push({ aborted: new Promise((resolve) => socket.once('close', () => resolve())) })
      wake()
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    /** The next request, once it has come. */
    next: async (): Promise<WaitingRequest> => {
      while (arrived.length === 0)
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      return arrived.shift()!
    },
    close: () => server.close(),
  }
}
