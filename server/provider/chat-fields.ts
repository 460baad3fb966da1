/** What is read of a chunk of Chat Completions, and what in it says nothing that a person would miss. All else is not understood. */
import { reasoningFields } from './chat-reasoning.ts'

/** Fields of a chunk that are objects or lists; numbers, words and marks beside the choices are for bookkeepers. */
export const chunkFields = new Set([
  'choices',
  'usage',
  'error',
  'errors',
  'base_resp',
  'images',
  'search_results',
  'citations',
  'prompt_filter_results',
  'prompt_annotations',
  'x_groq',
  'timings',
  'time_info',
  'stats',
  'metrics',
  'nvext',
  'warnings',
  'prompt_token_ids',
  'prompt_logprobs',
  'kv_transfer_params',
  'metadata',
  'cost',
  'copilot_usage',
  'latency_checkpoint',
  'stream_options',
  'system',
])

/** Fields of a delta that say something. Some servers put them on the choice. */
export const sayingFields = new Set<string>([
  ...reasoningFields,
  'content',
  'refusal',
  'tool_calls',
  'tool_call',
  'function_call',
  'annotations',
  'images',
  'image',
  'image_url',
  'audio',
])

/** Fields of a choice. */
export const choiceFields = new Set([
  ...sayingFields,
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
  'channel',
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
  ...sayingFields,
  'role',
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
