import type { StreamEvent } from '../shared/events.ts'
import type { Block, Message } from '../shared/schema.ts'

type Fields = Record<string, unknown>

/**
 * The canonical JSON of a message after one more server-sent event. Throws
 * for an event that does not fit: nothing is guessed.
 */
export function applyStreamEvent(message: Message | null, event: StreamEvent): Message {
  if (event.type === 'snapshot') return event.message
  if (!message) throw new Error(`The event ${event.type} came before a snapshot.`)
  switch (event.type) {
    case 'message':
      return changed(message, event.fields, event.removed)
    case 'end':
      return changed(message, event.fields)
    case 'block':
      if (event.index !== message.output.length)
        throw new Error(`Block ${event.index} opens behind ${message.output.length} blocks.`)
      return { ...message, output: [...message.output, event.block] }
    default:
      if (!message.output.some(({ id }) => id === event.block)) throw new Error(`There is no block ${event.block}.`)
      return {
        ...message,
        output: message.output.map((block) => (block.id === event.block ? applyToBlock(block, event) : block)),
      }
  }
}

function applyToBlock(block: Block, event: Extract<StreamEvent, { block: string }>): Block {
  if (event.type === 'set') return changed(block, event.fields, event.removed)
  const fields = block as unknown as Fields
  if (event.type === 'annotation')
    return changed(block, { annotations: [...((fields.annotations ?? []) as unknown[]), event.annotation] })
  const { field, offset, insert, delete: deleted = 0 } = event
  const text = (fields[field] ?? '') as string
  if (offset + deleted > text.length)
    throw new Error(`A delta at ${offset} stands behind the end of ${field}, ${text.length}.`)
  return changed(block, { [field]: text.slice(0, offset) + insert + text.slice(offset + deleted) })
}

function changed<T extends object>(object: T, fields: object, removed: readonly string[] = []): T {
  const copy: Fields = { ...(object as Fields), ...(fields as Fields) }
  for (const key of removed) delete copy[key]
  return copy as T
}
