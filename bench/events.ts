import { once } from 'node:events'
import { get } from 'node:http'
import { Writable } from 'node:stream'
import { WebSocket } from 'ws'
import { CatchUpQueue } from '../server/room/catchup.ts'
import { EventFeed } from '../server/events/event-feed.ts'
import { EventReader } from '../server/events/event-reader.ts'
import { Outbox } from '../server/room/outbox.ts'
import { BenchDocument, cpuOf, median, post, quantile, token, type Figure } from './harness.ts'
import { ageOf, startProvider } from './load.ts'
import { cpuTimeOf, startServer } from './server.ts'

const streams = 20
const viewers = 5
const tokensPerSecond = 80
const messageBytes = 1_000_000
const turnMs = 5_000
const turns = 4
const rounds = 60
const tokensARound = 100

/** P9: CPU and bytes a token of a reader of deltas, by the length of the message. */
export async function eventsAToken(): Promise<Figure[]> {
  const document = await BenchDocument.open()
  let bytes = 0
  const socket = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      bytes += chunk.length
      done()
    },
  })
  const id = document.writer.openBlock({ type: 'text', status: 'in_progress' })
  document.flush()
  let tokens = 0
  const write = () => {
    document.writer.append(id, 'text', token(tokens++))
    document.flush()
  }
  const figures: Figure[] = []
  for (const length of [1_000, 10_000, 100_000]) {
    while (tokens < length) write()
    const costs: Record<'alone' | 'followed', number[]> = { alone: [], followed: [] }
    let read = 0
    for (let round = 0; round < rounds; round++) {
      costs.alone.push(
        cpuOf(() => {
          for (let i = 0; i < tokensARound; i++) write()
        }),
      )
      const reader = EventFeed.join(
        document.room,
        Date.now,
        (feed) =>
          new EventReader({
            feed,
            mode: 'deltas',
            since: null,
            outbox: new Outbox(socket, { highWaterBytes: 100_000_000, now: Date.now }),
            catchUp: new CatchUpQueue(64_000_000),
            now: Date.now,
            onOver: () => {},
          }),
      )
      reader.begin()
      await new Promise((resolve) => setImmediate(resolve))
      const before = bytes
      costs.followed.push(
        cpuOf(() => {
          for (let i = 0; i < tokensARound; i++) write()
        }),
      )
      await new Promise((resolve) => setImmediate(resolve))
      read += bytes - before
      reader.close()
    }
    // The median: a compaction of the log falls into some rounds.
    const [alone, followed] = [costs.alone, costs.followed].map((values) => median(values) / tokensARound) as [
      number,
      number,
    ]
    figures.push({
      name: `one reader of deltas at ${length} tokens: CPU a token above none`,
      value: followed - alone,
      unit: 'µs',
      note: `${alone.toFixed(1)} µs without; ${Math.round(read / rounds / tokensARound)} bytes an event`,
    })
  }
  await document.close()
  return figures
}

/** What one reader of `?mode=state` of a 1 MB message costs everybody else, with and without it by turns. */
export async function auditor(): Promise<Figure[]> {
  const provider = await startProvider(
    tokensPerSecond,
    'A slow wave runs ahead of the moon. '.repeat(messageBytes / 36),
  )
  const { url, child, close } = await startServer({ OPENAI_BASE_URL: provider.url })
  const ids: string[] = []
  const sockets: WebSocket[] = []
  const ages: Record<'alone' | 'audited' | 'followed', number[]> = { alone: [], audited: [], followed: [] }
  let measured: number[] | null = null
  for (let i = 0; i < streams; i++) {
    const chat = await post(`${url}/api/chats`, {})
    const { messageId } = await post(`${url}/api/chats/${chat.id}/messages`, { content: 'go' })
    ids.push(messageId)
    for (let viewer = 0; viewer < viewers; viewer++) {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/ws`, {
        perMessageDeflate: false,
        skipUTF8Validation: true,
      })
      socket.on('message', (data: Buffer, isBinary) => {
        const age = measured && isBinary ? ageOf(data) : null
        if (age !== null && age >= 0) measured!.push(age)
      })
      await once(socket, 'open')
      socket.send('{"type":"hello","v":1}')
      socket.send(JSON.stringify({ type: 'subscribe', docs: [{ doc: messageId }] }))
      sockets.push(socket)
    }
  }
  await new Promise((resolve) => setTimeout(resolve, 3_000))

  const cpu: Record<keyof typeof ages, number> = { alone: 0, audited: 0, followed: 0 }
  let auditedBytes = 0
  const turn = async (name: keyof typeof ages) => {
    const readers =
      name === 'alone'
        ? []
        : [
            get(
              `${url}/api/messages/${ids[0]}/events?mode=${name === 'audited' ? 'state' : 'delta'}`,
              { agent: false },
              (response) => {
                if (response.statusCode !== 200) throw new Error(`events answered ${response.statusCode}`)
                response.on('data', (data: Buffer) => {
                  if (name === 'audited') auditedBytes += data.length
                })
              },
            ).on('error', () => {}),
          ]
    // What joining costs is another figure.
    await new Promise((resolve) => setTimeout(resolve, 500))
    const before = cpuTimeOf(child.pid!)
    measured = ages[name]
    await new Promise((resolve) => setTimeout(resolve, turnMs))
    measured = null
    cpu[name] += cpuTimeOf(child.pid!) - before
    for (const reader of readers) reader.destroy()
  }
  for (let i = 0; i < turns; i++) for (const name of ['alone', 'audited', 'followed'] as const) await turn(name)

  for (const socket of sockets) socket.terminate()
  provider.close()
  await close()
  const [alone, audited, followed] = [ages.alone, ages.audited, ages.followed].map((values) =>
    quantile(values, 0.99),
  ) as [number, number, number]
  const share = (name: keyof typeof ages) => (cpu[name] / turns / turnMs) * 100
  return [
    {
      name: `${streams} streams × ${viewers} viewers: chunk to viewer p99`,
      value: alone,
      unit: 'ms',
      note: `${ages.alone.length} frames, core ${share('alone').toFixed(0)} %`,
    },
    {
      name: 'with one ?mode=state on a 1 MB message among them: p99',
      value: audited,
      unit: 'ms',
      note: `${ages.audited.length} frames, core ${share('audited').toFixed(0)} %; ${(((auditedBytes / turns / (turnMs + 500)) * 1000) / 1e6).toFixed(2)} MB/s to the auditor`,
    },
    {
      name: 'with one reader of its deltas instead: p99',
      value: followed,
      unit: 'ms',
      note: `${ages.followed.length} frames, core ${share('followed').toFixed(0)} %`,
    },
    { name: 'p99 with an auditor against without', value: audited / alone, unit: '×', bound: 2 },
  ]
}
