import type { FilteredField } from '../../shared/block-types.ts'
import { Breath } from '../waiting/breath.ts'
import { GrowingDeltas, type Delta } from './growing-deltas.ts'
import { matchers } from './matcher.ts'
import { maxMatchChars, RedactedText } from './redacted-text.ts'
import type { Filter, StreamContext } from './filter.ts'

/** A longer delta is looked at in pieces of this size; other work gets its turn in between. */
const pieceChars = 16_384

export interface Replacement {
  pattern: RegExp
  /** As it stands: `$1` and the like have no meaning. */
  replacement: string
}

export interface RedactionOptions {
  /** Default: `redaction`. */
  name?: string
  /** As one pattern with these alternatives: what begins first is replaced, and replaced text is not looked at again. */
  patterns: readonly Replacement[]
  /** Units of a text that may wait for the end of a match. Default: 256; 4,096 at the most. */
  maxHeldChars?: number
  /** Default: every text that a person reads: text, reasoning and refusal. A tool is called with the arguments as they were redacted. */
  fields?: readonly FilteredField[]
}

/**
 * A filter that replaces what matches, as `replaceAll` would with the whole
 * text before it, wherever chunks are cut. Text is held back while it may be
 * the beginning of a match, no longer and no more than `maxHeldChars`; of a
 * longer match the beginning is shown, and replaced there when it is complete.
 *
 * Throws TypeError for patterns whose beginnings cannot be told: with
 * lookbehind, back-references, octal escapes, the flags `v` or `y`; and for
 * those that match the empty text.
 */
export function redaction(options: RedactionOptions): Filter {
  const { name = 'redaction', patterns, maxHeldChars = 256, fields } = options
  if (!(maxHeldChars >= 0 && maxHeldChars <= maxMatchChars))
    throw new TypeError(`maxHeldChars is ${maxHeldChars}: it may be 0 to ${maxMatchChars}.`)
  const known = matchers(patterns.map(({ pattern }) => pattern))
  const replacements = patterns.map(({ replacement }) => replacement)
  return {
    name,
    stream: (context) => {
      const texts = new GrowingDeltas(
        fields,
        (delta) =>
          new RedactedText(known, replacements, maxHeldChars, (shown, replacement) =>
            rewrite(context, delta, shown, replacement),
          ),
      )
      return (event) => {
        if (event.type === 'block_start') texts.started(event)
        if (event.type === 'block_end') {
          const rest = texts
            .ended(event.key)
            .map(([field, text]) => ({ type: 'delta' as const, key: event.key, field, text: text.end() }))
          return [...rest.filter(({ text }) => text !== ''), event]
        }
        if (event.type !== 'delta') return event
        const redacted = texts.of(event)
        if (!redacted) return event
        const passed = (text: string) => (text === '' ? null : { ...event, text })
        return event.text.length > pieceChars
          ? pushLong(redacted, event.text).then(passed)
          : passed(redacted.push(event.text))
      }
    },
  }
}

async function pushLong(redacted: RedactedText, text: string): Promise<string> {
  const breath = new Breath()
  let passed = ''
  for (let at = 0; at < text.length; at += pieceChars) {
    passed += redacted.push(text.slice(at, at + pieceChars), at + pieceChars < text.length)
    const pause = breath.due()
    if (pause) await pause
  }
  return passed
}

function rewrite(context: StreamContext, { key, field }: Delta, shown: string, replacement: string): void {
  const block = context.blockOf(key)
  // Something else may have been appended since.
  const tail = context.tail(key, field, maxMatchChars)
  const at = tail.lastIndexOf(shown)
  if (block === undefined || at === -1)
    throw new Error(
      'What is to be redacted does not stand where it was shown: redaction has to be the last filter that changes text.',
    )
  context.replace(block, field, context.length(key, field) - tail.length + at, shown.length, replacement)
}
