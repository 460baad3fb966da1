import type { Usage } from '../../shared/schema.ts'
import { isWhole } from '../../shared/wire.ts'
import { isFields, type Fields } from './frames.ts'

/** Token counts of either API in one shape; null where there are none. Nulls inside count as absent. */
export function usageOf(raw: unknown): Usage | null {
  if (!isFields(raw)) return null
  const input = count(raw.input_tokens) ?? count(raw.prompt_tokens)
  const output = count(raw.output_tokens) ?? count(raw.completion_tokens)
  if (input === undefined && output === undefined) return null
  const inputDetails = details(raw.input_tokens_details ?? raw.prompt_tokens_details)
  const outputDetails = details(raw.output_tokens_details ?? raw.completion_tokens_details)
  const reasoning = count(outputDetails.reasoning_tokens) ?? count(raw.reasoning_tokens)
  const cached = count(inputDetails.cached_tokens) ?? count(raw.cached_tokens) ?? count(raw.prompt_cache_hit_tokens)
  return {
    inputTokens: input ?? 0,
    outputTokens: output ?? 0,
    totalTokens: count(raw.total_tokens) ?? (input ?? 0) + (output ?? 0),
    ...(reasoning === undefined ? {} : { reasoningTokens: reasoning }),
    ...(cached === undefined ? {} : { cachedTokens: cached }),
  }
}

/** No request has so many tokens, and the sum of all rounds stays a safe integer. */
const maxTokens = 2 ** 40

/** What is no count counts as absent. */
function count(value: unknown): number | undefined {
  return isWhole(value, 0, maxTokens) ? value : undefined
}

function details(value: unknown): Fields {
  return isFields(value) ? value : {}
}
