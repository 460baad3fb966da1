/** What stands between the bytes of a provider stream and its meaning: frames with JSON in them. */
import { RunnelError } from '../../shared/errors.ts'
import { isWhole } from '../../shared/wire.ts'
import { isDeeper } from '../../shared/json-depth.ts'
import type { ProviderEvent } from './events.ts'

export type Fields = Record<string, unknown>

/** What is nested deeper is no answer of a model. A frame may repeat the schemas of the request's tools. */
const maxDepth = 200

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The place of an item, a part or a call; the first where it is absent or none. */
export function placeOf(value: unknown): number {
  return isWhole(value) ? value : 0
}

/** Turns the frames of one provider stream into events. */
export interface StreamMapper {
  /** Events that wait to be taken; the reader empties the array. */
  readonly events: ProviderEvent[]
  /** `finish` is among the events: nothing more is to be read. */
  readonly finished: boolean
  /** One frame. Throws a RunnelError where the provider reports a failure; events stay takeable. */
  push(type: string | undefined, data: string): void
  /** The stream is over without having said so: finishes where the answer is known to be whole, else throws `failure`. */
  end(failure: RunnelError): void
}

/** The JSON object of a frame. Throws `provider_bad_response`. */
export function parseFrame(data: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch (error) {
    throw new RunnelError('provider_bad_response', 'The model provider sent a frame that is no JSON.', { cause: error })
  }
  // Each level has two brackets.
  if (data.length > 2 * maxDepth && isDeeper(value, maxDepth))
    throw new RunnelError(
      'provider_bad_response',
      `The model provider sent a frame nested deeper than ${maxDepth} levels.`,
    )
  if (isFields(value)) return value
  throw new RunnelError('provider_bad_response', 'The model provider sent a frame that is no JSON object.')
}
