/** What only the last event of a Responses stream holds: some servers send nothing before it, or leave out a kind of item. */
import { thoughtsOf } from './chat-reasoning.ts'
import { isFields, type Fields } from './frames.ts'
import { CallItem } from './responses-calls.ts'
import { MessageItem } from './responses-messages.ts'
import { ReasoningItem } from './responses-reasoning.ts'
import { kindOf, type Item, type Kind } from './responses-places.ts'

/** `of`: the item that came before, with less than this one says. */
export interface Missing {
  item: Fields
  of?: MessageItem | ReasoningItem
  /** So many characters of it have come. */
  came?: number
}

/** What of the last event did not come before. Ids and places may be others there, so items are compared by kind and words. */
export function missingItems({ output, output_text: text }: Fields, known: readonly Item[]): Missing[] {
  const given = (Array.isArray(output) ? output : []).filter(isFields)
  const messages = known.filter((item): item is MessageItem => item instanceof MessageItem && item.holdsAny)
  const thoughts = known.filter(
    (item): item is ReasoningItem => item instanceof ReasoningItem && (item.holdsAny || item.isDone),
  )
  const found = [
    ...missingWords(given, 'message', messages),
    ...missingWords(given, 'reasoning', thoughts),
    ...missingCalls(given, known).map((item) => ({ item })),
  ]
  if (known.length === 0)
    found.push(...given.filter((item) => kindOf(item) === 'other').map((item): Missing => ({ item })))
  if (given.length === 0 && typeof text === 'string' && text !== '' && !known.some((item) => item.holdsAny))
    return [{ item: { type: 'message', content: [{ type: 'output_text', text }] } }]
  return given.flatMap((item) => found.find((missing) => missing.item === item) ?? [])
}

function missingWords(given: readonly Fields[], kind: Kind, came: readonly (MessageItem | ReasoningItem)[]): Missing[] {
  const items = given.filter((item) => kindOf(item) === kind)
  const left = new Set(came)
  const others = items.filter((item) => !take(left, ({ text }) => text === wordsOf(item)))
  const longer: Missing[] = []
  const rest = others.filter((item) => {
    const words = wordsOf(item)
    let of = take(left, ({ text }) => words.startsWith(text))
    if (!of) return true
    // What came behind the end of an item stands in one of its own.
    let came = of.text.length
    for (const next of left) {
      if (next.text === '' || !words.startsWith(next.text, came)) continue
      left.delete(next)
      came += next.text.length
      of = next
    }
    if (came < words.length || !of.isClosed) longer.push({ item, of, came })
    return false
  })
  // What came may stand there in other words.
  return [...longer, ...rest.slice(0, Math.max(0, items.length - came.length)).map((item) => ({ item }))]
}

function take<T>(left: Set<T>, fits: (one: T) => boolean): T | undefined {
  const one = [...left].find(fits)
  if (one !== undefined) left.delete(one)
  return one
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

/** What an item that is given whole says. */
export function wordsOf({ type, content, summary }: Fields): string {
  if (type === 'reasoning') return joined(summary, thoughtsOf) + joined(content, thoughtsOf)
  return joined(content, (part) => {
    const words = isFields(part) ? (part.text ?? part.refusal ?? part.transcript) : part
    return typeof words === 'string' ? words : ''
  })
}

function joined(parts: unknown, words: (part: unknown) => string): string {
  return (Array.isArray(parts) ? parts : [parts]).map(words).join('')
}
