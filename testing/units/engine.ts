/** What the units share: one question in a world of its own, with all that a viewer could have seen of its answer. */
import { isTerminal, type Message } from '../../shared/schema.ts'
import { Collector } from '../collector.ts'
import { startWorld, type World, type WorldOptions } from '../world/world.ts'

export interface Answered {
  message: Message
  /** The message after each update that a viewer got: what a person could have seen. */
  states: Message[]
}

/** Ends within this time, ms, or says how far it came. */
export const unitDeadlineMs = 30_000

/** A world for one unit; it does not complain of what a unit leaves undone on purpose. */
export async function inWorld<T>(options: WorldOptions, use: (world: World) => Promise<T>): Promise<T> {
  const world = await startWorld({ ...options, leftOpen: false })
  try {
    return await use(world)
  } finally {
    world.fake.reset()
    await world.close()
  }
}

/** Asks, follows the answer to its end, and tells `onState` of each state on the way. */
export async function askAndFollow(
  world: World,
  question: string,
  {
    as = 'ada',
    deadlineMs = unitDeadlineMs,
    onState = () => {},
  }: {
    as?: string
    deadlineMs?: number
    onState?: (message: Message) => void
  } = {},
): Promise<Answered> {
  const chat = await world.chat({ as })
  const sent = await chat.ask(question)
  const states: Message[] = []
  const collector = new Collector(world.url, {
    token: as,
    onUpdate: ({ message }) => {
      states.push(message)
      onState(message)
    },
  })
  try {
    const { message } = await collector.toEnd(sent.messageId, { taskId: sent.taskId, deadlineMs })
    if (!isTerminal(message.status)) throw new Error(`The answer did not end: ${message.status}.`)
    return { message, states }
  } finally {
    await collector.close()
  }
}
