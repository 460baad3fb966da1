/** Ten thousand connections that mean no good, against the limits as they are delivered: what the others notice, and what stays of it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { WebSocket } from 'ws'
import { post, quantile, type Figure } from './harness.ts'
import { ageOf, startProvider } from './load.ts'
import { secret, tokenOf } from './people.ts'
import { limited, startServer } from './server.ts'

const kinds = {
  silent: 'never say hello',
  drip: 'send one byte a second',
  documents: 'ask for 10,000 documents',
  return: 'come back 1,000 times a second',
} as const

function residentMegabytes(pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) / 1_000
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export async function abusedServer(count = 10_000): Promise<Figure[]> {
  const provider = await startProvider(80)
  const { url, child, usage, close } = await startServer({
    OPENAI_BASE_URL: provider.url,
    RUNNEL_AUTH_SECRET: secret,
    LOG_LEVEL: 'error',
    ...limited,
  })
  const token = await tokenOf('viewer')
  const signedIn = { authorization: `Bearer ${token}` }
  const ages: number[] = []
  const sockets: WebSocket[] = []
  for (let i = 0; i < 20; i++) {
    const chat = await post(`${url}/api/chats`, {}, signedIn)
    const { messageId } = await post(`${url}/api/chats/${chat.id}/messages`, { content: 'go' }, signedIn)
    for (let viewer = 0; viewer < 2; viewer++) {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, { perMessageDeflate: false })
      socket.on('message', (data: Buffer, isBinary) => {
        const age = isBinary ? ageOf(data) : null
        if (age !== null && age >= 0) ages.push(age)
      })
      await once(socket, 'open')
      socket.send(JSON.stringify({ type: 'hello', v: 1, token }))
      socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: messageId }] }))
      sockets.push(socket)
    }
  }
  const heldMegabytes = async () => (await usage({ collect: true })).heldBytes / 1_000_000
  const during = async (work: () => Promise<unknown>) => {
    ages.length = 0
    await work()
    return quantile(ages, 0.99)
  }
  await wait(3_000)
  const held = await heldMegabytes()
  const quiet = await during(() => wait(8_000))
  const figures: Figure[] = [{ name: '20 streams × 2 viewers in peace: chunk to viewer p99', value: quiet, unit: 'ms' }]
  const tokens = await Promise.all(Array.from({ length: 200 }, (_, i) => tokenOf(`crowd${i}`)))
  for (const [kind, words] of Object.entries(kinds)) {
    let peak = 0
    let met = ''
    const p99 = await during(async () => {
      const crowd = spawn(
        'nice',
        [
          '-n',
          '19',
          process.execPath,
          new URL('crowd.ts', import.meta.url).pathname,
          url,
          kind,
          String(count),
          ...tokens,
        ],
        { stdio: ['ignore', 'pipe', 'inherit'] },
      )
      const exited = once(crowd, 'exit')
      const timer = setInterval(() => {
        peak = Math.max(peak, residentMegabytes(child.pid!))
      }, 100)
      met = String((await once(crowd.stdout, 'data'))[0])
      await wait(5_000)
      clearInterval(timer)
      crowd.kill('SIGKILL')
      await exited
    })
    figures.push(
      {
        name: `${count} that ${words}: others' p99, in the time of peace's`,
        value: p99 / quiet,
        unit: '×',
        bound: 3,
        note: `${p99} ms; ${met.slice(5).trim()}`,
      },
      { name: `${count} that ${words}: resident memory at most`, value: peak, unit: 'MB' },
    )
    await wait(3_000)
    figures.push({
      name: `${count} that ${words}: memory that stays`,
      value: (await heldMegabytes()) - held,
      unit: 'MB',
      bound: 20,
    })
  }
  for (const socket of sockets) socket.terminate()
  provider.close()
  await close()
  return figures
}
