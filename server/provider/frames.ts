/** What stands between the bytes of a provider stream and its meaning: frames with JSON in them. */
import { isObject } from '../../shared/json.ts'
import { RunnelError } from '../../shared/errors.ts'
import { isWhole } from '../../shared/wire.ts'
import { isDeeper } from '../../shared/json-depth.ts'
import type { ProviderEvent } from './events.ts'

export type Fields = Record<string, unknown>

/** What is nested deeper is no answer of a model. A frame may repeat the schemas of the request's tools. */
const maxDepth = 200

export function isFields(value: unknown): value is Fields {
  return isObject(value)
}

/** The place of an item, a part or a call; the first where it is absent or none. */
export function placeOf(value: unknown): number {
  return isWhole(value) ? value : 0
}

/** Turns the frames of one provider stream into events. */
export interface StreamMapper {
  /** Events that wait to be taken; the reader empties the array. */
  readonly events: ProviderEvent[]
  /** `finish` is among the events: nothing more is to be read. */
  readonly finished: boolean
  /** The answer is known to be whole; what comes now (usage, a late word) is taken, and need not come. */
  readonly settled: boolean
  /**
   * One frame. Returns false for one that says nothing and only keeps the line
   * open. Throws a RunnelError where the provider reports a failure; events stay
   * takeable.
   */
  push(type: string | undefined, data: string): boolean
  /** The stream is over without having said so: finishes where the answer is known to be whole, else throws `failure`. */
  end(failure: RunnelError): void
  /** Something came whose meaning is not known. */
  ignored(path: string): void
}

/** What a frame holds: JSON, the mark of the end, or nothing but a sign of life. */
type Frame = Fields | 'done' | null

const aliveWord = /^(?:(?:.*\.)?(?:ping|pong|keep[-_ ]?alive|heart[-_ ]?beat)|waiting|processing|queued|null|)$/i
/** A number, a mark, a word of life with its time, a name and that it works. */
const aliveText =
  /^(?:true|false|[\d\s.,:;+\-_*TZ\u200b]*|(?:ping|pong|keep[-_ ]?alive|heart[-_ ]?beat)[\d\s.,:;+\-_TZ]*|[\w-]+ processing)$/i
const doneWord = /^(?:done|end|eof|eos)$/i
const doneName = /^(?:done|end|complete|completed|close)$/i
const failedName = /^(?:(?!response\.).*[._-])?(?:error|exception)$|^(?:failed|failure)$/i
const wrapping = /^[\s"'[<({|]+|[\s"'\]>)}|]+$/g

/**
 * Reads a frame. Throws the failure that it reports where nothing of an answer
 * can stand beside it, and `provider_bad_response` for what is none.
 */
export function readFrame(type: string | undefined, data: string): Frame {
  if (type !== undefined && (type === 'response.error' || failedName.test(type))) return failedFrame(data)
  // What is longer than a word, and an object, need not be searched for one.
  if (data.length > (type === undefined ? 4 : maxWordChars) && data.charCodeAt(0) === 123 /* { */)
    return type !== undefined && isAliveWord(type) ? null : aliveFields(parseFrame(data))
  const text = data.trim()
  // A word in quotes or brackets, which is none of an answer.
  const word = text.length > maxWordChars ? text : text.replace(wrapping, '')
  if (text.startsWith(':') || aliveWord.test(word) || (text.length <= maxWordChars && aliveText.test(text)))
    return endsBy(type) ? 'done' : null
  if (doneWord.test(word) || (endsBy(type) && /^\w*$/.test(word))) return 'done'
  if (type !== undefined && isAliveWord(type)) return null
  // Some put a frame into a frame.
  if (text.startsWith('data:')) return readFrame(type, withoutFieldNames(text))
  return aliveFields(parseFrame(text))
}

const fieldName = /data:\s*/y

/** However many stand before it. */
function withoutFieldNames(text: string): string {
  let at = 0
  fieldName.lastIndex = 0
  while (fieldName.test(text)) at = fieldName.lastIndex
  return text.slice(at)
}

/** An event that is called so says it, where it says nothing else. */
function endsBy(type: string | undefined): boolean {
  return type !== undefined && doneName.test(type)
}

const maxWordChars = 40
/** `response.keep_alive`; the names of most events are longer. */
const maxAliveChars = 20

function aliveFields(frame: Fields): Frame {
  const { type, choices } = frame
  return typeof type === 'string' && choices === undefined && isAliveWord(type) ? null : frame
}

function isAliveWord(word: string): boolean {
  return word !== '' && word.length <= maxAliveChars && aliveWord.test(word)
}

/** JSON that only keeps the line open, by whatever name. To be asked of what reports no failure and holds no answer. */
export function isAlive(frame: Fields): boolean {
  const names = Object.keys(frame)
  if (names.length === 1 && isAliveWord(names[0]!)) return true
  return ['type', 'object', 'event', 'status', 'message'].some((name) => {
    const word = frame[name]
    return typeof word === 'string' && isAliveWord(word)
  })
}

/** The event itself says that it is one, whatever stands in it. */
function failedFrame(data: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch {
    return { type: 'error', message: data }
  }
  if (isFields(value)) return { ...value, type: 'error' }
  return { type: 'error', error: value ?? 'error' }
}

/** The JSON object of a frame; of a list with one object in it, that. Throws `provider_bad_response`. */
export function parseFrame(data: string): Fields {
  let value: unknown
  try {
    value = JSON.parse(data)
  } catch (error) {
    throw new RunnelError('provider_bad_response', `The model provider sent a frame that is no JSON${quoted(data)}`, {
      cause: error,
    })
  }
  // Each level has two brackets.
  if (data.length > 2 * maxDepth && isDeeper(value, maxDepth))
    throw new RunnelError(
      'provider_bad_response',
      `The model provider sent a frame nested deeper than ${maxDepth} levels.`,
    )
  if (isFields(value)) return value
  if (Array.isArray(value)) {
    const told = value.find((item) => isFields(item) && item.error)
    if (told !== undefined || (value.length === 1 && isFields(value[0]))) return (told ?? value[0]) as Fields
  }
  if (typeof value === 'string')
    throw new RunnelError(
      'provider_bad_response',
      `The model provider sent a frame that is no JSON object${quoted(value)}`,
    )
  throw new RunnelError('provider_bad_response', 'The model provider sent a frame that is no JSON object.')
}

/** Words of a server that speaks no JSON may say what is wrong; broken JSON says nothing to a person. */
function quoted(text: string): string {
  return /^\s*(?:\{|"|\[\s*[[{"])/.test(text) ? '.' : `: ${text.trim().slice(0, maxQuote)}`
}

const maxQuote = 200
