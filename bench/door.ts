import { once } from 'node:events'
import { get, request } from 'node:http'
import { startProvider } from './load.ts'
import { cpuTimeOf, startServer } from './server.ts'
import type { Figure } from './harness.ts'

const streams = 50
const tokensPerSecond = 80
const turnMs = 5_000
const turns = 4
const maxMicroseconds = 15

/** What a reader at `/v1` adds to a run that is a document anyway: the same runs with and without it, by turns. */
export async function doorAChunk(): Promise<Figure[]> {
  const provider = await startProvider(tokensPerSecond)
  const { url, child, close } = await startServer({ OPENAI_BASE_URL: provider.url })
  const body = JSON.stringify({ model: 'bench', messages: [{ role: 'user', content: 'go' }], stream: true })
  let frames = 0
  /** The same key joins the same run; detached, it goes on when its reader leaves. */
  const join = async (i: number) => {
    const asked = request(`${url}/v1/chat/completions`, {
      method: 'POST',
      agent: false,
      headers: { 'content-type': 'application/json', 'idempotency-key': `stream-${i}`, 'x-runnel-detach': 'true' },
    })
    asked.on('error', () => {})
    asked.end(body)
    const [response] = await once(asked, 'response')
    if (response.statusCode !== 200) throw new Error(`the door answered ${response.statusCode}`)
    response
      .on('data', (data: Buffer) => {
        frames += data.toString('latin1').split('data: ').length - 1
      })
      .on('error', () => {})
    return asked
  }
  const ids = Array.from({ length: streams }, (_, i) => i)
  for (const asked of await Promise.all(ids.map(join))) asked.destroy()
  await new Promise((resolve) => setTimeout(resolve, 3_000))

  const cpu = { alone: 0, door: 0 }
  const chunks = { alone: 0, door: 0 }
  let told = 0
  for (let i = 0; i < turns * 2; i++) {
    const name = i % 2 === 0 ? 'alone' : 'door'
    const readers = name === 'alone' ? [] : await Promise.all(ids.map(join))
    // What joining costs is no part of it.
    await new Promise((resolve) => setTimeout(resolve, 1_000))
    const before = { cpu: cpuTimeOf(child.pid!), sent: provider.sent(), frames }
    await new Promise((resolve) => setTimeout(resolve, turnMs))
    cpu[name] += cpuTimeOf(child.pid!) - before.cpu
    chunks[name] += provider.sent() - before.sent
    if (name === 'door') told += frames - before.frames
    for (const reader of readers) reader.destroy()
    await new Promise((resolve) => setTimeout(resolve, 500))
  }
  const runs = await new Promise<{ items: unknown[] }>((resolve, reject) =>
    get(`${url}/api/tasks`, (response) => {
      let text = ''
      response
        .on('data', (part: Buffer) => {
          text += part.toString()
        })
        .on('end', () => resolve(JSON.parse(text) as { items: unknown[] }))
    }).on('error', reject),
  )
  if (runs.items.length !== streams) throw new Error(`${runs.items.length} of ${streams} runs were left`)
  provider.close()
  await close()
  const micros = (name: keyof typeof cpu) => (cpu[name] * 1_000) / chunks[name]
  return [
    {
      name: `${streams} runs × ${tokensPerSecond} chunks/s: CPU a chunk, nobody at the door`,
      value: micros('alone'),
      unit: 'µs',
      note: `${chunks.alone} chunks`,
    },
    {
      name: 'a reader at /v1 each: CPU a chunk above that',
      value: micros('door') - micros('alone'),
      unit: 'µs',
      bound: maxMicroseconds,
      note: `${told} frames told ${chunks.door} chunks; ${(((cpu.door - cpu.alone) * 1_000) / told).toFixed(1)} µs a frame`,
    },
  ]
}
