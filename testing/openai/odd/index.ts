import { recorded } from '../answer.ts'
import type { Cuts } from '../cuts.ts'
import type { Delivery, KeepAlive, Script } from '../script.ts'
import { CALLS } from './calls.ts'
import { ENDS } from './ends.ts'
import { FRAMES } from './frames.ts'
import type { Oddity } from './oddity.ts'
import { REASONING } from './reasoning.ts'
import { RESPONSES } from './responses.ts'

const ALL = { ...REASONING, ...CALLS, ...ENDS, ...FRAMES, ...RESPONSES }

export type OddityName = keyof typeof ALL

/** All of them by name, each with what a client should make of it. */
export const oddities: Readonly<Record<OddityName, Oddity>> = ALL

/** The answer of a provider with this habit: always a stream, unless the habit is not to send one. */
export function odd(
  name: OddityName,
  cuts: Cuts = 'whole',
  delivery: Delivery & { intervalMs?: number; keepAlive?: KeepAlive } = {},
): Script {
  if (!Object.hasOwn(ALL, name))
    throw new TypeError(`There is no oddity "${name}", only ${Object.keys(ALL).join(', ')}.`)
  const { body, contentType, status = 200, keepAlive } = oddities[name]
  return contentType === undefined
    ? recorded(body, cuts, { ...(keepAlive && { keepAlive }), ...delivery })
    : { kind: 'reply', status, headers: { 'content-type': contentType }, body }
}
