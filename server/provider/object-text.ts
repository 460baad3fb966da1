/** Arguments of calls as every server takes them: the text of one JSON object. */
import { parsed } from '../../shared/json.ts'
import { isDeeper } from '../../shared/json-depth.ts'
import { isFields } from './frames.ts'

/** What is nested deeper no tool was called with, and parsers of strict servers refuse. */
const maxDepth = 64

const nothing = '{}'

/**
 * The text itself where it is a JSON object. Of a text that begins with a whole
 * object (repeated, or followed by words) that object; of one that is such a
 * text as a JSON string, what it says. Else nothing is known: `{}`.
 */
export function objectText(text: string): string {
  const value = parsed(text)
  if (isFields(value)) return isDeeper(value, maxDepth) ? nothing : text.toWellFormed()
  if (typeof value === 'string') return value.length < text.length ? objectText(value) : nothing
  const first = value === undefined ? firstObject(text) : undefined
  return first !== undefined && isFields(parsed(first)) ? objectText(first) : nothing
}

/** The text from its first brace to the one that closes it, where nothing but white space stands before. */
function firstObject(text: string): string | undefined {
  const start = text.search(/\S/)
  if (text[start] !== '{') return undefined
  let depth = 0
  let inString = false
  for (let at = start; at < text.length; at++) {
    const character = text[at]
    if (inString) {
      if (character === '\\') at += 1
      else if (character === '"') inString = false
    } else if (character === '"') inString = true
    else if (character === '{') depth += 1
    else if (character === '}' && --depth === 0) return at + 1 < text.length ? text.slice(start, at + 1) : undefined
  }
  return undefined
}
