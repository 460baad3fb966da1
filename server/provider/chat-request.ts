import type { Json, JsonObject } from '../../shared/schema.ts'
import type { PromptData, PromptItem, ProviderRequest } from './events.ts'
import { isFields } from './frames.ts'
import { freeParams, streamOptions } from './params.ts'

/** The body of a Chat Completions request. What the server decides comes last, so that no parameter stands over it. */
export function chatBody(request: ProviderRequest): JsonObject {
  return {
    ...freeParams(request.params),
    model: request.model,
    messages: [...(request.messages ?? []), ...request.prompt.flatMap(messages)],
    ...(request.tools?.length ? { tools: request.tools.map(chatTool) } : {}),
    ...streamOptions(request.params),
    stream: true,
  }
}

function messages(item: PromptItem): JsonObject[] {
  if (item.role === 'system') return [{ role: 'system', content: item.text }]
  if (item.role === 'user') return [{ role: 'user', content: content(item.text, item.parts) }]
  const calls = item.toolCalls ?? []
  const extra = extraContent(item.providerData)
  return [
    {
      role: 'assistant',
      content: item.text === '' && calls.length > 0 ? null : item.text,
      // As DeepSeek and Mistral call it.
      ...(item.isPrefix ? { prefix: true } : {}),
      ...reasoningDetails(item.providerData),
      ...(calls.length === 0
        ? {}
        : {
            tool_calls: calls.map((call) => ({
              id: call.callId,
              type: 'function',
              function: { name: call.name, arguments: call.arguments },
              ...extra.get(call.callId),
            })),
          }),
    },
    ...calls.map((call) => ({ role: 'tool', tool_call_id: call.callId, content: call.output })),
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

function reasoningDetails(data: PromptData[] | undefined): JsonObject {
  const details = chatData(data).flatMap((entry) =>
    Array.isArray(entry.reasoning_details) ? entry.reasoning_details : [],
  )
  return details.length === 0 ? {} : { reasoning_details: details }
}

/** Signatures that stand at a call, by call id. */
function extraContent(data: PromptData[] | undefined): Map<string, JsonObject> {
  const byCall = new Map<string, JsonObject>()
  for (const { call_id: id, extra_content: extra } of chatData(data)) {
    if (typeof id === 'string' && extra !== undefined) byCall.set(id, { extra_content: extra })
  }
  return byCall
}
