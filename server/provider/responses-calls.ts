/** Calls of the Responses API: of the caller's tools, and of those that the provider runs itself. */
import { cleanJson, type JsonObject, type ToolCallStatus } from '../../shared/schema.ts'
import type { ProviderEvent } from './events.ts'
import { isFields, type Fields } from './frames.ts'

/** Calls that always wait for whoever made the request. */
const callersTools = new Set(['function_call', 'custom_tool_call', 'local_shell_call', 'apply_patch_call'])

/** Calls whose result is an item of its own, so that they are over only with that. */
const answeredByItem = new Set(['shell_call', 'tool_search_call'])

export class CallItem {
  readonly type: string
  readonly callId: string
  /** Ended as `pending` or `awaiting_approval`. */
  waits = false
  readonly holdsAny = true
  readonly #events: ProviderEvent[]
  readonly #key: string
  readonly #executor: 'client' | 'provider'
  /** The id is the provider's. */
  readonly hasCallId: boolean
  #arguments = ''
  #hasOutput = false
  #status: ToolCallStatus = 'streaming'
  #ended = false

  constructor(events: ProviderEvent[], index: number, item: Fields) {
    this.#events = events
    this.type = String(item.type)
    this.#key = `item-${index}`
    this.#executor = isCallers(item) ? 'client' : 'provider'
    this.hasCallId = stringOf(item.call_id) !== ''
    this.callId = stringOf(item.call_id) || stringOf(item.id) || `call_${crypto.randomUUID().replaceAll('-', '')}`
    const name = stringOf(item.name) || this.type.replace(/_call$/, '')
    events.push({
      type: 'block_start',
      key: this.#key,
      block: {
        type: 'tool_call',
        status: 'streaming',
        callId: this.callId,
        name,
        executor: this.#executor,
      },
    })
  }

  get isDone(): boolean {
    return this.#ended
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
    const file = imageOf(item)
    if (file) this.#events.push({ type: 'file', key: this.#key, ...file })
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

const base64 = /^[A-Za-z0-9+/]+={0,2}$/

/** The image that a call made; undefined where its data is not whole. */
function imageOf({
  type,
  result,
  output_format: given,
}: Fields): { name: string; mimeType: string; data: Uint8Array } | undefined {
  if (type !== 'image_generation_call' || typeof result !== 'string' || result.length % 4 !== 0 || !base64.test(result))
    return undefined
  const format = /^\w{1,10}$/.test(stringOf(given)) ? stringOf(given) : 'png'
  return { name: `image.${format}`, mimeType: `image/${format}`, data: Buffer.from(result, 'base64') }
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

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
