/**
 * What goes upstream, such as a strict server takes it, whatever a model, a tool
 * or a person once wrote: between the prompt and the bodies of both APIs. The
 * document keeps the original.
 */
import type { Json, JsonObject } from '../../shared/schema.ts'
import { CallIds, fittedName, nameOf, renamed } from './call-names.ts'
import type { PromptData, PromptItem, PromptToolCall, ProviderRequest } from './events.ts'
import { isFields } from './frames.ts'
import { isFrom, type Origin } from './origin.ts'
import { objectText } from './object-text.ts'
import { freeParams } from './params.ts'

/** A call as it goes out. */
export interface SentCall {
  /** One of its own within the request; `callId` is what it is called here. */
  id: string
  callId: string
  name: string
  /** The text of a JSON object. */
  arguments: string
  /** What the model wrote to a tool that takes a text. */
  input?: string
  /** That tool is among those of this request. */
  isCustom?: true
  output: string
}

export type SentItem =
  | Exclude<PromptItem, { role: 'assistant' }>
  | (Omit<Extract<PromptItem, { role: 'assistant' }>, 'toolCalls'> & { toolCalls: SentCall[] })

export interface Sendable {
  /** Messages of Chat Completions that a caller gave. */
  messages: JsonObject[]
  items: SentItem[]
  tools: JsonObject[]
  params: JsonObject
}

/** Servers refuse messages and results without a word. */
const noWords = '(empty message)'
const noOutput = '(no output)'

/** `here`: whom it goes to. */
export function sendable(
  { model, messages = [], prompt, tools = [], params }: ProviderRequest,
  here?: Origin,
): Sendable {
  const ids = new CallIds()
  for (const { tool_calls: calls } of messages)
    if (Array.isArray(calls)) for (const call of calls) if (isFields(call)) ids.take(call.id)
  const custom = new Set(tools.flatMap((tool) => (tool.type === 'custom' ? (nameOf(tool) ?? []) : [])))
  const { tool_choice: choice, ...free } = freeParams(params)
  return {
    messages: messages.map(givenMessage),
    items: prompt.flatMap((item) => sentItem(item, { ids, custom, here, model })),
    tools: tools.map((tool) => renamed(tool)),
    params: { ...free, ...(choice !== undefined && { tool_choice: renamed(choice) }) },
  }
}

interface Sending {
  ids: CallIds
  /** Names of tools that take a text. */
  custom: ReadonlySet<string>
  here: Origin | undefined
  model: string
}

function sentItem(item: PromptItem, sending: Sending): SentItem[] {
  const text = isBlank(item.text) ? '' : item.text.toWellFormed()
  if (item.role === 'system') return text === '' ? [] : [{ ...item, text }]
  if (item.role === 'user') {
    const parts = (item.parts ?? []).flatMap((part) => (part.type === 'text' ? textPart(part) : [part]))
    const isEmpty = text === '' && parts.length === 0
    return [{ role: 'user', text: isEmpty ? noWords : text, ...(parts.length > 0 && { parts }) }]
  }
  const { toolCalls = [] } = item
  const providerData = item.providerData?.filter(({ data }) => isReadable(data, sending.here)) ?? []
  if (text === '' && toolCalls.length === 0 && providerData.length === 0) return []
  const custom = textCalls(providerData)
  const isOwnId = item.model === sending.model
  return [
    {
      ...item,
      ...(item.reasoning !== undefined && { reasoning: item.reasoning.toWellFormed() }),
      text,
      providerData,
      toolCalls: toolCalls.map((call) => sentCall(call, { wasCustom: custom.has(call.callId), isOwnId }, sending)),
    },
  ]
}

function sentCall(
  { callId, name, arguments: args, output }: PromptToolCall,
  { wasCustom, isOwnId }: { wasCustom: boolean; isOwnId: boolean },
  { ids, custom }: Sending,
): SentCall {
  const isCustom = custom.has(name)
  return {
    id: ids.next(callId, isOwnId),
    callId,
    name: fittedName(name),
    ...(wasCustom || isCustom
      ? { arguments: JSON.stringify({ input: args.toWellFormed() }), input: args.toWellFormed() }
      : { arguments: objectText(args) }),
    ...(isCustom && { isCustom }),
    output: isBlank(output) ? noOutput : output.toWellFormed(),
  }
}

/** What a call or a text was is for everybody to read; all else only for whom it came from. */
function isReadable(data: Json, here: Origin | undefined): boolean {
  if (!isFields(data)) return false
  const { item, type } = data as JsonObject
  return (
    isFrom(data as JsonObject, here) ||
    type === 'custom' ||
    (isFields(item) && /^message$|_call$/.test(String(item.type)))
  )
}

/** Calls of custom tools, whose input is no JSON. */
function textCalls(given: readonly PromptData[] = []): Set<Json | undefined> {
  const ids = new Set<Json | undefined>()
  for (const { data } of given) {
    const { api, type, call_id: id, item } = data as JsonObject
    if (api === 'chat' && type === 'custom') ids.add(id)
    if (isFields(item) && item.type === 'custom_tool_call') ids.add((item as JsonObject).call_id)
  }
  return ids
}

function textPart(part: JsonObject): JsonObject[] {
  return isBlank(part.text) ? [] : [{ ...part, text: String(part.text).toWellFormed() }]
}

/** A caller's own message goes as it is, but for what a model wrote in it. */
function givenMessage(message: JsonObject): JsonObject {
  const { tool_calls: calls, ...rest } = message
  const { function_call: called } = message
  if (message.role === 'function' && typeof message.name === 'string')
    return { ...message, name: fittedName(message.name) }
  if (message.role !== 'assistant') return message
  if (!Array.isArray(calls))
    return isFields(called) ? { ...message, function_call: givenFunction(called as JsonObject) } : message
  return calls.length === 0 ? rest : { ...message, tool_calls: calls.map(givenCall) }
}

function givenCall(call: Json): Json {
  if (!isFields(call) || !isFields(call.function)) return call
  return { ...call, function: givenFunction(call.function as JsonObject) } as Json
}

function givenFunction(called: JsonObject): JsonObject {
  const { name, arguments: args } = called
  return {
    ...called,
    ...(typeof name === 'string' && { name: fittedName(name) }),
    ...(typeof args === 'string' && { arguments: objectText(args) }),
  }
}

function isBlank(text: Json | undefined): boolean {
  return typeof text !== 'string' || text.trim() === ''
}
