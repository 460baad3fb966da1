/** What is read of a chunk of Chat Completions, and what in it says nothing that a person would miss. All else is not understood. */
import { reasoningFields } from './chat-reasoning.ts'

/** Fields of a choice. */
export const choiceFields = new Set([
  'index',
  'delta',
  'message',
  'text',
  'finish_reason',
  'finishReason',
  'native_finish_reason',
  'stop_reason',
  'finish_details',
  'matched_stop',
  'logprobs',
  'usage',
  'error',
  'errors',
  'seed',
  'token_ids',
  'prompt_token_ids',
  'content_filter_results',
  'content_filter_result',
  'content_filter_offsets',
  'provider_metadata',
  'provider_specific_fields',
  'obfuscation',
])

/** Fields of a delta, or of a message in its place. */
export const deltaFields = new Set<string>([
  ...reasoningFields,
  'content',
  'role',
  'refusal',
  'tool_calls',
  'function_call',
  'annotations',
  'images',
  'image',
  'audio',
  'finish_reason',
  'error',
  'name',
  'tool_call_id',
  'channel',
  'token_id',
  'token_ids',
  'obfuscation',
  'provider_metadata',
  'provider_specific_fields',
  'graph_data',
])
