/** A thousand people behind one address and one who floods among them, with the limits as they are delivered: when all are back after a restart. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { connect } from '../client/index.ts'
import type { Figure } from './harness.ts'
import { secret, tokenOf } from './people.ts'
import { limited, startServer } from './server.ts'

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  return String(port)
}

export async function returningHerd(count = 1_000): Promise<Figure[]> {
  const settings = { PORT: await freePort(), RUNNEL_AUTH_SECRET: secret, LOG_LEVEL: 'error', ...limited }
  const first = await startServer(settings)
  const tokens = await Promise.all(Array.from({ length: count }, (_, i) => tokenOf(`person${i}`)))
  const clients = tokens.map((token) => connect({ url: first.url, token, start: 'now' }))
  const open = () => clients.filter(({ connection }) => connection.getSnapshot().status === 'open').length
  const allOpen = async () => {
    const began = performance.now()
    while (open() < count && performance.now() - began < 120_000) await wait(20)
    if (open() < count) throw new Error(`${open()} of ${count} are there`)
    return (performance.now() - began) / 1_000
  }
  const cold = await allOpen()
  await first.close()
  const flood = spawn(process.execPath, [new URL('flood.ts', import.meta.url).pathname, first.url], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const met = text(flood.stdout)
  await wait(2_000)
  const second = await startServer(settings)
  const back = await allOpen()
  const calls: number[] = []
  for (const token of tokens.slice(0, 200)) {
    const response = await fetch(`${second.url}/api/chats`, { headers: { authorization: `Bearer ${token}` } })
    calls.push(response.status)
    await response.arrayBuffer()
  }
  flood.kill('SIGTERM')
  await Promise.all(clients.map((client) => client.close()))
  const note = `the flood met ${await met}`
  await second.close()
  return [
    { name: `${count} people behind one address come at once: all are there after`, value: cold, unit: 's' },
    {
      name: `… are back after a restart, one flooding beside them, after`,
      value: back,
      unit: 's',
      bound: 10,
      note,
    },
    {
      name: '… 200 of their calls that were refused meanwhile',
      value: calls.filter((status) => status !== 200).length,
      unit: '',
      bound: 0,
    },
  ]
}
