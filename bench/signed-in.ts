/** What sign-in, members and limits cost: the load of one core with them and without, by turns. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { json } from 'node:stream/consumers'
import type { WebSocket } from 'ws'
import { median, quantile, token, type Figure } from './harness.ts'
import { people, secret } from './people.ts'
import { limited, startServer } from './server.ts'

const streams = 200
const viewers = 5
const persons = 40
/** What 80 tokens a second make in a tick of 40 ms. */
const chunksARound = 3
const rounds = { warming: 60, measured: 12 }
/** Turns of two servers that live side by side, and how often both are started anew: no two processes are compiled alike. */
const turns = 12
const pairs = 3

/** A Chat Completions server whose answers are written by hand, each known by the model that was asked for. */
async function startHandProvider() {
  const open = new Map<string, ServerResponse>()
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const { model } = (await json(request)) as { model: string }
    response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders()
    open.set(model, response)
  }
  const server = createServer((request, response) => void take(request, response)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    send: (model: string, content: string[]) =>
      open
        .get(model)!
        .write(
          content
            .map(
              (text) =>
                `data: {"id":"chatcmpl-bench","object":"chat.completion.chunk","created":1800000000,"model":"bench","choices":[{"index":0,"delta":{"content":"${text}"},"logprobs":null,"finish_reason":null}]}\n\n`,
            )
            .join(''),
        ),
    openCount: () => open.size,
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

interface Side {
  /** CPU time of the server for so many rounds of all streams, ms, and the frames that its viewers got. */
  play: (rounds: number) => Promise<{ cpuMs: number; frames: number }>
  close: () => Promise<void>
}

/**
 * A server with its streams and viewers. A stream's next chunks come when its
 * viewers have the last ones: so the work is the same, however fast this
 * machine is just then.
 */
async function startSide(signedIn: boolean): Promise<Side> {
  const provider = await startHandProvider()
  const { url, usage, close } = await startServer({
    OPENAI_BASE_URL: provider.url,
    ...(signedIn && { RUNNEL_AUTH_SECRET: secret, ...limited }),
  })
  const crowd = await people(url, persons, signedIn)
  const sockets: WebSocket[] = []
  let frames = 0
  const onFrame: (() => void)[] = []
  for (let stream = 0; stream < streams; stream++) {
    const person = crowd[stream % persons]!
    const { messageId } = await person.ask({ model: `model${stream}` })
    for (const socket of await Promise.all(Array.from({ length: viewers }, () => person.follow(messageId)))) {
      socket.on('message', (_data, isBinary) => {
        if (!isBinary) return
        frames += 1
        onFrame[stream]?.()
      })
      sockets.push(socket)
    }
  }
  while (provider.openCount() < streams) await new Promise((resolve) => setTimeout(resolve, 10))
  // Statuses and checkpoints of the beginning.
  await new Promise((resolve) => setTimeout(resolve, 1_500))

  const playStream = (stream: number, count: number) =>
    new Promise<void>((resolve) => {
      let sent = 0
      let awaited = 0
      const send = () => {
        if (sent === count) return resolve()
        provider.send(
          `model${stream}`,
          Array.from({ length: chunksARound }, (_, i) => token(sent * chunksARound + i)),
        )
        sent += 1
        awaited = viewers
      }
      onFrame[stream] = () => {
        if (--awaited === 0) send()
      }
      send()
    })
  return {
    play: async (count) => {
      frames = 0
      const before = await usage()
      await Promise.all(Array.from({ length: streams }, (_, stream) => playStream(stream, count)))
      return { cpuMs: (await usage()).cpuMs - before.cpuMs, frames }
    },
    close: async () => {
      for (const socket of sockets) socket.terminate()
      provider.close()
      await close()
    },
  }
}

export async function costOfSignIn(): Promise<Figure[]> {
  const cpu: Record<'off' | 'on', number[]> = { off: [], on: [] }
  const frames = { off: 0, on: 0 }
  const ratios: string[] = []
  for (let pair = 0; pair < pairs; pair++) {
    const sides = { off: await startSide(false), on: await startSide(true) }
    for (const side of Object.values(sides)) await side.play(rounds.warming)
    for (let turn = 0; turn < turns; turn++) {
      for (const name of turn % 2 === 0 ? (['off', 'on'] as const) : (['on', 'off'] as const)) {
        const played = await sides[name].play(rounds.measured)
        cpu[name].push(played.cpuMs)
        frames[name] += played.frames
      }
    }
    ratios.push((median(cpu.on.slice(-turns)) / median(cpu.off.slice(-turns))).toFixed(3))
    for (const side of Object.values(sides)) await side.close()
  }
  const note = (name: keyof typeof cpu) =>
    `quartiles ${quantile(cpu[name], 0.25).toFixed(0)} and ${quantile(cpu[name], 0.75).toFixed(0)} ms; ${frames[name] / pairs / turns} frames`
  return [
    {
      name: `${streams} streams × ${viewers} viewers, ${streams * rounds.measured * chunksARound} chunks: CPU of the server`,
      value: median(cpu.off),
      unit: 'ms',
      note: note('off'),
    },
    {
      name: 'the same with sign-in, members and the limits as delivered',
      value: median(cpu.on),
      unit: 'ms',
      note: note('on'),
    },
    {
      name: 'CPU with against without',
      value: median(cpu.on) / median(cpu.off),
      unit: '×',
      bound: 1.05,
      note: `the pairs of servers: ${ratios.join(', ')}; of ${turns} turns each`,
    },
  ]
}
