import type { Exchange } from './exchange.ts'
import { aborted } from './later.ts'
import { send } from './play.ts'
import { pause } from './real-time.ts'
import type { Delivery, Script } from './script.ts'
import { StepReader } from './step-reader.ts'
import type { StoredResponse } from './stored-responses.ts'

type Answer = Extract<Script, { kind: 'answer' }>

/** Goes through the steps of a response, whoever looks. Rejects with what the script throws. */
export async function produce(script: Answer, response: StoredResponse, closing: AbortSignal): Promise<void> {
  const stop = AbortSignal.any([response.cancelled.signal, closing])
  const { encoder } = response
  let steps: StepReader | null = null
  try {
    steps = new StepReader(script.steps, stop)
    encoder.start()
    for (;;) {
      const step = await steps.next()
      if (step === null || step === 'stopped') return
      if (step.type === 'wait') await pause(step.ms, stop)
      else if (step.type === 'stall') return await aborted(stop)
      else if (step.type === 'cut' || step.type === 'reset') response.cutOff()
      else if (step.type !== 'raw' && step.type !== 'comment') encoder.encode(step)
      if (stop.aborted) return
    }
  } catch (error) {
    encoder.encode({ type: 'error', message: String(error) })
    throw error
  } finally {
    steps?.leave()
    response.end()
  }
}

/** Sends the events of a response behind the one with this number, until it is over. */
export async function follow(
  response: StoredResponse,
  exchange: Exchange,
  after: number,
  delivery: Delivery & { splitBytes?: number } = {},
): Promise<void> {
  const { cuts } = response
  const body = await exchange.open({ 'content-type': 'text/event-stream; charset=utf-8' }, delivery)
  for (let next = after + 1; !body.stop.aborted;) {
    const frames = response.frames.slice(next)
    if (!(await send(body, frames, delivery.splitBytes))) return
    next += frames.length
    if (response.cuts > cuts) return exchange.cut()
    if (next < response.frames.length) continue
    if (response.isOver) return body.end()
    await response.changed(body.stop)
  }
}
