/** A provider without a key and without a network: scripted answers, the same ones each time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { RunnelError } from '../../shared/errors.ts'
import type { Usage } from '../../shared/schema.ts'
import { demoCall } from './demo-call.ts'
import { demoScript, type DemoPart } from './demo-script.ts'
import type { Provider, ProviderEvent, ProviderRequest } from './events.ts'

export interface DemoOptions {
  /** Default 50. A prompt that says "slow" gets a tenth. `Infinity` sends everything at once. */
  tokensPerSecond?: number
}

/**
 * Chooses its answer by words of the last user message: "long" (3,000 tokens),
 * "tool" (a call of the tool that it names, or the first there is; without tools of a made-up one), "error" (fails in the middle), "slow"; anything
 * else gets reasoning and Markdown.
 */
export function demoProvider(options: DemoOptions = {}): Provider {
  return (request, signal) => playDemo(request, signal, options.tokensPerSecond ?? 50)
}

async function* playDemo(
  request: ProviderRequest,
  signal: AbortSignal,
  fullSpeed: number,
): AsyncGenerator<ProviderEvent> {
  const words = lastUserText(request).toLowerCase()
  const pace = new Pace(words.includes('slow') ? fullSpeed / 10 : fullSpeed, signal)
  let outputTokens = 0
  let reasoningTokens = 0
  let called = false
  const script = demoScript(words, wasAnswered(request), demoCall(words, request.tools))
  for (const [index, part] of script.parts.entries()) {
    const key = `${part.type}-${index}`
    yield blockStart(key, part)
    for (const text of tokensOf(part.text)) {
      await pace.next()
      signal.throwIfAborted()
      outputTokens++
      if (part.type === 'reasoning') reasoningTokens++
      yield { type: 'delta', key, field: part.type === 'tool_call' ? 'arguments' : 'text', text }
      signal.throwIfAborted()
    }
    if (script.failure && index === script.parts.length - 1) throw new RunnelError('provider_error', script.failure)
    called ||= part.type === 'tool_call'
    yield blockEnd(key, part)
  }
  yield { type: 'usage', usage: usage(request, outputTokens, reasoningTokens) }
  yield { type: 'finish', reason: called ? 'tool_calls' : 'stop' }
}

/** Gives tokens their time: as many as are due go out together, so that no timer is shorter than the clock can keep. */
class Pace {
  readonly #tokensPerSecond: number
  readonly #signal: AbortSignal
  readonly #startedAt = performance.now()
  #sent = 0

  constructor(tokensPerSecond: number, signal: AbortSignal) {
    this.#tokensPerSecond = tokensPerSecond
    this.#signal = signal
  }

  async next(): Promise<void> {
    const dueAt = this.#startedAt + (this.#sent++ * 1000) / this.#tokensPerSecond
    const waitMs = dueAt - performance.now()
    if (waitMs >= 1) await sleep(waitMs, undefined, { signal: this.#signal }).catch(() => {})
  }
}

function lastUserText(request: ProviderRequest): string {
  const item = request.prompt.findLast((item) => item.role === 'user')
  if (item) return item.text
  const { content } = request.messages?.findLast(({ role }) => role === 'user') ?? {}
  return typeof content === 'string' ? content : JSON.stringify(content ?? '')
}

/** Does the prompt end with the result of a call? Then the demo speaks of it. */
function wasAnswered(request: ProviderRequest): string | null {
  const message = request.messages?.at(-1)
  if (message?.role === 'tool') return String(message.content)
  const last = request.prompt.at(-1)
  return last?.role === 'assistant' ? (last.toolCalls?.at(-1)?.output ?? null) : null
}

/** Words, long ones in pieces, with the white space before them: about what a tokenizer makes of them. */
function tokensOf(text: string): string[] {
  return text.match(/\s*\S{1,6}|\s+/gu) ?? []
}

function blockStart(key: string, part: DemoPart): ProviderEvent {
  switch (part.type) {
    case 'text':
      return { type: 'block_start', key, block: { type: 'text', status: 'in_progress' } }
    case 'reasoning':
      return {
        type: 'block_start',
        key,
        block: { type: 'reasoning', status: 'in_progress', origin: 'field', startedAt: Date.now() },
      }
    case 'tool_call':
      return {
        type: 'block_start',
        key,
        block: {
          type: 'tool_call',
          status: 'streaming',
          callId: `call_${crypto.randomUUID()}`,
          name: part.name,
          executor: 'client',
        },
      }
  }
}

function blockEnd(key: string, part: DemoPart): ProviderEvent {
  if (part.type === 'tool_call') return { type: 'block_end', key, status: 'pending' }
  return {
    type: 'block_end',
    key,
    status: 'completed',
    ...(part.type === 'reasoning' ? { fields: { endedAt: Date.now() } } : {}),
  }
}

function usage(request: ProviderRequest, outputTokens: number, reasoningTokens: number): Usage {
  const inputTokens = request.prompt.reduce((sum, item) => sum + Math.ceil(item.text.length / 4), 0)
  return {
    inputTokens,
    outputTokens,
    totalTokens: inputTokens + outputTokens,
    ...(reasoningTokens ? { reasoningTokens } : {}),
  }
}
