import type { FilteredField } from '../../shared/block-types.ts'
import { Breath } from '../waiting/breath.ts'
import type { MaybePromise } from '../cluster/cluster.ts'
import type { ProviderEvent } from '../provider/events.ts'
import type { Filter, StreamContext } from './filter.ts'
import { GrowingDeltas } from './growing-deltas.ts'

/** Units of earlier text that a check sees, for what runs across two of them. */
const contextChars = 4_096
/** Of a longer delta so much is checked at once; other work gets its turn in between. */
const pieceChars = 65_536

/** A sentence that ends the run; null: the text may be shown. */
export type Check = (text: string, context: StreamContext) => MaybePromise<string | null>

export interface ModerationOptions {
  /** Default: `moderation`. */
  name?: string
  /** Gets the end of one text: up to 4,096 units that were checked before, and behind them what is new. */
  check: Check
  /** New units that are looked at together. Default: 200. */
  everyChars?: number
  /** Default: every text that a person reads: text, reasoning and refusal. */
  fields?: readonly FilteredField[]
}

/** Text that waits, and what was checked before it. */
interface CheckedText {
  before: string
  waiting: string
}

/**
 * A filter that shows text only when a check has let it pass: every
 * `everyChars` units, up to the last white space (so that no check sees half a
 * word), and at the end of each block. What offends is not shown, nor anything
 * after it; the run ends as `failed` with the check's sentence. What earlier
 * checks let pass stays, also where the offence began in it.
 */
export function moderation(options: ModerationOptions): Filter {
  const { name = 'moderation', check, everyChars = 200, fields } = options
  if (!(everyChars >= 1)) throw new TypeError(`everyChars is ${everyChars}: it is 1 or more.`)
  return {
    name,
    stream: (context) => {
      const texts = new GrowingDeltas(fields, (): CheckedText => ({ before: '', waiting: '' }))
      let ended = false

      /** The first `length` units that wait, if they may be shown. */
      const pass = async (text: CheckedText, length: number): Promise<string> => {
        const checked = text.waiting.slice(0, length)
        if (checked === '') return ''
        const sentence = await check(text.before + checked, context)
        if (sentence !== null) {
          ended = true
          context.end(sentence)
          return ''
        }
        text.waiting = text.waiting.slice(length)
        text.before = lastWords(text.before + checked)
        return checked
      }

      return async (event) => {
        if (ended) return null
        if (event.type === 'block_start') texts.started(event)
        if (event.type === 'block_end') {
          const events: ProviderEvent[] = []
          for (const [field, text] of texts.ended(event.key)) {
            const rest = await pass(text, text.waiting.length)
            if (ended) return null
            if (rest !== '') events.push({ type: 'delta', key: event.key, field, text: rest })
          }
          return [...events, event]
        }
        const text = event.type === 'delta' ? texts.of(event) : undefined
        if (event.type !== 'delta' || !text) return event
        text.waiting += event.text
        if (text.waiting.length < everyChars) return null
        const breath = new Breath()
        let passed = ''
        while (text.waiting.length > Math.max(pieceChars, everyChars) && !ended) {
          passed += await pass(text, wholeWords(text.waiting.slice(0, Math.max(pieceChars, everyChars)), 1))
          await breath.due()
        }
        if (text.waiting.length >= everyChars && !ended)
          passed += await pass(text, wholeWords(text.waiting, 2 * everyChars))
        return passed === '' ? null : { ...event, text: passed }
      }
    },
  }
}

/** Up to the last white space; all, if there is none and it is as long as `most`. */
function wholeWords(text: string, most: number): number {
  const end = text.search(/\s\S*$/) + 1
  return end > 0 || text.length < most ? end : text.length
}

/** What the next check sees of it: half a word at its beginning might read as another word. */
function lastWords(text: string): string {
  return text.length > contextChars ? text.slice(-contextChars).replace(/^\S+\s/, '') : text
}

/** A check for words and phrases, whole ones, in upper or lower case. */
export function wordList(
  words: readonly string[],
  sentence = 'The answer was ended: it held words that are not allowed here.',
): Check {
  if (words.length === 0 || words.some((word) => word.trim() === '')) throw new TypeError('A list of words has words.')
  const escaped = words.map((word) => word.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&').replace(/\s+/g, '\\s+'))
  const listed = new RegExp(`(?<![\\p{L}\\p{N}])(?:${escaped.join('|')})(?![\\p{L}\\p{N}])`, 'iu')
  return (text) => (listed.test(text) ? sentence : null)
}
