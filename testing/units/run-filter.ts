import type { Filter, RunnelOptions } from '../../server/index.ts'
import type { Message } from '../../shared/schema.ts'
import { answer, seededRandom, type RequestBody } from '../openai/index.ts'
import type { World } from '../world/world.ts'
import { askAndFollow, inWorld, type Answered } from './engine.ts'

export interface RunFilterOptions {
  /** How the model's text comes: whole, by character, in two pieces at each place in turn (`every`), or by lot. Default: `whole`. */
  cuts?: 'whole' | 'characters' | 'every' | { seed: number; maxChars?: number }
  /** What is asked. Default: `Well?`. */
  question?: string
  /** Filters that stand before it and behind it. */
  before?: readonly Filter[]
  behind?: readonly Filter[]
  settings?: Omit<RunnelOptions, 'filters' | 'authenticate'>
}

export interface FilterRun {
  /** What the answer says at its end. */
  text: string
  message: Message
  /** All that people could have read on the way, each text once. */
  shown: string[]
  /** What the model was asked, behind the filter. */
  request: RequestBody
  /** How many ways of cutting were played; all came to the same text. */
  played: number
}

/**
 * Plays a model's answer through a filter, cut as asked, and tells what people saw. The whole way is the real one. Throws where
 * two ways of cutting end in different texts: a filter must not depend on how a provider cuts.
 */
export async function runFilter(filter: Filter, text: string, options: RunFilterOptions = {}): Promise<FilterRun> {
  const { cuts = 'whole', question = 'Well?', before = [], behind = [], settings = {} } = options
  return await inWorld({ ...settings, filters: [...before, filter, ...behind] }, async (world) => {
    const shown = new Set<string>()
    let first: Answered | null = null
    let played = 0
    for (const pieces of waysToCut(text, cuts)) {
      const answered = await playOne(world, question, pieces)
      for (const state of answered.states) shown.add(textOf(state))
      first ??= answered
      played += 1
      if (textOf(answered.message) !== textOf(first.message))
        throw new Error(
          `The filter ${filter.name} makes another text where the answer comes as ${JSON.stringify(pieces)}:\n` +
            `${JSON.stringify(textOf(answered.message))}\nand not ${JSON.stringify(textOf(first.message))}`,
        )
    }
    const { message } = first!
    return { text: textOf(message), message, shown: [...shown], request: world.fake.requests[0]?.body ?? {}, played }
  })
}

async function playOne(world: World, question: string, pieces: string[]): Promise<Answered> {
  world.fake.enqueue(answer({ text: pieces }))
  return await askAndFollow(world, question)
}

function* waysToCut(text: string, cuts: NonNullable<RunFilterOptions['cuts']>): Generator<string[]> {
  const characters = Array.from(text)
  if (cuts === 'whole') yield [text]
  else if (cuts === 'characters') yield characters
  else if (cuts === 'every') {
    yield [text]
    for (let at = 1; at < characters.length; at++)
      yield [characters.slice(0, at).join(''), characters.slice(at).join('')]
  } else {
    const random = seededRandom(cuts.seed)
    const pieces: string[] = []
    for (let at = 0; at < characters.length;) {
      const length = 1 + Math.floor(random() * (cuts.maxChars ?? 8))
      pieces.push(characters.slice(at, at + length).join(''))
      at += length
    }
    yield pieces
  }
}

function textOf({ output }: Message): string {
  return output.map((block) => (block.type === 'text' ? block.text : '')).join('')
}
