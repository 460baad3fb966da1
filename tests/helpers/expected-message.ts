/**
 * What the canonical JSON of a message must hold after a stream, by the rules
 * of the corpus ("As a Runnel message"), worked out from `expected.json` alone.
 */
import type { Block, FinishReason, ToolCallBlock, Usage } from '../../shared/schema.ts'

/** The fields of an `expected.json` that matter here. */
export interface Expected {
  text: string
  textWithoutThink?: string
  think?: string
  reasoning: string
  refusal: string
  toolCalls: ExpectedCall[]
  error: unknown
  usage: RawUsage | null
  annotations: unknown[]
  /** Chat Completions */
  finishReason?: FinishReason | null
  done?: boolean
  /** Responses */
  status?: 'completed' | 'incomplete' | 'failed' | null
  incompleteReason?: string | null
  items?: { outputIndex: number; type: string; id?: string; status?: string | null }[]
}

type Counts = Record<string, number | null | undefined>

/** Either API's names. */
interface RawUsage {
  [name: string]: unknown
  input_tokens?: number
  prompt_tokens?: number
  output_tokens?: number
  completion_tokens?: number
  total_tokens?: number
  reasoning_tokens?: number
  cached_tokens?: number
  prompt_cache_hit_tokens?: number
  input_tokens_details?: Counts | null
  prompt_tokens_details?: Counts | null
  output_tokens_details?: Counts | null
  completion_tokens_details?: Counts | null
}

interface ExpectedCall {
  id: string
  name: string
  arguments: string
  type?: string
  outputIndex?: number
}

/** What is compared: parts of a folded stream or of a canonical message. */
export interface MessageOutcome {
  blocks: Block[]
  status: string
  finishReason?: FinishReason
  usage?: Usage
  errorCode?: string
}

/** Every way in which the outcome is not what was expected, as sentences; none if it is right. */
export function differences(outcome: MessageOutcome, expected: Expected, api: 'chat' | 'responses'): string[] {
  const found: string[] = []
  const check = (what: string, actual: unknown, wanted: unknown): void => {
    if (JSON.stringify(actual) !== JSON.stringify(wanted))
      found.push(`${what}: ${brief(actual)} instead of ${brief(wanted)}`)
  }
  const text = joined(outcome.blocks, 'text')
  if (expected.textWithoutThink === undefined) check('text', text, expected.text)
  else check('text', text.trim(), expected.textWithoutThink.trim())
  check(
    'reasoning',
    withoutSpace(joined(outcome.blocks, 'reasoning')),
    withoutSpace(expected.think ?? expected.reasoning),
  )
  check('refusal', joined(outcome.blocks, 'refusal'), expected.refusal)
  check(
    'annotations',
    outcome.blocks.flatMap((block) => (block.type === 'text' ? block.annotations : [])).length,
    expected.annotations.length,
  )

  const end = api === 'chat' ? chatEnd(expected) : responsesEnd(expected)
  check('status', outcome.status, end.status)
  check('error code', outcome.errorCode, end.errorCode)
  if (end.finishReasons && !end.finishReasons.includes(outcome.finishReason!)) {
    found.push(`finish reason: ${outcome.finishReason} instead of ${end.finishReasons.join(' or ')}`)
  }
  check('usage', sorted(outcome.usage), sorted(expectedUsage(expected.usage)))

  const calls = outcome.blocks.filter((block) => block.type === 'tool_call')
  const wanted = api === 'chat' ? chatCalls(expected) : responsesCalls(expected)
  check('number of calls', calls.length, wanted.length)
  for (const [index, call] of calls.entries()) {
    for (const [field, value] of Object.entries(wanted[index] ?? {})) {
      if (value !== undefined) check(`call ${index} ${field}`, call[field as keyof ToolCallBlock], value)
    }
  }
  for (const block of outcome.blocks) if (isOpen(block)) found.push(`block ${block.id} is left ${block.status}`)
  return found
}

interface End {
  status: 'completed' | 'failed'
  errorCode?: string
  finishReasons?: FinishReason[]
}

