import { wordsOf } from '../../shared/known-types.ts'
import type { Block, By, JsonObject, Message, ToolCallBlock } from '../../shared/schema.ts'
import type { PromptData, PromptItem, PromptToolCall, ProviderDecision } from '../provider/events.ts'
import type { ProviderData } from '../store/store.ts'
import { splitRounds } from './rounds.ts'

export interface PromptSource {
  /** System prompts in order: configuration, chat, request. */
  system: readonly (string | null | undefined)[]
  /** From the root to the message that is to be answered. */
  branch: readonly { message: Message; providerData: readonly ProviderData[]; parts?: JsonObject[] }[]
  /** Characters of turns before the last; undefined: all. */
  maxHistoryChars?: number | undefined
}

/**
 * What the provider receives: one system prompt, then the branch. Reasoning goes
 * back only where the provider said how it wants it. Where a limit is set, whole turns are dropped from the oldest, so a call never loses its result.
 */
export function buildPrompt({ system, branch, maxHistoryChars }: PromptSource): PromptItem[] {
  const turns: PromptItem[][] = []
  for (const { message, providerData, parts } of branch) {
    const items = message.role === 'user' ? [userItem(message, parts)] : answerItems(message, providerData)
    for (const item of items) {
      if (item.role === 'user' || turns.length === 0) turns.push([item])
      else turns.at(-1)!.push(item)
    }
  }
  const kept = maxHistoryChars === undefined ? turns : newestTurns(turns, maxHistoryChars)
  const text = system.filter((part) => part).join('\n\n')
  return [...(text === '' ? [] : [{ role: 'system' as const, text }]), ...kept.flat()]
}

/** An answer, a turn for each request that made it; none for one that holds nothing a model could read, or that it asked and is `decided` now. */
export function answerItems(message: Message, providerData: readonly ProviderData[], decided?: string): PromptItem[] {
  return splitRounds(message.output, providerData).flatMap(({ blocks, data }) => {
    const text = wordsOf(...blocks)
    const toolCalls = blocks.filter((block) => block.type === 'tool_call').flatMap(answeredCall)
    if (
      text === '' &&
      toolCalls.length === 0 &&
      !blocks.some((block) => block.type === 'tool_call' && block.callId === decided)
    )
      return []
    return [
      {
        role: 'assistant' as const,
        text,
        ...(message.model !== undefined && { model: message.model }),
        ...(toolCalls.length === 0 ? {} : { toolCalls }),
        ...(data.length === 0 ? {} : { providerData: placed(data, blocks) }),
        ...(data.some(isReasoning) && { reasoning: reasoningOf(blocks, data) }),
      },
    ]
  })
}

function isReasoning({ data }: ProviderData): boolean {
  return typeof data === 'object' && data !== null && 'reasoning' in data
}

/** As it is shown; where a filter has left it out, as it was kept instead. */
function reasoningOf(blocks: readonly Block[], data: readonly ProviderData[]): string {
  const shown = blocks.map((block) => (block.type === 'reasoning' ? block.text : '')).join('')
  if (shown !== '') return shown
  return data.map(({ data }) => String((data as JsonObject | null)?.text ?? '')).join('')
}

function placed(data: readonly ProviderData[], blocks: readonly Block[]): PromptData[] {
  const starts = new Map<string, number>()
  let at = 0
  for (const block of blocks) {
    starts.set(block.id, at)
    at += wordsOf(block).length
  }
  // What has no block stands before the next one that has.
  return data
    .toReversed()
    .map(({ blockId, data }) => ({ data, at: (at = starts.get(blockId) ?? at) }))
    .toReversed()
}

function userItem(message: Message, parts: JsonObject[] = []): PromptItem {
  return { role: 'user', text: wordsOf(...message.output), ...(parts.length > 0 && { parts }) }
}

/** A call without a result is not sent: providers refuse it. What the provider ran itself is its own affair. */
function answeredCall({
  executor,
  status,
  callId,
  name,
  arguments: args,
  output,
  error,
}: ToolCallBlock): PromptToolCall[] {
  if (executor === 'provider') return []
  const result =
    error === undefined
      ? (output ?? (status === 'completed' ? '' : undefined))
      : output === undefined
        ? error
        : `${output}\n${error}`
  return result === undefined ? [] : [{ callId, name, arguments: args, output: result }]
}

/** The last turn is the question: it always goes. */
function newestTurns(turns: PromptItem[][], maxChars: number): PromptItem[][] {
  let chars = 0
  let first = turns.length - 1
  while (first > 0) {
    chars += turns[first - 1]!.reduce((sum, item) => sum + itemChars(item), 0)
    if (chars > maxChars) break
    first -= 1
  }
  return turns.slice(Math.max(first, 0))
}

function itemChars(item: PromptItem): number {
  if (item.role === 'system') return item.text.length
  if (item.role === 'user')
    return (item.parts ?? []).reduce(
      (sum, { text }) => sum + (typeof text === 'string' ? text.length : 0),
      item.text.length,
    )
  return (item.toolCalls ?? []).reduce(
    (sum, call) => sum + call.arguments.length + call.output.length,
    item.text.length,
  )
}

/** The id of the HTTP request that a run stands for, for a line of the log. */
export function requestOf({ request }: { request: unknown }): { requestId?: string } {
  const { requestId } = (request ?? {}) as Partial<RunRequest>
  return requestId === undefined ? {} : { requestId }
}

/** What a run asks for beside the branch; kept in the store, so that a queued run survives a restart. */
export interface RunRequest {
  model: string
  /** Who asks for it. */
  by?: By
  /** It answers a question that was there. */
  anew?: boolean
  /** Models that are asked instead, where it does not answer before its first token. */
  fallback?: string[]
  system?: string
  /** Tools of the server by their names, tools of the caller as definitions; absent: all of the server's. */
  tools?: (string | JsonObject)[]
  params?: JsonObject
  /** Growing text is written no more often than so, ms; absent: as the server does. */
  flushMs?: number
  /** Messages of Chat Completions that go upstream as they are, in place of the branch. */
  messages?: JsonObject[]
  /** Of the HTTP request that asked for it; the same in the log and at the provider. */
  requestId?: string
  /** The caller runs its tools itself: calls are handed back, and end the run. */
  handsBack?: boolean
  /** The question that the one which is answered was made of, by editing. */
  edits?: string
  /** It goes on with a message that had ended. */
  continues?: boolean
  /** It does so because a person was asked, and said this. */
  decision?: ProviderDecision
  /** It goes on by itself because its node was lost; it does so once. */
  recovered?: boolean
}

/** What is asked for again, without what was so of that run alone. */
export function askedAnew(request: RunRequest): RunRequest {
  const { continues: _, decision: _said, recovered: _once, fallback: _others, ...rest } = request
  return rest
}
