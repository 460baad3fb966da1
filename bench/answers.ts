import { WebSocket } from 'ws'
import { startServer } from './server.ts'
import { startProviderThatWaits } from './waiting-provider.ts'
import { median, post, quantile, type Figure } from './harness.ts'

/** P10: how soon `POST …/messages` answers, against an empty request in the same run; P5: how soon Stop is shown and felt upstream. */
export async function answers(count = 200): Promise<Figure[]> {
  const provider = await startProviderThatWaits()
  const { url, close } = await startServer({ OPENAI_BASE_URL: provider.url })
  const empty: number[] = []
  const started: number[] = []
  const stopped: number[] = []
  const felt: number[] = []
  const shown: number[] = []
  for (let i = 0; i < count; i++) {
    let began = performance.now()
    await (await fetch(`${url}/healthz`)).text()
    empty.push(performance.now() - began)
    const chat = await post(`${url}/api/chats`, {})
    began = performance.now()
    const { messageId, taskId } = await post(`${url}/api/chats/${chat.id}/messages`, { content: 'go' })
    started.push(performance.now() - began)
    const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`)
    const frames: (() => void)[] = []
    socket.on('message', (data) => {
      if (data.toString().includes('"final":true')) for (const done of frames) done()
    })
    await new Promise((resolve) => socket.once('open', resolve))
    socket.send('{"type":"hello","v":1}')
    socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: messageId }] }))
    const { aborted } = await provider.next()
    began = performance.now()
    const final = new Promise<void>((resolve) => frames.push(resolve))
    await Promise.all([
      post(`${url}/api/messages/${messageId}/stop`, { taskId }).then(() => stopped.push(performance.now() - began)),
      aborted.then(() => felt.push(performance.now() - began)),
      final.then(() => shown.push(performance.now() - began)),
    ])
    socket.terminate()
  }
  provider.close()
  await close()
  return [
    { name: 'empty request p99', value: quantile(empty, 0.99), unit: 'ms' },
    { name: 'POST messages p50', value: median(started), unit: 'ms' },
    {
      name: 'POST messages p99 above an empty request',
      value: quantile(started, 0.99) - quantile(empty, 0.99),
      unit: 'ms',
      bound: 20,
    },
    { name: 'stop: answered p99', value: quantile(stopped, 0.99), unit: 'ms', bound: 100 },
    { name: 'stop: the provider sees its request aborted p99', value: quantile(felt, 0.99), unit: 'ms', bound: 100 },
    { name: 'stop: a viewer sees the end p99', value: quantile(shown, 0.99), unit: 'ms', bound: 100 },
  ]
}
