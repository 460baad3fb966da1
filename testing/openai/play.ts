import { chatEncoder } from './chat-frames.ts'
import { cutBytes } from './cuts.ts'
import type { AnswerEncoder } from './encoder.ts'
import type { Body, Exchange } from './exchange.ts'
import { aborted } from './later.ts'
import { pause } from './real-time.ts'
import { httpError } from './replies.ts'
import { StepReader } from './step-reader.ts'
import type { Script } from './script.ts'

const EVENT_STREAM = { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-cache' }

/**
 * Plays a script as the answer to a request. Ends when the script is over, or the client is gone, or the fake is closing.
 * Rejects with what the script itself throws. `encoder`: of the API that the request came by; default: Chat Completions.
 */
export async function play(script: Script, exchange: Exchange, encoder?: AnswerEncoder): Promise<void> {
  switch (script.kind) {
    case 'drop':
      return exchange.drop()
    case 'reset':
      return exchange.reset()
    case 'silent':
      return aborted(exchange.gone)
    case 'reply':
      await pause(script.headersAfterMs, exchange.gone)
      return exchange.reply(script.status, { 'content-type': 'text/plain', ...script.headers }, script.body)
    case 'recorded':
      return playRecorded(script, exchange)
    case 'answer': {
      const encoded = encoder ?? chatEncoder(exchange.request, exchange.id)
      return exchange.request.body.stream === true
        ? playStream(script, exchange, encoded)
        : playWhole(script, exchange, encoded)
    }
  }
}

async function playRecorded(script: Extract<Script, { kind: 'recorded' }>, exchange: Exchange): Promise<void> {
  const body = await exchange.open(EVENT_STREAM, script)
  for (const bytes of cutBytes(script.body, script.cuts)) {
    if (body.stop.aborted || !(await body.write(bytes))) return
    await pause(script.intervalMs, body.stop)
  }
  const { keepAlive } = script
  while (keepAlive && !body.stop.aborted) {
    if (!(await send(body, [keepAlive.data], undefined))) return
    await pause(keepAlive.everyMs, body.stop)
  }
  if (!body.stop.aborted) await body.end()
}

async function playStream(
  script: Extract<Script, { kind: 'answer' }>,
  exchange: Exchange,
  encoder: AnswerEncoder,
): Promise<void> {
  const stop = script.ignoresHangUp ? exchange.closing : exchange.gone
  const steps = new StepReader(script.steps, stop)
  try {
    // What a script throws at once is told by the status.
    await steps.begun()
    const body = await exchange.open(EVENT_STREAM, script)
    if (!(await send(body, encoder.start(), script.splitBytes))) return
    for (;;) {
      const step = await steps.next()
      if (step === 'stopped') return
      if (step === null) return await body.end()
      if (step.type === 'wait') await pause(step.ms, stop)
      else if (step.type === 'stall') return await aborted(stop)
      else if (step.type === 'cut') return exchange.cut()
      else if (step.type === 'reset') return exchange.reset()
      else {
        const frames =
          step.type === 'raw' ? [step.data] : step.type === 'comment' ? [`: ${step.text}\n\n`] : encoder.encode(step)
        if (!(await send(body, frames, script.splitBytes))) return
      }
    }
  } finally {
    steps.leave()
  }
}

async function playWhole(
  script: Extract<Script, { kind: 'answer' }>,
  exchange: Exchange,
  encoder: AnswerEncoder,
): Promise<void> {
  const stop = script.ignoresHangUp ? exchange.closing : exchange.gone
  const steps = new StepReader(script.steps, stop)
  try {
    encoder.start()
    for (;;) {
      const step = await steps.next()
      if (step === 'stopped') return
      if (step === null) break
      if (step.type === 'wait') await pause(step.ms, stop)
      else if (step.type === 'stall') return await aborted(stop)
      else if (step.type === 'cut') return exchange.drop()
      else if (step.type === 'reset') return exchange.reset()
      else if (step.type === 'error') {
        const { message, code = null, param = null } = step
        const { status, headers = {}, body } = httpError(500, message, {}, { code, param })
        return exchange.reply(status, headers, body)
      } else if (step.type !== 'raw' && step.type !== 'comment') encoder.encode(step)
    }
    const body = await exchange.open({ 'content-type': 'application/json' }, script)
    if (await send(body, [JSON.stringify(encoder.whole(), null, 2)], script.splitBytes)) await body.end()
  } finally {
    steps.leave()
  }
}

/** false: nothing may follow. */
export async function send(
  body: Body,
  frames: readonly (string | Uint8Array)[],
  splitBytes: number | undefined,
): Promise<boolean> {
  for (const frame of frames) {
    const bytes = typeof frame === 'string' ? new TextEncoder().encode(frame) : frame
    const pieces =
      splitBytes === undefined
        ? [bytes]
        : cutBytes(bytes, Array<number>(Math.ceil(bytes.length / splitBytes)).fill(splitBytes))
    for (const piece of pieces) if (body.stop.aborted || !(await body.write(piece))) return false
  }
  return true
}
