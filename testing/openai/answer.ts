/** Scripts, said in short. */
import type { Cuts } from './cuts.ts'
import { checkFields } from './known-fields.ts'
import {
  DELIVERY_FIELDS,
  type Content,
  type Delivery,
  type FakeFinish,
  type FakeUsage,
  type KeepAlive,
  type Script,
  type Step,
} from './script.ts'

export interface ChoiceOptions {
  /** Tokens, each a chunk of its own; a string is cut behind its spaces. */
  text?: string | string[]
  reasoning?: string | string[]
  refusal?: string | string[]
  toolCalls?: { id: string; name: string; arguments: string | string[] }[]
  /** Default: `tool_calls` if there are any, else `stop`. */
  finish?: FakeFinish
}

export interface AnswerOptions extends ChoiceOptions, Delivery {
  /** Several choices, their chunks in turns. */
  choices?: ChoiceOptions[]
  /** Fragments of several calls come in turns. */
  interleaveCalls?: boolean
  usage?: FakeUsage
  /** Time between two chunks. Default: none. */
  intervalMs?: number
  /** After so many chunks: stall, cut the connection, reset it, or send an error with this message. */
  after?: { chunks: number; fault: 'stall' | 'cut' | 'reset' | { error: string } }
  splitBytes?: number
}

const CHOICE_FIELDS = ['text', 'reasoning', 'refusal', 'toolCalls', 'finish']
const ANSWER_FIELDS = ['choices', 'interleaveCalls', 'usage', 'intervalMs', 'after', 'splitBytes']

/** An answer: reasoning, text, refusal, calls, finish, in this order, with a fault if one is asked for. */
export function answer(options: AnswerOptions = {}): Script {
  return { kind: 'answer', steps: stepsOfAnswer(options), ...only(options, 'splitBytes', ...DELIVERY_FIELDS) }
}

/** Steps as `answer` has them; all that are no faults and no waits are content. */
export function stepsOfAnswer(options: AnswerOptions): Step[] {
  checkFields('answer()', options, [...CHOICE_FIELDS, ...ANSWER_FIELDS, ...DELIVERY_FIELDS])
  const { after, intervalMs = 0, choices } = options
  for (const choice of choices ?? []) checkFields('a choice', choice, CHOICE_FIELDS)
  if (after) checkFields('after', after, ['chunks', 'fault'])

  const chunks = choices
    ? inTurns(choices.map((one, choice) => stepsOf(one).map((step) => ({ ...step, choice }))))
    : stepsOf(options, options.interleaveCalls)
  const sent: Step[] = after ? chunks.slice(0, after.chunks) : chunks
  const steps = sent.flatMap((step): Step[] => (intervalMs > 0 ? [step, { type: 'wait', ms: intervalMs }] : [step]))
  if (after)
    steps.push(typeof after.fault === 'string' ? { type: after.fault } : { type: 'error', message: after.fault.error })
  else {
    const usage = options.usage ? { usage: options.usage } : {}
    const ends = (choices ?? [options]).map((one) => finishOf(one))
    if (!choices) steps.push({ type: 'finish', reason: ends[0]!, ...usage })
    else
      for (const [choice, reason] of ends.entries())
        steps.push({ type: 'finish', reason, choice, ...(choice < ends.length - 1 ? { more: true } : usage) })
  }
  return steps
}

/** A recorded body, cut as asked, byte for byte. */
export function recorded(
  body: string | Uint8Array,
  cuts: Cuts = 'whole',
  delivery: Delivery & { intervalMs?: number; keepAlive?: KeepAlive } = {},
): Script {
  checkFields('recorded()', delivery, [...DELIVERY_FIELDS, 'intervalMs', 'keepAlive'])
  return { kind: 'recorded', body: typeof body === 'string' ? new TextEncoder().encode(body) : body, cuts, ...delivery }
}

function stepsOf(options: ChoiceOptions, interleave = false): Content[] {
  const calls = (options.toolCalls ?? []).map(({ id, name, arguments: given }) => ({
    id,
    name,
    arguments: typeof given === 'string' ? [given] : given,
  }))
  return [
    ...tokens(options.reasoning).map((text) => ({ type: 'reasoning' as const, text })),
    ...tokens(options.text).map((text) => ({ type: 'text' as const, text })),
    ...tokens(options.refusal).map((text) => ({ type: 'refusal' as const, text })),
    ...(interleave
      ? inTurns(
          calls.map(({ id, name, arguments: parts }, call) => [
            { type: 'call_part' as const, call, id, name, arguments: '' },
            ...parts.map((text) => ({ type: 'call_part' as const, call, arguments: text })),
          ]),
        )
      : calls.map((call) => ({ type: 'tool_call' as const, ...call }))),
  ]
}

function finishOf(options: ChoiceOptions): FakeFinish {
  return options.finish ?? (options.toolCalls?.length ? 'tool_calls' : 'stop')
}

function inTurns<T>(lists: T[][]): T[] {
  const longest = Math.max(0, ...lists.map((list) => list.length))
  return Array.from({ length: longest }, (_, turn) => lists.flatMap((list) => list.slice(turn, turn + 1))).flat()
}

function tokens(text: string | string[] | undefined): string[] {
  if (text === undefined) return []
  return typeof text === 'string' ? text.split(/(?<= )/).filter((token) => token !== '') : text
}

function only<T extends object, K extends keyof T>(object: T, ...keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.filter((key) => object[key] !== undefined).map((key) => [key, object[key]])) as Pick<
    T,
    K
  >
}
