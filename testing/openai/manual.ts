import { later, type Later } from './later.ts'
import { clearTimeout, setTimeout } from './real-time.ts'
import type { ReceivedRequest } from './received-request.ts'
import type { FakeFinish, FakeUsage, Step } from './script.ts'

/** An answer that a test sends step by step. What is sent before the request arrives waits for it. */
export interface ManualStream {
  /** The request that this stream answers. Rejects where none has come within the deadline, from when this is first asked for. */
  readonly request: Promise<ReceivedRequest>
  send(text: string): void
  reasoning(text: string): void
  toolCall(id: string, name: string, ...argumentFragments: string[]): void
  /** Bytes as they are. */
  raw(data: string | Uint8Array): void
  /** Any other step. */
  step(step: Step): void
  /** An error in the stream. */
  error(message: string): void
  /** Finish reason, usage, and the end of the body. */
  end(reason?: FakeFinish, usage?: FakeUsage): void
  /** Ends the body without a finish. */
  close(): void
  /** Destroys the socket. */
  cut(): void
}

export interface ManualSteps {
  stream: ManualStream
  steps: AsyncIterable<Step>
  onRequest: (request: ReceivedRequest) => void
}

/** `deadlineMs`: how long the request may take to come, and then each next step. */
export function manualSteps(deadlineMs: number): ManualSteps {
  const steps: Step[] = []
  const arrived = later<ReceivedRequest>()
  arrived.promise.catch(() => {})
  let requestTimer: ReturnType<typeof setTimeout> | undefined
  let stepTimer: ReturnType<typeof setTimeout> | undefined
  let waiting: Later<IteratorResult<Step>> | null = null
  let sent = 0
  let state: 'waiting' | 'asked' | 'over' = 'waiting'
  let isOver = false

  const over = { done: true, value: undefined } as const
  /** Gives what there is to whoever waits for it. */
  const settle = (): void => {
    if (!waiting || (steps.length === 0 && !isOver)) return
    clearTimeout(stepTimer)
    const step = steps.shift()
    if (step) sent += 1
    waiting.resolve(step ? { done: false, value: step } : over)
    waiting = null
  }
  const push = (...added: Step[]): void => {
    steps.push(...added)
    settle()
  }
  const end = (): void => {
    isOver = true
    settle()
  }

  const iterator: AsyncIterator<Step> = {
    next() {
      waiting = later()
      const { promise, reject } = waiting
      stepTimer = setTimeout(() => {
        const last = sent === 0 ? 'its first step' : `the step behind the first ${sent}`
        reject(
          new Error(`A stream by hand waited for ${last} for ${deadlineMs} ms: nobody sent it, or ended the stream.`),
        )
        waiting = null
      }, deadlineMs)
      stepTimer.unref?.()
      settle()
      return promise
    },
    return() {
      end()
      return Promise.resolve(over)
    },
  }

  return {
    steps: { [Symbol.asyncIterator]: () => iterator },
    onRequest(request) {
      state = 'asked'
      clearTimeout(requestTimer)
      arrived.resolve(request)
    },
    stream: {
      get request() {
        if (state === 'waiting' && requestTimer === undefined) {
          requestTimer = setTimeout(() => {
            arrived.reject(new Error(`No request came for a stream by hand within ${deadlineMs} ms.`))
          }, deadlineMs)
          requestTimer.unref?.()
        }
        return arrived.promise
      },
      send: (text) => push({ type: 'text', text }),
      reasoning: (text) => push({ type: 'reasoning', text }),
      toolCall: (id, name, ...fragments) => push({ type: 'tool_call', id, name, arguments: fragments }),
      raw: (data) => push({ type: 'raw', data }),
      step: (step) => push(step),
      error: (message) => push({ type: 'error', message }),
      end: (reason, usage) => {
        push({ type: 'finish', ...(reason ? { reason } : {}), ...(usage ? { usage } : {}) })
        end()
      },
      close: end,
      cut: () => push({ type: 'cut' }),
    },
  }
}
