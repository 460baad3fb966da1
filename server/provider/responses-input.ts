/** Messages of Chat Completions as input items of the Responses API. */
import type { Json, JsonObject } from '../../shared/schema.ts'
import { isFields } from './frames.ts'

/** The messages in their order. What has no counterpart goes as it is: the provider says what is wrong with it. */
export function messageItems(messages: readonly JsonObject[]): JsonObject[] {
  /** Ids of calls whose input is no JSON: their results are items of another type. */
  const custom = new Set<Json | undefined>()
  const legacy = new LegacyCalls()
  return messages.flatMap((message): JsonObject[] => {
    const { role, content = '' } = message
    switch (role) {
      case 'system':
      case 'developer':
      case 'user':
        return [
          {
            role,
            content: Array.isArray(content)
              ? content.map((part) => (isFields(part) ? inputPart(part as JsonObject) : part))
              : content,
          },
        ]
      case 'assistant': {
        const text = textOf(content)
        const calls = Array.isArray(message.tool_calls)
          ? (message.tool_calls.filter((call) => isFields(call)) as JsonObject[])
          : []
        for (const { type, id } of calls) if (type === 'custom') custom.add(id)
        if (calls.length === 0 && isFields(message.function_call))
          calls.push(legacy.call(message.function_call as JsonObject))
        return [...(text === '' ? [] : [{ role, content: text }]), ...calls.map(callItem)]
      }
      case 'tool':
        return [
          {
            type: custom.has(message.tool_call_id) ? 'custom_tool_call_output' : 'function_call_output',
            call_id: message.tool_call_id ?? null,
            output: outputOf(content),
          },
        ]
      case 'function':
        return [{ type: 'function_call_output', call_id: legacy.answered(message.name), output: outputOf(content) }]
      default:
        return [message]
    }
  })
}

/** Calls of before there were tools: without an id, one an answer, told by name. This API knows none without. */
class LegacyCalls {
  readonly #open: { id: string; name: Json | undefined }[] = []
  #count = 0

  call(called: JsonObject): JsonObject {
    const id = `call_legacy_${++this.#count}`
    this.#open.push({ id, name: called.name })
    return { id, type: 'function', function: called }
  }

  /** The id of the newest call of this name that has no result; null where there is none. */
  answered(name: Json | undefined): string | null {
    const at = this.#open.findLastIndex((call) => call.name === name)
    return at < 0 ? null : this.#open.splice(at, 1)[0]!.id
  }
}

/** A content part in the words of this API. */
export function inputPart(part: JsonObject): JsonObject {
  if (part.type === 'text') return { type: 'input_text', text: part.text ?? '' }
  if (part.type === 'image_url' && isFields(part.image_url)) {
    const { url, detail } = part.image_url as JsonObject
    return { type: 'input_image', image_url: url ?? null, ...(detail === undefined ? {} : { detail }) }
  }
  if (part.type === 'file' && isFields(part.file)) return { type: 'input_file', ...(part.file as JsonObject) }
  return part
}

function callItem({ id = null, type, function: called, custom }: JsonObject): JsonObject {
  const {
    name = '',
    arguments: args = '',
    input = '',
  } = ((type === 'custom' ? custom : called) as JsonObject | undefined) ?? {}
  return type === 'custom'
    ? { type: 'custom_tool_call', call_id: id, name, input }
    : { type: 'function_call', call_id: id, name, arguments: args }
}

/** Of a result: its text, or its parts where there are others than text. */
function outputOf(content: Json): Json {
  if (!Array.isArray(content)) return content ?? ''
  const isText = (part: Json) => isFields(part) && typeof part.text === 'string'
  return content.every(isText)
    ? textOf(content)
    : content.map((part) => (isFields(part) ? inputPart(part as JsonObject) : part))
}

/** Of an answer: its text, refusals too. */
function textOf(content: Json): string {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  return content.map((part) => (isFields(part) ? String(part.text ?? part.refusal ?? '') : '')).join('')
}
