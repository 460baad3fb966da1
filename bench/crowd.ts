/** A crowd that means no good, in a process of its own: `node crowd.ts <url> <kind> <count> <token …>`. Says `done` when all have come. */
import { WebSocket } from 'ws'

const [url = '', kind = '', count = '0', ...tokens] = process.argv.slice(2)
const addresses = 200
const tenThousand = JSON.stringify({
  type: 'subscribe',
  docs: Array.from({ length: 10_000 }, (_, i) => ({ doc: `msg_${i.toString(36).padStart(12, '0')}` })),
})
const open: WebSocket[] = []
const met = { taken: 0, refused: 0 }

function come(i: number): Promise<WebSocket | null> {
  return new Promise((resolve) => {
    const address = `127.1.${Math.floor((i % addresses) / 100)}.${1 + (i % 100)}`
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { localAddress: address, perMessageDeflate: false })
    socket.on('error', () => {})
    socket.on('open', () => {
      met.taken += 1
      resolve(socket)
    })
    socket.on('close', () => resolve(null))
    socket.on('unexpected-response', (_request, response) => {
      met.refused += 1
      response.resume()
      socket.terminate()
      resolve(null)
    })
  })
}

function signIn(socket: WebSocket, i: number): void {
  socket.send(JSON.stringify({ type: 'hello', v: 1, token: tokens[i % tokens.length] }))
}

async function one(i: number): Promise<void> {
  const socket = await come(i)
  if (!socket) return
  if (kind === 'return') {
    signIn(socket, i)
    socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: 'chat_none00000' }] }))
    socket.on('message', (_data, isBinary) => {
      if (!isBinary) socket.close()
    })
    return
  }
  open.push(socket)
  if (kind === 'documents') {
    signIn(socket, i)
    socket.send(tenThousand)
  }
}

// A thousand a second, as fast as one core comes along.
let began = 0
const coming: Promise<void>[] = []
const timer = setInterval(() => {
  for (let burst = 0; burst < 10 && began < Number(count); burst++) coming.push(one(began++))
  if (began < Number(count)) return
  clearInterval(timer)
  void Promise.all(coming).then(() => {
    process.stdout.write(`done ${JSON.stringify(met)}\n`)
  })
}, 10)
// The header of a masked text frame of 1 kB, then its text, byte by byte under the socket.
const header = [0x81, 0xfe, 0x04, 0x00, 1, 2, 3, 4]
const dripped = new Map<WebSocket, number>()
if (kind === 'drip') {
  setInterval(() => {
    for (const socket of open) {
      const count = dripped.get(socket) ?? 0
      dripped.set(socket, count + 1)
      ;(socket as unknown as { _socket: { write(bytes: Buffer): void } | null })._socket?.write(
        Buffer.of(header[count] ?? 0x20),
      )
    }
  }, 1_000)
}
