import { RunnelError } from '../../shared/errors.ts'
import type { Json, JsonObject } from '../../shared/schema.ts'
import type { PromptItem, PromptToolCall, ProviderRequest } from './events.ts'
import { isFields } from './frames.ts'
import { inputPart, messageItems } from './responses-input.ts'

/** Models that reason refuse a reasoning item without this, others refuse to be asked for it. */
const reasoningModels = /(?:^|\/)(?:o\d|gpt-[5-9]|codex)(?!.*-chat)/

/**
 * The body of a Responses request. Nothing is stored at the provider, so what
 * it wants to remember travels encrypted. `params` come last, those of Chat
 * Completions under the names that this API has for them. Throws `bad_request`
 * for one that it lacks and that would be missed.
 */
export function responsesBody(request: ProviderRequest): JsonObject {
  return {
    model: request.model,
    input: [...messageItems(request.messages ?? []), ...request.prompt.flatMap(inputItems)],
    ...(request.tools?.length ? { tools: request.tools.map(responsesTool) } : {}),
    store: false,
    ...(reasoningModels.test(request.model) ? { include: ['reasoning.encrypted_content'] } : {}),
    ...responsesParams(request.params ?? {}),
    stream: true,
  }
}

function inputItems(item: PromptItem): JsonObject[] {
  if (item.role === 'system') return [{ role: 'system', content: item.text }]
  if (item.role === 'user') return [{ role: 'user', content: userContent(item.text, item.parts) }]
  const kept = keptItems(item.providerData)
  const phase = kept.find(entry => entry.type === 'message' && entry.phase !== undefined)?.phase
  return [
    ...kept.filter(isReturned),
    ...(item.text === '' ? [] : [{ role: 'assistant', content: item.text, ...(phase === undefined ? {} : { phase }) }]),
    ...(item.toolCalls ?? []).map(call => callItem(call, kept)),
    ...(item.toolCalls ?? []).map(call => outputItem(call, kept)),
  ]
}

function keptItems(data: Json[] | undefined): JsonObject[] {
  return (data ?? []).flatMap(entry =>
    isFields(entry) && entry.api === 'responses' && isFields(entry.item) ? [entry.item as JsonObject] : [])
}

/** Without its encrypted form a reasoning item means nothing to a provider that has stored nothing. */
function isReturned(item: JsonObject): boolean {
  if (item.type === 'reasoning') return typeof item.encrypted_content === 'string'
  return item.type === 'compaction' || item.type === 'mcp_list_tools'
}

function keptCall(call: PromptToolCall, kept: JsonObject[]): JsonObject | undefined {
  return kept.find(item => item.call_id === call.callId && String(item.type).endsWith('_call'))
}

function callItem(call: PromptToolCall, kept: JsonObject[]): JsonObject {
  const item = keptCall(call, kept)
  if (!item || item.type === 'function_call') {
    return { type: 'function_call', call_id: call.callId, name: call.name, arguments: call.arguments }
  }
  if (item.type === 'custom_tool_call') {
    return { type: 'custom_tool_call', call_id: call.callId, name: call.name, input: call.arguments }
  }
  return item
}

function outputItem(call: PromptToolCall, kept: JsonObject[]): JsonObject {
  const type = keptCall(call, kept)?.type ?? 'function_call'
  return { type: `${String(type)}_output`, call_id: call.callId, output: call.output }
}

function userContent(text: string, parts: JsonObject[] | undefined): Json {
  if (!parts?.length) return text
  return [...(text === '' ? [] : [{ type: 'input_text', text }]), ...parts.map(inputPart)]
}

/** Function tools stand flat in this API, and nest in the other. */
function responsesTool(tool: JsonObject): JsonObject {
  if (tool.type !== 'function' || !isFields(tool.function)) return tool
  return { type: 'function', ...(tool.function as JsonObject) }
}

function responsesParams(params: JsonObject): JsonObject {
  const { max_tokens, max_completion_tokens, reasoning_effort, response_format, tool_choice, stop, ...rest } = params
  delete rest.stream_options
  if (stop !== undefined && stop !== null) throw new RunnelError('bad_request', 'stop: the Responses API, which this server asks, knows no stop sequences. Leave it out, or set RUNNEL_OPENAI_API=chat.')
  const limit = max_completion_tokens ?? max_tokens
  return {
    ...(limit === undefined ? {} : { max_output_tokens: limit }),
    ...(reasoning_effort === undefined ? {} : { reasoning: { effort: reasoning_effort } }),
    ...(isFields(response_format) ? { text: { format: textFormat(response_format as JsonObject) } } : {}),
    ...(tool_choice === undefined ? {} : { tool_choice: isFields(tool_choice) ? responsesTool(tool_choice as JsonObject) : tool_choice }),
    ...rest,
  }
}

function textFormat(format: JsonObject): JsonObject {
  if (format.type !== 'json_schema' || !isFields(format.json_schema)) return format
  return { type: 'json_schema', ...(format.json_schema as JsonObject) }
}
