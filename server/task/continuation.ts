/**
 * Going on with an answer that had ended. Some models take their partial answer
 * as the beginning of the next; the others are told to go on, and may begin
 * with the words that are there already: those are cut.
 */
import { isAside } from '../../shared/known-types.ts'
import type { Message } from '../../shared/schema.ts'
import type { StreamFilter } from '../extension/filter.ts'
import type { PromptItem, ProviderEvent } from '../provider/events.ts'

/** How a provider is told to go on: by words, by the partial answer at the end, or by that marked as a prefix. */
export type ContinueBy = 'instruction' | 'assistant' | 'prefix'

const instruction =
  'Your last answer was cut off. Go on with it exactly where it stopped, in the same language and form, in the middle of a word if need be. Repeat nothing, and say nothing about going on.'

/** So much at the beginning is compared with the end of what is there. */
const overlapChars = 200
/** Fewer characters, or no word among them, may be the same by chance. */
const leastOverlapChars = 8

/** The items of an unfinished answer with what makes the model go on. */
export function continued(items: readonly PromptItem[], by: ContinueBy): PromptItem[] {
  const last = items.at(-1)
  // Behind the results of its calls a model goes on by itself.
  if (last?.role !== 'assistant' || last.toolCalls) return [...items]
  if (by === 'instruction') return [...items, { role: 'user', text: instruction }]
  return by === 'prefix' ? [...items.slice(0, -1), { ...last, isPrefix: true }] : [...items]
}

/** The text that an answer breaks off in: its block goes on. */
export function brokenText({ output }: Message): { id: string; text: string } | undefined {
  const last = output.findLast((block) => !isAside(block.type))
  return last?.type === 'text' && last.text !== '' ? { id: last.id, text: last.text } : undefined
}

/** Cuts from the first text of a request what `before` ends with already. */
export function overlapFilter(before: string): StreamFilter {
  const end = before.slice(-overlapChars)
  let held: string | null = ''
  let key: string | undefined
  const release = (): ProviderEvent[] => {
    const text = (held ?? '').slice(overlapOf(end, held ?? ''))
    held = null
    return text === '' || key === undefined ? [] : [{ type: 'delta', key, field: 'text', text }]
  }
  return (event) => {
    if (held === null) return event
    if (event.type === 'block_start' && key === undefined && event.block.type === 'text') key = event.key
    if (!('key' in event) || event.key !== key) return event.type === 'finish' ? [...release(), event] : event
    if (event.type === 'block_end') return [...release(), event]
    if (event.type !== 'delta') return event
    held += event.text
    return mayOverlapMore(end, held) ? null : release()
  }
}

/** Characters at the beginning of `text` that `end` ends with. */
function overlapOf(end: string, text: string): number {
  for (let length = Math.min(end.length, text.length); length >= leastOverlapChars; length--) {
    const overlap = text.slice(0, length)
    if (end.endsWith(overlap) && /\p{L}{2}/u.test(overlap)) return length
  }
  return 0
}

/** Could more of the text make the overlap longer? */
function mayOverlapMore(end: string, text: string): boolean {
  return text.length < end.length && end.includes(text)
}
