/** What a viewer costs who has signed in, follows one document and does nothing. */
import { WebSocket } from 'ws'
import type { Figure } from './harness.ts'
import { people, secret } from './people.ts'
import { limited, startServer } from './server.ts'

const persons = 100
/** Joined before the measure, so that each room is there and the code compiled. */
const firstEach = 5

const rest = () => new Promise((resolve) => setTimeout(resolve, 3_000))

export async function idleViewers(viewers = 3_000): Promise<Figure[]> {
  const { url, usage, close } = await startServer({ RUNNEL_AUTH_SECRET: secret, ...limited })
  const crowd = await people(url, persons)
  const chats = await Promise.all(crowd.map((person) => person.ask({ stream: false })))
  const sockets: WebSocket[] = []
  const join = async (kind: 'chatId' | 'messageId', each: number) => {
    for (let i = 0; i < each; i++)
      sockets.push(...(await Promise.all(crowd.map((person, at) => person.follow(chats[at]![kind])))))
    // Their checkpoints come with the next sweep.
    await rest()
    const used = await usage({ collect: true })
    if (sockets.some(({ readyState }) => readyState !== WebSocket.OPEN)) throw new Error('the server let a viewer go')
    return used
  }
  const figures: Figure[] = []
  for (const [kind, what] of [
    ['messageId', 'a message'],
    ['chatId', 'a chat'],
  ] as const) {
    const before = await join(kind, firstEach)
    const after = await join(kind, viewers / persons)
    const kilobytes = (key: 'heldBytes' | 'residentBytes') => (after[key] - before[key]) / viewers / 1_000
    figures.push(
      {
        name: `an idle signed-in viewer of ${what}: heap and buffers`,
        value: kilobytes('heldBytes'),
        unit: 'kB',
        bound: 20,
        note: `${viewers} of them; resident ${kilobytes('residentBytes').toFixed(1)} kB`,
      },
      {
        name: `its coming: CPU`,
        value: ((after.cpuMs - before.cpuMs) / viewers) * 1_000,
        unit: 'µs',
        note: 'upgrade, sign-in, the state and a checkpoint; two collections are in it',
      },
    )
  }
  for (const socket of sockets) socket.terminate()
  await close()
  return figures
}
