/** A message that has ended, as the OpenAI API tells of it. */
import { z } from 'zod'
import type { DoorField } from '../../../shared/block-types.ts'
import { doorOf, doorText } from '../../../shared/known-types.ts'
import type { JsonObject, Message, ToolCallBlock, Usage } from '../../../shared/schema.ts'
import { isHandedBack, type FinishReason } from './outcome.ts'

const callShape = z.union([
  z.object({
    id: z.string(),
    type: z.literal('function'),
    function: z.object({ name: z.string(), arguments: z.string() }),
  }),
  z.object({ id: z.string(), type: z.literal('custom'), custom: z.object({ name: z.string(), input: z.string() }) }),
])

export const completionJson = z.looseObject({
  id: z.string(),
  object: z.literal('chat.completion'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.looseObject({
      index: z.int(),
      message: z.looseObject({
        role: z.literal('assistant'),
        content: z.string().nullable(),
        refusal: z.string().nullable(),
        reasoning_content: z.string().optional(),
        tool_calls: z.array(callShape).optional(),
      }),
      logprobs: z.null(),
      finish_reason: z.enum(['stop', 'length', 'tool_calls', 'content_filter']),
    }),
  ),
  usage: z
    .looseObject({
      prompt_tokens: z.int(),
      completion_tokens: z.int(),
      total_tokens: z.int(),
      prompt_tokens_details: z.looseObject({ cached_tokens: z.int() }).optional(),
      completion_tokens_details: z.looseObject({ reasoning_tokens: z.int() }).optional(),
    })
    .optional(),
})

/** What every chunk, and the whole, begins with. */
export function headOf({ id, createdAt, model = '' }: Message): { id: string; created: number; model: string } {
  return { id: `chatcmpl-${id}`, created: Math.floor(createdAt / 1_000), model }
}

/** A call that is handed back; `customTools`: names of those that take any text. */
export function callJson(
  { callId: id, name, arguments: text }: Pick<ToolCallBlock, 'callId' | 'name' | 'arguments'>,
  customTools: ReadonlySet<string>,
): JsonObject {
  return customTools.has(name)
    ? { id, type: 'custom', custom: { name, input: text } }
    : { id, type: 'function', function: { name, arguments: text } }
}

export function completionOf(
  message: Message,
  finishReason: FinishReason,
  customTools: ReadonlySet<string> = new Set(),
): JsonObject {
  const { id, created, model } = headOf(message)
  const textOf = (field: DoorField) =>
    message.output.map((block) => (doorOf(block.type)?.field === field ? doorText(block) : '')).join('')
  const text = textOf('content')
  const reasoning = textOf('reasoning_content')
  const refusal = textOf('refusal')
  const calls = message.output.filter(isHandedBack)
  return {
    id,
    object: 'chat.completion',
    created,
    model,
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: text === '' && (calls.length > 0 || refusal !== '') ? null : text,
          refusal: refusal === '' ? null : refusal,
          ...(reasoning !== '' && { reasoning_content: reasoning }),
          ...(calls.length > 0 && {
            tool_calls: calls.map((call) => callJson(call, customTools)),
          }),
        },
        logprobs: null,
        finish_reason: finishReason,
      },
    ],
    ...(message.usage && { usage: usageJson(message.usage) }),
  }
}

export function usageJson({
  inputTokens,
  outputTokens,
  totalTokens,
  reasoningTokens,
  cachedTokens,
}: Usage): JsonObject {
  return {
    prompt_tokens: inputTokens,
    completion_tokens: outputTokens,
    total_tokens: totalTokens,
    ...(cachedTokens !== undefined && { prompt_tokens_details: { cached_tokens: cachedTokens } }),
    ...(reasoningTokens !== undefined && { completion_tokens_details: { reasoning_tokens: reasoningTokens } }),
  }
}
