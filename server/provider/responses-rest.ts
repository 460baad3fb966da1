/** What only the last event of a Responses stream holds: some servers send nothing before it, or leave out a kind of item. */
import { isFields, type Fields } from './frames.ts'
import { CallItem } from './responses-calls.ts'
import { MessageItem, ReasoningItem } from './responses-items.ts'
import { kindOf, type Item } from './responses-places.ts'

/** Items of the last event that did not come before. Ids and places may be others there, so they are counted by kind. */
export function missingItems({ output, output_text: text }: Fields, known: readonly Item[]): Fields[] {
  const given = (Array.isArray(output) ? output : []).filter(isFields)
  const found = [...missingMessages(given, known), ...missingCalls(given, known)]
  if (!known.some((item) => item instanceof ReasoningItem && item.holdsAny))
    found.push(...given.filter((item) => kindOf(item) === 'reasoning'))
  if (known.length === 0) found.push(...given.filter((item) => kindOf(item) === 'other'))
  if (given.length === 0 && typeof text === 'string' && text !== '' && !known.some((item) => item.holdsAny))
    return [{ type: 'message', content: [{ type: 'output_text', text }] }]
  return given.filter((item) => found.includes(item))
}

function missingMessages(given: readonly Fields[], known: readonly Item[]): Fields[] {
  const messages = given.filter((item) => kindOf(item) === 'message')
  const came = known.filter((item) => item instanceof MessageItem && item.holdsAny) as MessageItem[]
  const others = messages.filter((item) => !came.some(({ length }) => length === lengthOf(item)))
  return others.slice(0, Math.max(0, messages.length - came.length))
}

function missingCalls(given: readonly Fields[], known: readonly Item[]): Fields[] {
  const calls = given.filter((item) => kindOf(item) === 'call')
  const came = known.filter((item) => item instanceof CallItem && item.isDone) as CallItem[]
  const others = calls.filter((item) => !came.some(({ callId }) => callId === item.call_id || callId === item.id))
  return others.slice(0, Math.max(0, calls.length - came.length))
}

/** The item that was announced and said nothing; undefined: there is none yet. */
export function placeAmong(item: Fields, known: readonly Item[]): Item | undefined {
  const kind = kindOf(item)
  return known.find((other) => {
    if (kind === 'message' && other instanceof MessageItem) return !other.isDone && !other.holdsAny
    if (kind === 'reasoning' && other instanceof ReasoningItem) return !other.isDone && !other.holdsAny
    return other instanceof CallItem && (other.callId === item.call_id || other.callId === item.id)
  })
}

function lengthOf({ content }: Fields): number {
  if (typeof content === 'string') return content.length
  let length = 0
  for (const part of Array.isArray(content) ? content : []) {
    const words = isFields(part) ? (part.text ?? part.refusal ?? part.transcript) : part
    if (typeof words === 'string') length += words.length
  }
  return length
}
