import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** `GET /metrics` on a port of its own; returns address and stop. */
export async function serveMetrics(
  text: () => Promise<string>,
  contentType: string,
  port: number,
  host: string,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') return void response.writeHead(404).end()
    text().then(
      (page) => response.writeHead(200, { 'Content-Type': contentType }).end(page),
      () => response.writeHead(500).end(),
    )
  })
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
