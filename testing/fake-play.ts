import type { ServerResponse } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { cutBytes } from './cuts.ts'
import { chatFrames, responsesFrames } from './fake-frames.ts'
import type { Script, Step } from './fake-script.ts'
import type { ReceivedRequest } from './received-request.ts'

/**
 * Plays a script as the answer to a request. Ends when the script is over, or
 * the client is `gone`, or the server is `closing`.
 */
export async function play(
  script: Script,
  request: ReceivedRequest,
  outgoing: ServerResponse,
  gone: AbortSignal,
  closing: AbortSignal,
): Promise<void> {
  switch (script.kind) {
    case 'drop':
      outgoing.destroy()
      return
    case 'silent':
      return until(gone)
    case 'reply':
      outgoing.writeHead(script.status, { 'content-type': 'text/plain', ...script.headers }).end(script.body)
      return
    case 'recorded':
      return deliver(recordedWrites(script), script, outgoing, gone, closing)
    case 'answer':
      return deliver(answerWrites(script, request), script, outgoing, gone, closing)
  }
}

/** What happens next on the wire. */
type Write = Uint8Array | { ms: number } | 'stall' | 'cut'

function* recordedWrites(script: Extract<Script, { kind: 'recorded' }>): Generator<Write> {
  for (const bytes of cutBytes(script.body, script.cuts)) {
    yield bytes
    if (script.intervalMs) yield { ms: script.intervalMs }
  }
}

async function* answerWrites(
  script: Extract<Script, { kind: 'answer' }>,
  request: ReceivedRequest,
): AsyncGenerator<Write> {
  const model = request.body.model ?? 'fake-model'
  const encoder = request.path.endsWith('/responses') ? responsesFrames(model) : chatFrames(model)
  const split = (data: string | Uint8Array): Uint8Array[] => {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    if (script.splitBytes === undefined) return [bytes]
    return cutBytes(bytes, Array<number>(Math.ceil(bytes.length / script.splitBytes)).fill(script.splitBytes))
  }
  for (const frame of encoder.start()) yield* split(frame)
  for await (const step of script.steps) {
    const instead = wireStep(step)
    if (instead) yield instead
    else if (step.type === 'raw') yield* split(step.data)
    else if (step.type === 'comment') yield* split(`: ${step.text}\n\n`)
    else for (const frame of encoder.encode(step as Parameters<typeof encoder.encode>[0])) yield* split(frame)
  }
}

function wireStep(step: Step): Write | null {
  if (step.type === 'wait') return { ms: step.ms }
  return step.type === 'stall' || step.type === 'cut' ? step.type : null
}

async function deliver(
  writes: Iterable<Write> | AsyncIterable<Write>,
  script: { cutAfterBytes?: number; ignoresHangUp?: boolean },
  outgoing: ServerResponse,
  gone: AbortSignal,
  closing: AbortSignal,
): Promise<void> {
  const stop = script.ignoresHangUp ? closing : gone
  let left = script.cutAfterBytes ?? Infinity
  outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  outgoing.flushHeaders()
  const stopped = until(stop)
  const iterator = Symbol.asyncIterator in writes ? writes[Symbol.asyncIterator]() : writes[Symbol.iterator]()
  for (;;) {
    const next = await Promise.race([iterator.next(), stopped])
    if (!next || stop.aborted) return
    if (next.done) break
    const write = next.value
    if (write === 'stall') return stopped
    if (write === 'cut') return cut(outgoing)
    if ('ms' in write) await sleep(write.ms, undefined, { signal: stop }).catch(() => {})
    else {
      await flushed(outgoing, write.subarray(0, left))
      left -= write.length
      if (left <= 0) return cut(outgoing)
    }
  }
  outgoing.end()
}

/** A turn of the event loop between two writes, so that they leave as packets of their own. */
function flushed(outgoing: ServerResponse, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve) => {
    // Node keeps a write for a socket that just broke, and never calls back.
    if (bytes.length === 0 || !outgoing.socket?.writable) setImmediate(resolve)
    else outgoing.write(bytes, () => setImmediate(resolve))
  })
}

/** What was written leaves first, so that a test knows what arrived. */
function cut(outgoing: ServerResponse): void {
  outgoing.socket?.end(() => outgoing.destroy())
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
