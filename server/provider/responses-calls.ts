/** Calls of the Responses API: of the caller's tools, and of those that the provider runs itself. */
import { cleanJson, type JsonObject, type ToolCallStatus } from '../../shared/schema.ts'
import { stringOf } from './call-fields.ts'
import type { ProviderEvent } from './events.ts'
import { isFields, type Fields } from './frames.ts'
import { mediaEvents, mediaOf } from './media.ts'

/** Calls that always wait for whoever made the request. */
const callersTools = new Set(['function_call', 'custom_tool_call', 'local_shell_call', 'apply_patch_call'])

/** Calls whose result is an item of its own, so that they are over only with that. */
const answeredByItem = new Set(['shell_call', 'tool_search_call'])

export class CallItem {
  readonly type: string
  /** Ended as `pending` or `awaiting_approval`. */
  waits = false
  readonly holdsAny = true
  readonly #events: ProviderEvent[]
  readonly #key: string
  readonly #executor: 'client' | 'provider'
  readonly #onUnknown: (path: string) => void
  #callId: string
  /** For want of one of the provider's. */
  readonly #spareId: string
  #name: string
  #arguments = ''
  #hasOutput = false
  #status: ToolCallStatus = 'streaming'
  #ended = false

  constructor(events: ProviderEvent[], index: number, item: Fields, onUnknown: (path: string) => void) {
    this.#events = events
    this.#onUnknown = onUnknown
    this.type = String(item.type)
    this.#key = `item-${index}`
    this.#executor = isCallers(item) ? 'client' : 'provider'
    this.#callId = stringOf(item.call_id)
    this.#name = stringOf(item.name)
    this.#spareId = stringOf(item.id) || `call_${crypto.randomUUID().replaceAll('-', '')}`
    events.push({
      type: 'block_start',
      key: this.#key,
      block: {
        type: 'tool_call',
        status: 'streaming',
        callId: this.callId,
        name: this.#name || this.type.replace(/_call$/, ''),
        executor: this.#executor,
      },
    })
  }

  get isDone(): boolean {
    return this.#ended
  }

  get callId(): string {
    return this.#callId || this.#spareId
  }

  /** The id is the provider's. */
  get hasCallId(): boolean {
    return this.#callId !== ''
  }