function chatEnd(expected: Expected): End {
  if (expected.error) return { status: 'failed', errorCode: 'provider_error' }
  if (!expected.finishReason && !expected.done) return { status: 'failed', errorCode: 'provider_disconnected' }
  return { status: 'completed', finishReasons: [expected.finishReason ?? 'unknown'] }
}

function responsesEnd(expected: Expected): End {
  if (expected.error || expected.status === 'failed') return { status: 'failed', errorCode: 'provider_error' }
  if (expected.status === 'completed') return { status: 'completed', finishReasons: ['stop', 'tool_calls'] }
  if (expected.status !== 'incomplete') return { status: 'failed', errorCode: 'provider_disconnected' }
  return {
    status: 'completed',
    finishReasons: [expected.incompleteReason === 'content_filter' ? 'content_filter' : 'length'],
  }
}

type WantedCall = Partial<ToolCallBlock>

function chatCalls(expected: Expected): WantedCall[] {
  const failed = chatEnd(expected).status === 'failed'
  const limited = expected.finishReason === 'length' || expected.finishReason === 'content_filter'
  return expected.toolCalls.map((call) => ({
    callId: call.id,
    name: call.name,
    arguments: call.arguments,
    status: failed || (limited && !isJson(call.arguments)) ? 'cancelled' : 'pending',
  }))
}

function responsesCalls(expected: Expected): WantedCall[] {
  const items = expected.items ?? []
  const failed = responsesEnd(expected).status === 'failed'
  const isCall = (type: string): boolean => type.endsWith('_call') || type === 'mcp_approval_request'
  return items
    .filter((item) => isCall(item.type))
    .sort((a, b) => a.outputIndex - b.outputIndex)
    .map((item) => {
      const call = expected.toolCalls.find((entry) => entry.outputIndex === item.outputIndex)
      const identity: WantedCall = call ? { callId: call.id, name: call.name, arguments: call.arguments } : {}
      if (item.type === 'mcp_approval_request')
        return { ...identity, executor: 'provider', status: 'awaiting_approval' }
      const isAnswered = items.some((other) => other.type === `${item.type}_output`)
      const isCallers =
        ['function_call', 'custom_tool_call'].includes(item.type) ||
        (['local_shell_call', 'shell_call', 'apply_patch_call'].includes(item.type) && !isAnswered)
      const status =
        item.status === 'incomplete' || (failed && item.status !== 'completed')
          ? 'cancelled'
          : isCallers
            ? 'pending'
            : item.status === 'failed'
              ? 'failed'
              : 'completed'
      return { ...identity, status, ...(isCallers && call ? {} : { executor: isCallers ? 'client' : 'provider' }) }
    })
}

function expectedUsage(usage: Expected['usage']): Usage | undefined {
  if (!usage) return undefined
  const inputTokens: number = usage.input_tokens ?? usage.prompt_tokens ?? 0
  const outputTokens: number = usage.output_tokens ?? usage.completion_tokens ?? 0
  const reasoningTokens =
    (usage.output_tokens_details ?? usage.completion_tokens_details)?.reasoning_tokens ?? usage.reasoning_tokens
  const cachedTokens =
    (usage.input_tokens_details ?? usage.prompt_tokens_details)?.cached_tokens ??
    usage.cached_tokens ??
    usage.prompt_cache_hit_tokens
  return {
    inputTokens,
    outputTokens,
    totalTokens: usage.total_tokens ?? inputTokens + outputTokens,
    ...(typeof reasoningTokens === 'number' ? { reasoningTokens } : {}),
    ...(typeof cachedTokens === 'number' ? { cachedTokens } : {}),
  }
}

function joined(blocks: Block[], type: 'text' | 'reasoning' | 'refusal'): string {
  return blocks.map((block) => (block.type === type ? block.text : '')).join('')
}

function isOpen(block: Block): boolean {
  return ['in_progress', 'streaming', 'running'].includes(block.status)
}

function withoutSpace(text: string): string {
  return text.replace(/\s+/g, '')
}

function sorted(object: object | undefined): unknown {
  return object && Object.fromEntries(Object.entries(object).sort(([a], [b]) => (a < b ? -1 : 1)))
}

function brief(value: unknown): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 200 ? `${text.slice(0, 100)} … ${text.slice(-80)}` : text
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
