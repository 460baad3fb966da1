/** One who floods from one address, in a process of its own: `node flood.ts <url>`. Opens sockets and says nothing, calls without a good token; says what it met and ends on SIGTERM, or after a minute. */
import { request } from 'node:http'
import { WebSocket } from 'ws'

const [url = ''] = process.argv.slice(2)
const met: Record<string, number> = {}

function meet(what: string): void {
  met[what] = (met[what] ?? 0) + 1
}

function knock(): Promise<void> {
  return new Promise((resolve) => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { perMessageDeflate: false })
    socket.on('open', () => {
      meet('upgrades taken')
      resolve()
    })
    socket.on('unexpected-response', (_request, response) => {
      meet(`upgrades ${response.statusCode}`)
      response.resume()
      socket.terminate()
      resolve()
    })
    socket.on('error', () => setTimeout(resolve, 5))
  })
}

function call(): Promise<void> {
  return new Promise((resolve) => {
    const asked = request(
      `${url}/api/chats`,
      { agent: false, headers: { authorization: 'Bearer none' } },
      (response) => {
        meet(`calls ${response.statusCode}`)
        response.resume()
        response.on('end', resolve)
      },
    )
    asked.on('error', () => setTimeout(resolve, 5))
    asked.end()
  })
}

const end = () => {
  process.stdout.write(JSON.stringify(met), () => process.exit())
}
process.on('SIGTERM', end)
setTimeout(end, 60_000)
async function forEver(work: () => Promise<void>): Promise<never> {
  for (;;) await work()
}
for (let i = 0; i < 16; i++) void forEver(i < 12 ? knock : call)
