/** What of a Responses stream is known and writes nothing. */
import { cleanJson, type JsonObject } from '../../shared/schema.ts'
import type { ProviderEvent } from './events.ts'
import type { Fields } from './frames.ts'

/** Items that write no block. */
export const silentItems = new Set(['mcp_list_tools', 'compaction'])

/** Events that say nothing which another one does not say as well. */
export const silentEvents = new Set([
  'response.created',
  'response.audio.done',
  'response.output_audio.done',
  'response.in_progress',
  'response.queued',
  'response.content_part.added',
  'response.reasoning_summary_part.added',
  'response.code_interpreter_call_code.done',
  'response.shell_call_command.added',
  'response.shell_call_command.delta',
  'response.shell_call_command.done',
  'response.shell_call_output_content.delta',
  'response.shell_call_output_content.done',
  'response.apply_patch_call_operation_diff.delta',
  'response.apply_patch_call_operation_diff.done',
  'response.image_generation_call.partial_image',
  ...[
    'web_search_call',
    'file_search_call',
    'code_interpreter_call',
    'image_generation_call',
    'mcp_call',
    'mcp_list_tools',
  ].flatMap((type) => [`response.${type}.in_progress`, `response.${type}.completed`, `response.${type}.failed`]),
])

/** An item that writes no block, but that the provider wants back. */
export class SilentItem {
  readonly holdsAny = false
  isDone = false
  readonly #events: ProviderEvent[]
  readonly #index: number

  constructor(events: ProviderEvent[], index: number) {
    this.#events = events
    this.#index = index
  }

  done(item: Fields): void {
    this.isDone = true
    const data = { api: 'responses', item: cleanJson(item) as JsonObject }
    this.#events.push({ type: 'provider_data', key: `item-${this.#index}`, data })
  }

  close(): void {}
}
