/** Provider events folded into blocks, as the run and the writer do it, but in a few lines and with every rule checked. */
import type { ProviderEvent } from '../../server/provider/events.ts'
import type { Block, FinishReason, Json, NewBlock, TerminalStatus, TextBlock, Usage } from '../../shared/schema.ts'
import { RunnelError } from '../../shared/errors.ts'

export interface FoldedMessage {
  blocks: Block[]
  status: TerminalStatus
  finishReason?: FinishReason
  usage?: Usage
  errorCode?: string
  errorMessage?: string
  note?: string
  files: { name: string; mimeType: string; data: Uint8Array }[]
  providerData: { key: string; data: Json }[]
}

export interface Collected {
  events: ProviderEvent[]
  /** What the iteration threw. */
  error?: unknown
}

export async function collect(stream: AsyncIterable<ProviderEvent>): Promise<Collected> {
  const events: ProviderEvent[] = []
  try {
    for await (const event of stream) events.push(event)
  } catch (error) {
    return { events, error }
  }
  return { events }
}

/** Throws where the events break the contract of `events.ts`. */
export function foldEvents({ events, error }: Collected): FoldedMessage {
  const message: FoldedMessage = { blocks: [], status: 'completed', files: [], providerData: [] }
  const open = new Map<string, Block>()
  const known = new Set<string>()
  const block = (key: string): Block => open.get(key) ?? fail(`block ${key} is not open`)

  for (const event of events) {
    if (message.finishReason) fail(`${event.type} came after finish`)
    switch (event.type) {
      case 'block_start': {
        if (known.has(event.key)) fail(`block ${event.key} started twice`)
        known.add(event.key)
        const started = newBlock(event.key, event.block)
        open.set(event.key, started)
        message.blocks.push(started)
        break
      }
      case 'delta': {
        if (event.text === '') fail('an empty delta')
        const target = block(event.key) as unknown as Record<string, string | undefined>
        target[event.field] = (target[event.field] ?? '') + event.text
        break
      }
      case 'annotation':
        ;(block(event.key) as TextBlock).annotations.push(event.annotation)
        break
      case 'block_set':
        Object.assign(block(event.key), event.fields)
        break
      case 'block_end':
        Object.assign(block(event.key), { status: event.status }, event.fields)
        open.delete(event.key)
        break
      case 'provider_data':
        message.providerData.push({ key: event.key, data: event.data })
        break
      case 'usage':
        message.usage = event.usage
        break
      case 'file':
        if (open.has(event.key)) fail(`the file of ${event.key} is not behind its block`)
        message.files.push({ name: event.name, mimeType: event.mimeType, data: event.data })
        break
      case 'block_type': {
        const turned = message.blocks.find(({ id }) => id === event.key) ?? fail(`block ${event.key} is not there`)
        Object.assign(turned, event.block)
        break
      }
      case 'waiting':
        break
      case 'finish':
        if (open.size > 0) fail(`blocks are open at the finish: ${[...open.keys()].join(', ')}`)
        message.finishReason = event.reason
        if (event.note !== undefined) message.note = event.note
    }
  }
  if (error === undefined && !message.finishReason) fail('the stream ended without a finish and without an error')
  if (error !== undefined) {
    message.status = 'failed'
    message.errorCode =
      error instanceof RunnelError ? error.code : fail(`an error that is no RunnelError: ${String(error)}`)
    message.errorMessage = (error as RunnelError).message
    for (const left of open.values()) left.status = left.type === 'tool_call' ? 'cancelled' : 'incomplete'
  }
  return message
}

function newBlock(id: string, block: NewBlock): Block {
  const growing =
    block.type === 'tool_call'
      ? { arguments: '' }
      : block.type === 'text'
        ? { text: '', annotations: [] }
        : block.type === 'reasoning' || block.type === 'refusal'
          ? { text: '' }
          : {}
  return { id, ...block, ...growing } as Block
}

function fail(what: string): never {
  throw new Error(`The provider broke its contract: ${what}.`)
}
