import type { Json, JsonObject } from '../../shared/schema.ts'
import type { PromptData, ProviderRequest } from './events.ts'
import { isFields } from './frames.ts'
import { filled, type ReasoningShape } from './kept-reasoning.ts'
import type { Origin } from './origin.ts'
import { streamOptions } from './params.ts'
import { sendable, type SentItem } from './sendable.ts'
import { strictTurns } from './strict-turns.ts'

/** What the bodies of both APIs depend on beside the request. */
export interface BodyOptions {
  /** Whom it goes to: what another model's answers left for it to read stays out. */
  here?: Origin
  /** Roles alternate, and the system message is first. */
  strictTurns?: boolean
  /** Default: `run`. */
  sendReasoning?: SendReasoning
}

/** With which answers reasoning goes back, beside what is signed: with the calls of the run; with all calls; with all answers. */
export type SendReasoning = 'run' | 'calls' | 'all'

/** The body of a Chat Completions request. What the server decides comes last, so that no parameter stands over it. */
export function chatBody(request: ProviderRequest, options: BodyOptions = {}): JsonObject {
  const { messages, items, tools, params } = sendable(request, options.here)
  const all = [...messages, ...items.flatMap((item) => itemMessages(item, options.sendReasoning ?? 'run'))]
  return {
    ...params,
    model: request.model,
    messages: options.strictTurns ? strictTurns(all, 'text') : all,
    ...(tools.length > 0 ? { tools: tools.map(chatTool) } : {}),
    ...streamOptions(request.params),
    stream: true,
  }
}

type AnswerItem = Extract<SentItem, { role: 'assistant' }>

function itemMessages(item: SentItem, sendReasoning: SendReasoning): JsonObject[] {
  if (item.role === 'system') return [{ role: 'system', content: item.text }]
  if (item.role === 'user') return [{ role: 'user', content: content(item.text, item.parts) }]
  const { text, toolCalls: calls } = item
  if (text === '' && calls.length === 0) return []
  const extra = extraContent(item.providerData)
  const isSent = sendReasoning === 'all' || (calls.length > 0 && (item.isOwn === true || sendReasoning === 'calls'))
  const { content: thoughts, tags, ...reasoning } = reasoningFields(item, isSent)
  return [
    {
      role: 'assistant',
      content: answerContent(text, thoughts, tags),
      // As DeepSeek and Mistral call it.
      ...(item.isPrefix ? { prefix: true } : {}),
      ...reasoning,
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map((call) => ({
              id: call.id,
              ...(call.isCustom
                ? { type: 'custom', custom: { name: call.name, input: call.input ?? '' } }
                : { type: 'function', function: { name: call.name, arguments: call.arguments } }),
              ...extra.get(call.callId),
            })),
          }),
    },
    ...calls.map((call) => ({ role: 'tool', tool_call_id: call.id, content: call.output })),
  ]
}

function content(text: string, parts: JsonObject[] | undefined): Json {
  if (!parts?.length) return text
  return text === '' ? parts : [{ type: 'text', text }, ...parts]
}

/** Function tools nest in this API, and stand flat in the other. */
function chatTool(tool: JsonObject): JsonObject {
  if (tool.type !== 'function' || isFields(tool.function)) return tool
  const { type, ...definition } = tool
  return { type, function: definition }
}

function chatData(given: PromptData[] | undefined): JsonObject[] {
  return (given ?? [])
    .map(({ data }) => data)
    .filter((data): data is JsonObject => isFields(data) && data.api === 'chat')
}

/** What is signed always goes back, under the fields it came in; all else with `text`, where it is asked for. */
function reasoningFields({ providerData, reasoning: text = '' }: AnswerItem, isSent: boolean): JsonObject {
  const found: JsonObject = {}
  for (const { reasoning_details: details, reasoning } of chatData(providerData)) {
    // As it was kept before there were other fields.
    if (details !== undefined) found.reasoning_details = details
    const { signed, shape } = (reasoning ?? {}) as ReasoningShape
    Object.assign(found, signed)
    // Where filters left nothing of it, the field is still asked for, and must not be empty.
    if (isSent) Object.assign(found, filled(shape ?? {}, text === '' ? ' ' : text))
  }
  return found
}

/** `thoughts`: parts of the content that they were; `tags`: what stood around them in its text. */
function answerContent(text: string, thoughts: Json | undefined, tags: Json | undefined): Json {
  if (Array.isArray(thoughts)) return [...thoughts, ...(text === '' ? [] : [{ type: 'text', text }])]
  const all = (Array.isArray(tags) ? tags.join('') : '') + text
  return all === '' ? null : all
}

/** Signatures that stand at a call, by call id. */
function extraContent(data: PromptData[] | undefined): Map<string, JsonObject> {
  const byCall = new Map<string, JsonObject>()
  for (const { call_id: id, extra_content: extra } of chatData(data)) {
    if (typeof id === 'string' && extra !== undefined) byCall.set(id, { extra_content: extra })
  }
  return byCall
}