  /** A name and an id that were not there when it began. Says whether the id is new. */
  complete(item: Fields): boolean {
    if (this.#ended) return false
    const name = this.#name === '' ? stringOf(item.name) : ''
    const callId = this.#callId === '' ? stringOf(item.call_id) : ''
    const fields = { ...(name !== '' && { name }), ...(callId !== '' && { callId }) }
    this.#name ||= name
    this.#callId ||= callId
    if (name !== '' || callId !== '') this.#events.push({ type: 'block_set', key: this.#key, fields })
    return callId !== ''
  }

  /** These arguments say nothing that it has not. */
  repeats(text: unknown): boolean {
    return typeof text !== 'string' || text === '' || text === this.#arguments
  }

  grow(text: unknown): void {
    if (typeof text !== 'string' || text === '' || this.#ended) return
    this.#arguments += text
    this.#events.push({ type: 'delta', key: this.#key, field: 'arguments', text })
  }

  /** The whole arguments, for servers and kinds of calls that send no deltas, or not all. */
  whole(text: unknown): void {
    if (typeof text === 'string' && text.startsWith(this.#arguments)) this.grow(text.slice(this.#arguments.length))
  }

  /** The provider has begun to run it. */
  run(): void {
    if (this.#ended || this.#status === 'running') return
    this.#status = 'running'
    this.#events.push({ type: 'block_set', key: this.#key, fields: { status: 'running' } })
  }

  done(item: Fields): void {
    this.complete(item)
    this.whole(argumentsOf(item))
    this.#events.push({
      type: 'provider_data',
      key: this.#key,
      data: { api: 'responses', item: cleanJson(withoutCopies(item)) as JsonObject },
    })
    const status = this.#endStatus(item)
    if (this.#executor === 'client' || this.type === 'mcp_approval_request') return this.#end(status)
    this.#result(outputOf(item))
    const error = isFields(item.error) ? JSON.stringify(item.error) : stringOf(item.error)
    if (error !== '') return this.#end('failed', { error })
    if (status === 'completed' && answeredByItem.has(this.type)) return this.run()
    this.#end(status)
    if (this.type === 'image_generation_call') this.#picture(item)
  }

  #picture(item: Fields): void {
    const media = mediaOf(item, 'image')
    if (media) this.#events.push(...mediaEvents('url' in media ? `${this.#key}-file` : this.#key, media))
    else if (item.result) this.#onUnknown(`${this.type}.result`)
  }

  /** Its `*_output` item. The caller's own calls have no result yet when their answer ends. */
  answer(output: Fields): void {
    if (this.#ended) return
    this.#result(outputOf(output))
    this.#end(output.status === 'incomplete' ? 'failed' : 'completed')
  }

  /** The answer is over, and the item had no end of its own. */
  close(isWhole: boolean): void {
    if (this.#ended) return
    if (this.#status === 'running') this.#end(isWhole ? 'completed' : 'cancelled')
    else this.#end(!isWhole ? 'cancelled' : this.#executor === 'client' ? 'pending' : 'completed')
  }

  #endStatus(item: Fields): ToolCallStatus {
    if (item.status === 'incomplete') return 'cancelled'
    if (item.status === 'failed') return 'failed'
    if (this.type === 'mcp_approval_request') return 'awaiting_approval'
    return this.#executor === 'client' ? 'pending' : 'completed'
  }

  #result(text: string): void {
    if (text === '' || this.#hasOutput || this.#ended) return
    this.#hasOutput = true
    this.#events.push({ type: 'delta', key: this.#key, field: 'output', text })
  }

  #end(status: ToolCallStatus, fields?: JsonObject): void {
    if (this.#ended) return
    this.#ended = true
    this.waits = status === 'pending' || status === 'awaiting_approval'
    this.#events.push({ type: 'block_end', key: this.#key, status, ...(fields ? { fields } : {}) })
  }
}

/** Does the call wait for the caller? A shell runs at the provider if it has a container there. */
function isCallers(item: Fields): boolean {
  const type = String(item.type)
  if (type === 'shell_call')
    return !(isFields(item.environment) && String(item.environment.type).startsWith('container'))
  if (type === 'tool_search_call') return item.execution === 'client'
  return callersTools.has(type)
}

/** What a call was made with. Code is given as code, structures as JSON. */
function argumentsOf(item: Fields): string {
  const { arguments: given, input, code, action, operation, queries, revised_prompt: prompt } = item
  const value =
    given ??
    input ??
    code ??
    action ??
    operation ??
    (queries ? { queries } : undefined) ??
    (prompt ? { prompt } : undefined)
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** What came of a call, as text. An image becomes a file. */
function outputOf(item: Fields): string {
  const value =
    item.type === 'image_generation_call'
      ? null
      : (item.outputs ??
        item.results ??
        item.output ??
        (String(item.type).endsWith('_output') ? (item.result ?? item.tools) : null))
  if (typeof value === 'string') return value
  if (value === null || value === undefined) return ''
  if (!Array.isArray(value)) return JSON.stringify(value)
  const texts = value.map(textOf)
  return texts.every((text) => text !== undefined) ? texts.join('') : JSON.stringify(value)
}

/** The text of a log, an image or what a shell printed; undefined for anything else. */
function textOf(part: unknown): string | undefined {
  if (!isFields(part)) return undefined
  if (part.type === 'image') return ''
  if (typeof part.logs === 'string') return part.logs
  if (typeof part.stdout === 'string' || typeof part.stderr === 'string')
    return stringOf(part.stdout) + stringOf(part.stderr)
  return undefined
}

/** What is in the block already, or too large to keep beside it (images). */
const copies = new Set(['arguments', 'input', 'output', 'outputs', 'result'])

function withoutCopies(item: Fields): Fields {
  if (item.type === 'mcp_approval_request') return item
  return Object.fromEntries(Object.entries(item).filter(([name]) => !copies.has(name)))
}
