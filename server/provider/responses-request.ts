import { RunnelError } from '../../shared/errors.ts'
import type { Json, JsonObject } from '../../shared/schema.ts'
import type { BodyOptions } from './chat-request.ts'
import type { PromptData, ProviderDecision, ProviderRequest } from './events.ts'
import { isFields } from './frames.ts'
import { inputPart, messageItems } from './responses-input.ts'
import { sendable, type SentCall, type SentItem } from './sendable.ts'
import { strictTurns } from './strict-turns.ts'

/** Models that reason refuse a reasoning item without this, others refuse to be asked for it. */
const reasoningModels = /(?:^|\/)(?:o\d|gpt-[5-9]|codex)(?!.*-chat)/

/**
 * The body of a Responses request. Nothing is stored at the provider, so what
 * it wants to remember travels encrypted. Parameters of Chat Completions get the
 * names that this API has for them; what the server decides comes last, so that
 * none stands over it. Throws `bad_request` for a parameter that this API lacks
 * and that would be missed.
 */
export function responsesBody(request: ProviderRequest, options: BodyOptions = {}): JsonObject {
  const { messages, items, tools, params: given } = sendable(request, options.here)
  const { include, ...params } = responsesParams(given)
  const included = [
    ...(Array.isArray(include) ? include : []),
    ...(reasoningModels.test(request.model) ? ['reasoning.encrypted_content'] : []),
  ]
  const input = [...messageItems(messages), ...items.flatMap((item) => inputItems(item, request.decision))]
  return {
    ...params,
    model: request.model,
    input: options.strictTurns ? strictTurns(input, 'input_text') : input,
    ...(tools.length > 0 ? { tools: tools.map(responsesTool) } : {}),
    ...(included.length > 0 ? { include: [...new Set(included)] } : {}),
    store: false,
    stream: true,
  }
}

function inputItems(item: SentItem, decision: ProviderDecision | undefined): JsonObject[] {
  if (item.role === 'system') return [{ role: 'system', content: item.text }]
  if (item.role === 'user') return [{ role: 'user', content: userContent(item.text, item.parts) }]
  return answerInput(item, decision)
}

/** The items of an answer in the order in which they came, then the results of its calls. */
function answerInput(
  { text, toolCalls, providerData = [] }: Extract<SentItem, { role: 'assistant' }>,
  decision: ProviderDecision | undefined,
): JsonObject[] {
  const items: (JsonObject | null)[] = []
  const results: JsonObject[] = []
  const calls = [...toolCalls]
  let written = 0
  let phase: Json | undefined
  const writeText = (end: number) => {
    if (end <= written) return
    const words = text.slice(written, end).toWellFormed()
    written = end
    if (words.trim() === '') return
    items.push({ role: 'assistant', content: words, ...(phase === undefined ? {} : { phase }) })
    phase = undefined
  }
  const writeCall = (call: SentCall | undefined, item?: JsonObject) => {
    const sent = call ? callItem(call, item) : null
    items.push(sent)
    if (call) results.push({ type: `${String(sent?.type)}_output`, call_id: call.id, output: call.output })
  }
  for (const { item, at } of keptItems(providerData)) {
    writeText(at)
    if (item.type === 'message') phase = item.phase
    else if (item.type === 'reasoning' || item.type === 'compaction' || item.type === 'mcp_list_tools') items.push(item)
    else if (decision && item.type === 'mcp_approval_request' && item.id === decision.callId) {
      const { approve, reason } = decision
      items.push(item)
      results.push({
        type: 'mcp_approval_response',
        approval_request_id: decision.callId,
        approve,
        ...(reason === undefined ? {} : { reason }),
      })
    } else writeCall(takeCall(calls, item), item)
  }
  writeText(text.length)
  for (const call of calls) writeCall(call)
  return [
    ...items.filter((item, index): item is JsonObject => item !== null && isWanted(item, items.slice(index + 1))),
    ...results,
  ]
}

function keptItems(given: PromptData[]): { item: JsonObject; at: number }[] {
  return given.flatMap(({ data, at }) =>
    isFields(data) && data.api === 'responses' && isFields(data.item) ? [{ item: data.item as JsonObject, at }] : [],
  )
}

/**
 * Providers refuse reasoning without the item that it led to (null: one that is
 * not sent), and without its encrypted form it means nothing to one that has
 * stored nothing.
 */
