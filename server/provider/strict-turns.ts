/**
 * Turns as the chat templates of some models demand them: one system message,
 * first; then user and assistant by turns, calls and results belonging to the
 * assistant's. Works on the messages or input items of either API.
 */
import type { Json, JsonObject } from '../../shared/schema.ts'
import { isFields } from './frames.ts'

/** Stands for an answer that broke off behind the results of its calls. */
const brokenOff = '(This answer was not finished.)'
/** Stands for a question that is not among what is sent. */
const leftOut = '(Earlier messages were left out.)'

/** `textType`: how this API calls a text among the parts of a content. */
export function strictTurns(entries: readonly JsonObject[], textType: 'text' | 'input_text'): JsonObject[] {
  const merge = (first: JsonObject, second: JsonObject): JsonObject => ({
    ...first,
    ...second,
    content: joined(first.content, second.content, textType),
  })
  const systems = entries.filter((entry) => speaker(entry) === 'system')
  const turns: JsonObject[] = []
  for (const entry of entries) {
    const now = speaker(entry)
    if (now === 'system') continue
    const last = turns.at(-1)
    const before = last && speaker(last)
    if (last && before === now && isMessage(entry) && isMessage(last) && !last.tool_calls) {
      turns[turns.length - 1] = merge(last, entry)
      continue
    }
    if (before === undefined && now !== 'user') turns.push({ role: 'user', content: leftOut })
    if (before === 'tool' && now === 'user') turns.push({ role: 'assistant', content: brokenOff })
    turns.push(entry)
  }
  return systems.length === 0 ? turns : [systems.reduce(merge), ...turns]
}

function speaker({ role, type }: JsonObject): 'system' | 'user' | 'assistant' | 'tool' {
  if (role === 'system' || role === 'developer') return 'system'
  if (role === 'user' || role === 'assistant') return role
  return role === 'tool' || role === 'function' || String(type).endsWith('_output') ? 'tool' : 'assistant'
}

/** Results and calls stay apart. */
function isMessage({ role }: JsonObject): boolean {
  return role === 'user' || role === 'assistant'
}

function joined(first: Json | undefined, second: Json | undefined, textType: string): Json {
  if (isNothing(first)) return second ?? null
  if (isNothing(second)) return first ?? null
  if (typeof first === 'string' && typeof second === 'string') return `${first}\n\n${second}`
  return [...partsOf(first, textType), ...partsOf(second, textType)]
}

function isNothing(content: Json | undefined): boolean {
  return content === undefined || content === null || content === ''
}

function partsOf(content: Json | undefined, textType: string): Json[] {
  if (Array.isArray(content)) return content
  return isFields(content) ? [content as Json] : [{ type: textType, text: content ?? '' }]
}
