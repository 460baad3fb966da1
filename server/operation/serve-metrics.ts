import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What every answer of this process goes through; `serve` answers. */
export type TakeAnswer = (request: IncomingMessage, response: ServerResponse, serve: () => void) => void

/** `GET /metrics` on a port of its own; returns address and stop. */
export async function serveMetrics(
  text: () => Promise<string>,
  contentType: string,
  port: number,
  host: string,
  take: TakeAnswer,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) =>
    take(request, response, () => {
      if (request.url !== '/metrics' || request.method !== 'GET') return void response.writeHead(404).end()
      text().then(
        (page) => response.writeHead(200, { 'Content-Type': contentType }).end(page),
        () => response.writeHead(500).end(),
      )
    }),
  )
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { address, port: taken, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