function isWanted(item: JsonObject, later: readonly (JsonObject | null)[]): boolean {
  if (item.type !== 'reasoning') return true
  return typeof item.encrypted_content === 'string' && Boolean(later.find((other) => other?.type !== 'reasoning'))
}

/** The call that a kept item was; undefined for one that has no result, or that the provider ran itself. */
function takeCall(calls: SentCall[], { call_id: callId, id }: JsonObject): SentCall | undefined {
  const index = calls.findIndex((call) => call.callId === (callId ?? id))
  return index < 0 ? undefined : calls.splice(index, 1)[0]
}

function callItem({ id, name, arguments: args, input }: SentCall, item: JsonObject | undefined): JsonObject {
  if (input !== undefined) return { type: 'custom_tool_call', call_id: id, name, input }
  if (!item || item.type === 'function_call') return { type: 'function_call', call_id: id, name, arguments: args }
  return item.call_id === undefined ? item : { ...item, call_id: id }
}

function userContent(text: string, parts: JsonObject[] | undefined): Json {
  if (!parts?.length) return text
  return [...(text === '' ? [] : [{ type: 'input_text', text }]), ...parts.map(inputPart)]
}

/** Tools stand flat in this API, and nest in the other. */
function responsesTool(tool: JsonObject): JsonObject {
  const { type } = tool
  if (type === 'function' && isFields(tool.function)) return { type, ...(tool.function as JsonObject) }
  if (type !== 'custom' || !isFields(tool.custom)) return tool
  const { format, ...custom } = tool.custom as JsonObject
  return { type, ...custom, ...(format === undefined ? {} : { format: toolFormat(format) }) }
}

/** A grammar that nests in the other API. */
function toolFormat(format: Json): Json {
  if (!isFields(format) || !isFields(format.grammar)) return format
  return { type: 'grammar', ...(format.grammar as JsonObject) }
}

function toolChoice(choice: JsonObject): JsonObject {
  const { type, allowed_tools: allowed } = choice
  if (type !== 'allowed_tools' || !isFields(allowed)) return responsesTool(choice)
  const { tools, ...rest } = allowed as JsonObject
  return {
    type,
    ...rest,
    ...(Array.isArray(tools) && {
      tools: tools.map((tool) => (isFields(tool) ? responsesTool(tool as JsonObject) : tool)),
    }),
  }
}

function responsesParams(params: JsonObject): JsonObject {
  const {
    max_tokens,
    max_completion_tokens,
    reasoning_effort,
    reasoning,
    response_format,
    text,
    verbosity,
    tool_choice,
    stop,
    ...rest
  } = params
  if (stop !== undefined && stop !== null && !(Array.isArray(stop) && stop.length === 0))
    throw new RunnelError(
      'bad_request',
      'stop: the Responses API, which this server asks, knows no stop sequences. Leave it out, or set RUNNEL_OPENAI_API=chat.',
    )
  const limit = max_completion_tokens ?? max_tokens
  return {
    ...(limit === undefined ? {} : { max_output_tokens: limit }),
    ...merged('reasoning', reasoning_effort === undefined ? {} : { effort: reasoning_effort }, reasoning),
    ...merged(
      'text',
      {
        ...(isFields(response_format) && { format: textFormat(response_format as JsonObject) }),
        ...(verbosity === undefined || verbosity === null ? {} : { verbosity }),
      },
      text,
    ),
    ...(tool_choice === undefined
      ? {}
      : { tool_choice: isFields(tool_choice) ? toolChoice(tool_choice as JsonObject) : tool_choice }),
    ...rest,
  }
}

/** A parameter that may come in the names of both APIs: neither loses what the other says; in one member this API's own counts. */
function merged(name: string, translated: JsonObject, own: Json | undefined): JsonObject {
  if (own !== undefined && !isFields(own))
    return Object.keys(translated).length > 0 ? { [name]: translated } : { [name]: own }
  const both = { ...translated, ...(own as JsonObject | undefined) }
  return Object.keys(both).length === 0 ? {} : { [name]: both }
}

function textFormat(format: JsonObject): JsonObject {
  if (format.type !== 'json_schema' || !isFields(format.json_schema)) return format
  return { type: 'json_schema', ...(format.json_schema as JsonObject) }
}
