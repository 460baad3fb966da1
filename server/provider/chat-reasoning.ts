/** Where servers of Chat Completions put their models' thoughts, and in which shapes. */
import { isFields, type Fields } from './frames.ts'

/** Some fill several fields with the same text: it counts once. */
export const reasoningFields = [
  'reasoning_content',
  'reasoning',
  'reasoning_details',
  'reasoning_text',
  'thinking',
  'thinking_blocks',
  'thinking_content',
  'thought',
  'thoughts',
  'reasoning_summary',
] as const

/** `content`: parts of the content that are thoughts. */
export type ReasoningField = (typeof reasoningFields)[number] | 'content'

interface FoundReasoning {
  field: ReasoningField
  text: string
  isSummary: boolean
}

/** Thoughts inside of thoughts: what is deeper is none. */
const maxDepth = 20

/** The thoughts in a delta: first those of the field that this stream uses. What only repeats others, or a piece of them, is left out. */
export function reasoningOf(delta: Fields, used: ReasoningField | null): FoundReasoning[] {
  const found: FoundReasoning[] = []
  for (const field of reasoningFields) {
    const one = delta[field] ? foundIn(delta, field) : null
    if (!one) continue
    if (field === used) found.unshift(one)
    else found.push(one)
  }
  if (found.length < 2) return found
  return found.filter(({ text }, at) => !found.slice(0, at).some((other) => other.text.includes(text.trim())))
}

/** Words that are thoughts by a mark beside them. */
export function isMarkedThought({ thought, extra_content: extra, channel }: Fields): boolean {
  const google = isFields(extra) ? extra.google : undefined
  return thought === true || channel === 'analysis' || (isFields(google) && google.thought === true)
}

function foundIn(delta: Fields, field: (typeof reasoningFields)[number]): FoundReasoning | null {
  const text = thoughtsOf(delta[field])
  if (text === '') return null
  return { field, text, isSummary: field === 'reasoning_summary' || isSummary(delta.reasoning_details) }
}

/** The words of thoughts in any documented shape: a text, parts, an object around either. */
export function thoughtsOf(value: unknown, depth = 0): string {
  if (typeof value === 'string') return value
  if (depth > maxDepth || typeof value !== 'object' || value === null) return ''
  if (Array.isArray(value)) return value.map((item) => thoughtsOf(item, depth + 1)).join('')
  const { text, thinking, reasoning, reasoning_content, reasoning_text, thought, summary, content } = value as Fields
  for (const inner of [text, thinking, reasoning, reasoning_content, reasoning_text, thought, summary, content]) {
    const words = thoughtsOf(inner, depth + 1)
    if (words !== '') return words
  }
  return ''
}

function isSummary(details: unknown): boolean {
  return Array.isArray(details) && isFields(details[0]) && details[0].type === 'reasoning.summary'
}
