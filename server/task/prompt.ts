import type { Block, JsonObject, Message, ToolCallBlock } from '../../shared/schema.ts'
import type { PromptItem, PromptToolCall } from '../provider/events.ts'
import type { ProviderData } from '../store/store.ts'

export interface PromptSource {
  /** System prompts in order: configuration, chat, request. */
  system: readonly (string | null | undefined)[]
  /** From the root to the message that is to be answered. */
  branch: readonly { message: Message; providerData: readonly ProviderData[]; parts?: JsonObject[] }[]
  /** Characters of turns before the last; undefined: all. */
  maxHistoryChars?: number | undefined
}

/**
 * What the provider receives: one system prompt, then the branch. Reasoning
 * goes back only in the provider's own encrypted form. Where a limit is set,
 * whole turns are dropped from the oldest, so a call never loses its result.
 */
export function buildPrompt({ system, branch, maxHistoryChars }: PromptSource): PromptItem[] {
  const turns: PromptItem[][] = []
  for (const { message, providerData, parts } of branch) {
    const item = message.role === 'user' ? userItem(message, parts) : assistantItem(message, providerData)
    if (!item) continue
    if (item.role === 'user' || turns.length === 0) turns.push([item])
    else turns.at(-1)!.push(item)
  }
  const kept = maxHistoryChars === undefined ? turns : newestTurns(turns, maxHistoryChars)
  const text = system.filter(part => part).join('\n\n')
  return [...(text === '' ? [] : [{ role: 'system' as const, text }]), ...kept.flat()]
}

/** The text that a message's blocks of one type hold. */
export function joinedText(blocks: readonly Block[], type: 'text' | 'reasoning' | 'refusal'): string {
  return blocks.map(block => (block.type === type ? block.text : '')).join('')
}

function userItem(message: Message, parts: JsonObject[] = []): PromptItem {
  return { role: 'user', text: joinedText(message.output, 'text'), ...(parts.length > 0 && { parts }) }
}

/** Null for an answer that holds nothing a model could read. */
function assistantItem(message: Message, providerData: readonly ProviderData[]): PromptItem | null {
  const text = joinedText(message.output, 'text') + joinedText(message.output, 'refusal')
  const toolCalls = message.output.filter(block => block.type === 'tool_call').flatMap(answeredCall)
  if (text === '' && toolCalls.length === 0) return null
  return {
    role: 'assistant',
    text,
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
    ...(providerData.length === 0 ? {} : { providerData: providerData.map(entry => entry.data) }),
  }
}

/** A call without a result is not sent: providers refuse it. What the provider ran itself is its own affair. */
function answeredCall(block: ToolCallBlock): PromptToolCall[] {
  if (block.executor === 'provider') return []
  const output = block.output ?? block.error
  if (output === undefined) return []
  return [{ callId: block.callId, name: block.name, arguments: block.arguments, output }]
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
  if (item.role === 'user') return (item.parts ?? []).reduce((sum, { text }) => sum + (typeof text === 'string' ? text.length : 0), item.text.length)
  return (item.toolCalls ?? []).reduce((sum, call) => sum + call.arguments.length + call.output.length, item.text.length)
}

/** What a run asks for beside the branch; kept in the store, so that a queued run survives a restart. */
export interface RunRequest {
  model: string
  system?: string
  tools?: JsonObject[]
  params?: JsonObject
}
