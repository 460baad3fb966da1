/** Which model a request of a run asks: whoever has begun an answer goes on with it. */
import { messageMap } from '../../shared/schema.ts'
import type { ProviderRequest } from '../provider/events.ts'
import type { Room } from '../room/room.ts'
import type { RunRequest } from './prompt.ts'
import type { Run } from './run.ts'

/** The model that a message names when its run is admitted: one that stood in for another stays, if it still may. */
export function admittedModel({ doc }: Pick<Room, 'doc'>, { model, fallback = [], continues }: RunRequest): string {
  const before = messageMap(doc).get('model')
  return continues === true && typeof before === 'string' && fallback.includes(before) ? before : model
}

/** The model that the message of a run names now. */
export function answeringModel({ room, request }: Pick<Run, 'room' | 'request'>): string {
  const model = messageMap(room.doc).get('model')
  return typeof model === 'string' ? model : request.model
}

/** Whom the first request of a run asks. Where a filter chose another `model`, those that stand in for the run's own are none of it. */
export function firstAsked(
  model: string,
  run: Pick<Run, 'room' | 'request'>,
): Pick<ProviderRequest, 'model' | 'fallback'> {
  const { fallback } = run.request
  if (model !== run.request.model || !fallback) return { model }
  const order = [model, ...fallback]
  const begun = answeringModel(run)
  return order.includes(begun)
    ? { model: begun, fallback: order.filter((other) => other !== begun) }
    : { model, fallback }
}
