import { WebSocket } from 'ws'
import { startServer } from './server.ts'
import { post, quantile, type Figure } from './harness.ts'

/** A thousand viewers who return at once to a long answer: what the viewers of another one notice, and what it costs. */
export async function returningViewers(viewers = 1_000): Promise<Figure[]> {
  const { url, close } = await startServer({})
  const ask = async (content: string) => {
    const chat = await post(`${url}/api/chats`, {})
    return (await post(`${url}/api/chats/${chat.id}/messages`, { content })).messageId as string
  }
  const join = (doc: string, onFrame: (bytes: number) => void) =>
    new Promise<WebSocket>((resolve) => {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { perMessageDeflate: false })
      socket.on('message', (data: Buffer, isBinary) => {
        if (isBinary) onFrame(data.length)
      })
      socket.on('open', () => {
        socket.send('{"type":"hello","v":1}')
        socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc }] }))
        resolve(socket)
      })
    })
  const returned = await ask('long, please')
  const watched = await ask('long, please')
  const gaps: number[] = []
  let last = 0
  const watcher = await join(watched, () => {
    const now = performance.now()
    if (last > 0) gaps.push(now - last)
    last = now
  })
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  const quiet = quantile(gaps, 0.99)
  gaps.length = 0
  const began = performance.now()
  let joinBytes = 0
  let joined = 0
  const sockets = await Promise.all(
    Array.from({ length: viewers }, () => {
      let first = true
      return join(returned, (bytes) => {
        if (!first) return
        first = false
        joined += 1
        joinBytes += bytes
      })
    }),
  )
  while (joined < viewers) await new Promise((resolve) => setTimeout(resolve, 10))
  const seconds = (performance.now() - began) / 1_000
  const busy = quantile(gaps, 0.99)
  for (const socket of [...sockets, watcher]) socket.terminate()
  await close()
  return [
    {
      name: `${viewers} viewers return at once: all have the state after`,
      value: seconds,
      unit: 's',
      note: `${Math.round(joinBytes / viewers)} B each; connecting included`,
    },
    { name: 'gap between two frames of another answer p99, before', value: quiet, unit: 'ms' },
    { name: 'gap between two frames of another answer p99, meanwhile', value: busy, unit: 'ms' },
  ]
}
