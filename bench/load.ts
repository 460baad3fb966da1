/** 200 streams × 5 viewers × 80 tokens/s: a real server on one core, its provider and its viewers on the other. */
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AddressInfo } from 'node:net'
import { WebSocket } from 'ws'
import { post, quantile, type Figure } from './harness.ts'
import { profileShares } from './profile.ts'
import { cpuTimeOf, startServer } from './server.ts'

interface Load {
  streams: number
  viewers: number
  tokensPerSecond: number
  seconds: number
}

/** Milliseconds in base 36, five characters with its space: a token that says when it was sent. */
function stamp(): string {
  return ` ${Math.floor(performance.now()).toString(36).padStart(4, '0').slice(-4)}`
}

/** Age of the oldest token of an update's frame; the text stands before the one byte of the empty delete set. */
export function ageOf(frame: Buffer): number | null {
  let start = frame.length - 1
  while (start >= 5 && frame[start - 5] === 0x20) start -= 5
  if (start === frame.length - 1) return null
  const sent = Number.parseInt(frame.toString('latin1', start + 1, start + 5), 36)
  return (Math.floor(performance.now()) % 36 ** 4) - sent
}

/** A Chat Completions server that sends each of its open streams a chunk (`words` and a stamp) when it is due; the first one begins with a long text. */
export async function startProvider(tokensPerSecond: number, firstText = '', words = '') {
  let preamble = firstText
  const open = new Map<ServerResponse, number>()
  const server = createServer((request, response) => {
    request.resume()
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    if (preamble !== '')
      response.write(`data: {"choices":[{"index":0,"delta":{"content":${JSON.stringify(preamble)}}}]}\n\n`)
    preamble = ''
    open.set(response, performance.now() + (Math.random() * 1000) / tokensPerSecond)
    response.on('close', () => open.delete(response))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  let sent = 0
  const timer = setInterval(() => {
    const now = performance.now()
    for (const [response, due] of open) {
      if (due > now) continue
      response.write(
        `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1800000000,"model":"bench","choices":[{"index":0,"delta":{"content":"${words}${stamp()}"},"logprobs":null,"finish_reason":null}]}\n\n`,
      )
      open.set(response, due + 1000 / tokensPerSecond)
      sent += 1
    }
  }, 1)
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    sent: () => sent,
    close: () => {
      clearInterval(timer)
      server.closeAllConnections()
      server.close()
    },
  }
}

/** The figures of the load; where one is over its bound, a second, profiled run says where the core went. */
export async function loadOfOneCore(
  load: Load = { streams: 200, viewers: 5, tokensPerSecond: 80, seconds: 20 },
): Promise<Figure[]> {
  const { figures } = await runLoad(load)
  if (figures.every(({ value, bound }) => bound === undefined || value <= bound)) return figures
  const folder = mkdtempSync(join(tmpdir(), 'runnel-profile-'))
  try {
    const { began, ended } = await runLoad(
      { ...load, seconds: 8 },
      { NODE_OPTIONS: `--cpu-prof --cpu-prof-dir=${folder}` },
    )
    const shares = profileShares(folder, began, ended)
    return figures.map((figure) =>
      figure.name.endsWith('p99') ? { ...figure, note: `${figure.note}; profile: ${shares}` } : figure,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/** `began`, `ended`: of the measured span, ms since the server's start. */
async function runLoad(
  load: Load,
  env: Record<string, string> = {},
): Promise<{ figures: Figure[]; began: number; ended: number }> {
  const provider = await startProvider(load.tokensPerSecond)
  const spawned = performance.now()
  const { url, child, close } = await startServer({ OPENAI_BASE_URL: provider.url, ...env })
  const sockets: WebSocket[] = []
  const ages: number[] = []
  let measuring = false
  let frames = 0
  for (let i = 0; i < load.streams; i++) {
    const chat = await post(`${url}/api/chats`, {})
    const { messageId } = await post(`${url}/api/chats/${chat.id}/messages`, { content: 'go' })
    for (let viewer = 0; viewer < load.viewers; viewer++) {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, {
        perMessageDeflate: false,
        skipUTF8Validation: true,
      })
      socket.on('message', (data: Buffer, isBinary) => {
        if (!measuring || !isBinary) return
        frames += 1
        const age = ageOf(data)
        if (age !== null && age >= 0) ages.push(age)
      })
      await once(socket, 'open')
      socket.send('{"type":"hello","v":1}')
      socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: messageId }] }))
      sockets.push(socket)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 5_000))
  // `taskset` becomes the process that it starts.
  const pid = child.pid!
  const cpu = cpuTimeOf(pid)
  const own = process.cpuUsage()
  const sent = provider.sent()
  const began = performance.now()
  measuring = true
  await new Promise((resolve) => setTimeout(resolve, load.seconds * 1_000))
  measuring = false
  const seconds = (performance.now() - began) / 1_000
  const busy = (cpuTimeOf(pid) - cpu) / 1_000 / seconds
  const ownBusy = process.cpuUsage(own)
  const name = `${load.streams} streams × ${load.viewers} viewers × ${load.tokensPerSecond} tokens/s`
  const figures: Figure[] = [
    { name: `${name}: chunk to viewer p50`, value: quantile(ages, 0.5), unit: 'ms' },
    {
      name: `${name}: chunk to viewer p99`,
      value: quantile(ages, 0.99),
      unit: 'ms',
      bound: 80,
      note: `oldest token of each frame, ${ages.length} frames`,
    },
    { name: `${name}: the server's core`, value: busy * 100, unit: '%', bound: 90 },
    {
      name: `${name}: chunks really sent a second`,
      value: (provider.sent() - sent) / seconds,
      unit: '/s',
      note: `of ${load.streams * load.tokensPerSecond}; ${Math.round(frames / seconds)} frames/s read; own core ${Math.round((ownBusy.user + ownBusy.system) / seconds / 10_000)} %`,
    },
  ]
  for (const socket of sockets) socket.terminate()
  provider.close()
  await close()
  return { figures, began: began - spawned, ended: began - spawned + seconds * 1_000 }
}
