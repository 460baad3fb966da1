import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { median, post, quantile, type Figure } from './harness.ts'

/** P10: how soon `POST …/messages` answers while it and ever more others prepare for a minute, against an empty request; P5: how soon Stop does. */
export async function answersWhilePreparing(count = 200): Promise<Figure[]> {
  const server = spawn(process.execPath, [fileURLToPath(new URL('./preparing-server.ts', import.meta.url))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  const [url] = (await once(createInterface({ input: server.stdout }), 'line')) as [string]
  const empty: number[] = []
  const started: number[] = []
  const stopped: number[] = []
  const timed = async <T>(times: number[], work: () => Promise<T>): Promise<T> => {
    const began = performance.now()
    const result = await work()
    times.push(performance.now() - began)
    return result
  }
  const round = async (times: { empty: number[]; started: number[] }) => {
    await timed(times.empty, async () => (await fetch(`${url}/healthz`)).text())
    const chat = await post(`${url}/api/chats`, {})
    return (await timed(times.started, () => post(`${url}/api/chats/${chat.id}/messages`, { content: 'go' }))) as {
      messageId: string
      taskId: string
    }
  }
  for (let i = 0; i < 20; i++) await round({ empty: [], started: [] })
  const runs = []
  for (let i = 0; i < count; i++) runs.push(await round({ empty, started }))
  for (const { messageId, taskId } of runs)
    await timed(stopped, () => post(`${url}/api/messages/${messageId}/stop`, { taskId }))
  server.stdin.end()
  await once(server, 'exit')
  return [
    { name: 'empty request p99', value: quantile(empty, 0.99), unit: 'ms' },
    { name: 'POST messages p50, runs preparing', value: median(started), unit: 'ms' },
    {
      name: 'POST messages p99 above an empty request, runs preparing',
      value: quantile(started, 0.99) - quantile(empty, 0.99),
      unit: 'ms',
      bound: 20,
    },
    { name: 'stop of a run that prepares: answered p99', value: quantile(stopped, 0.99), unit: 'ms', bound: 100 },
  ]
}
