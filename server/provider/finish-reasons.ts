/**
 * Why a model stopped, in the words of those who serve it, and what that means
 * here. Words are compared without case, `FINISH_REASON_` and the like.
 */
import type { FinishReason } from '../../shared/schema.ts'

/** `failed`: the provider says that something broke. */
export type Ending = FinishReason | 'failed'

const words: Record<Exclude<Ending, 'unknown'>, string> = {
  stop: `stop stopped eos eos_token eos_found eot end_of_text endoftext end_turn end stop_sequence stop_string_found
    stop_token stop_word word complete completed done finish finished normal success`,
  length: `length max_tokens max_token max_output_tokens max_completion_tokens max_new_tokens max_length max_len max_output
    max_context max_context_length model_length token_limit limit context_length context_length_exceeded
    context_length_reached context_overflow context_window_exceeded model_context_window_exceeded max_predicted_tokens_reached
    length_limit time_limit truncated incomplete`,
  content_filter: `content_filter content_filtered filter filtered content_policy content_policy_violation safety sensitive
    recitation blocklist blocked prohibited_content spii language model_armor image_safety image_prohibited_content
    image_recitation guardrail guardrails guardrail_intervened moderation moderated refusal refused error_toxic toxic
    censored flagged`,
  tool_calls: 'tool_calls tool_call tool_use function_call function_calls',
  failed: `error failed failure network_error server_error internal_error internal_server_error insufficient_system_resource
    insufficient_system_resources malformed malformed_function_call malformed_tool_call malformed_tool_use
    malformed_model_output malformed_response invalid_function_call unexpected_tool_call too_many_tool_calls
    missing_thought_signature abort aborted cancel cancelled canceled user_cancel user_stopped timeout timed_out error_limit
    overloaded model_unloaded out_of_memory oom`,
}

const endings = new Map<string, Ending>(
  Object.entries(words).flatMap(([ending, list]) => list.split(/\s+/).map((word) => [word, ending as Ending] as const)),
)

/** `null`: the word says nothing, the answer goes on. */
export function endingOf(word: string): Ending | null {
  const exact = endings.get(word)
  if (exact) return exact
  const plain = word
    .slice(0, 100)
    .trim()
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_|_$/g, '')
    .replace(/^(?:finish_reason_|finishreason_|stop_reason_|reason_)/, '')
  if (plain === '' || plain === 'null' || plain === 'none' || plain === 'not_finished' || plain === 'in_progress')
    return null
  const known = endings.get(plain) ?? byKind(plain)
  if (known) return known
  // `<|im_end|>`: the token at which it stopped.
  if (/^\s*<[^<>\s]+>\s*$/.test(word.slice(0, 100))) return 'stop'
  // `content_filter: RECITATION`: its last words say more than its first.
  const parts = word.slice(0, 100).split(':')
  if (parts.length === 1) return 'unknown'
  const last = endingOf(parts.at(-1)!)
  return last !== null && last !== 'unknown' ? last : (endingOf(parts[0]!) ?? 'unknown')
}

/** What is called an error is one; a context has no other end than its length. */
function byKind(plain: string): Ending | undefined {
  if (
    /(?:^|_)(?:error|exception|failure|failed|overloaded|unavailable)$|^(?:malformed|insufficient|rate_limit)_/.test(
      plain,
    )
  )
    return 'failed'
  if (/(?:^|_)context(?:_[a-z]+)*_(?:overflow|exceeded|reached|limit|full)(?:_|$)/.test(plain)) return 'length'
  return /(?:^|_)(?:content_filter|safety|moderation|policy)$/.test(plain) ? 'content_filter' : undefined
}

/** The word that a choice ends with; some servers put it beside the choice's words, or into an object. */
export function finishWord(...places: readonly unknown[]): string | undefined {
  for (const place of places) {
    const word =
      typeof place === 'object' && place !== null
        ? ((place as Record<string, unknown>).type ?? (place as Record<string, unknown>).reason)
        : place
    if (typeof word === 'string' && word !== '') return word
  }
  return undefined
}

/** The same where it stands in a field that may hold other words, too: only what is known counts. */
export function spareWord(...places: readonly unknown[]): string | undefined {
  const word = finishWord(...places)
  const ending = word === undefined ? null : endingOf(word)
  return ending === null || ending === 'unknown' ? undefined : word
}

/** What is said of a word that nobody here knows. */
export function unknownWord(word: string): string {
  return `The model provider ended this answer for a reason that is not known here: ${JSON.stringify(word.slice(0, 60))}.`
}

/** What is said of an answer without anything in it. */
export function emptyAnswer(reason: FinishReason): string {
  const why = {
    length: ': its limit of length was reached before it said anything',
    content_filter: ': the provider’s content filter held it back',
    stop: '',
    tool_calls: ', though it spoke of calls',
    unknown: '',
  }[reason]
  return `The model’s answer is empty${why}.`
}
