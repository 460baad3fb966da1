/**
 * Whether JSON of a provider reports a failure, and in whose words. One rule for
 * the frames of a stream, for a whole body and for the body of an HTTP error.
 */
import { isDeeper } from '../../shared/json-depth.ts'
import { isFields, type Fields } from './frames.ts'

/** Errors inside errors, and so on: what is deeper is no sentence. */
const maxDepth = 20
/** A list of faults is no longer than a person reads. */
const maxListed = 5

/** Where servers put the sentence, the usual place first. */
const sentenceFields = [
  'message',
  'Message',
  'msg',
  'detail',
  'error_message',
  'errorMessage',
  'error_msg',
  'errorMsg',
  'err_msg',
  'err',
  'faultstring',
  'errmsg',
  'status_msg',
  'statusMessage',
  'error_description',
  'description',
  'title',
  'reason',
] as const

/** Where servers put a number or a word that says how it went. */
const codeFields = [
  'code',
  'Code',
  'statusCode',
  'status_code',
  'error_code',
  'errorCode',
  'errcode',
  'status',
] as const

/** `0`, `200` and the like say that all is well. */
function saysWell(code: unknown): boolean {
  if (typeof code === 'number') return code === 0 || (code >= 200 && code < 300)
  if (typeof code !== 'string') return false
  return /^(?:0|2\d\d|ok|success(?:ful)?|succeeded|completed|queued|pending|processing|running|in_progress)$/i.test(
    code,
  )
}

function saysFailed(code: unknown): boolean {
  if (typeof code === 'number') return code >= 300 || code < 0
  return typeof code === 'string' && /^(?:[3-9]\d\d+|error|failed|failure|fail)$/i.test(code)
}

/**
 * What of a JSON value reports a failure, to be read by `sentenceOf`; undefined
 * where nothing does. `error: null`, `code: 0` and their like report none, and
 * words that stand beside a part of an answer are none either.
 */
export function failureIn(value: unknown): unknown {
  if (Array.isArray(value)) {
    for (const entry of value.slice(0, maxListed)) {
      const failure = failureIn(entry)
      if (failure !== undefined) return failure
    }
    return undefined
  }
  return isFields(value) ? (namedFailure(value) ?? (holdsAnswer(value) ? undefined : spokenFailure(value))) : undefined
}

/** A failure that is called one. It counts beside an answer, too. */
export function namedFailure(frame: Fields): unknown {
  const { error, errors, base_resp: base } = frame
  if (error && !isHarmless(error)) return typeof error === 'object' || typeof error === 'string' ? error : frame
  if (errors && !isHarmless(errors)) return errors
  if (isFields(base) && holdsCode(base.status_code) && !saysWell(base.status_code)) return base
  return frame.object === 'error' || frame.type === 'error' ? frame : undefined
}

function holdsCode(code: unknown): boolean {
  return typeof code === 'number' || (typeof code === 'string' && code !== '')
}

/** Without anything in it, or with a code of success and no sentence. */
function isHarmless(error: unknown): boolean {
  if (typeof error === 'string') return error.trim() === ''
  if (typeof error !== 'object' || error === null) return !error
  const values = Object.values(error) as unknown[]
  if (isFields(error) && codeFields.some((field) => saysWell(error[field]))) {
    const sentence = ownSentence(error, 1)
    return sentence === '' || saysWell(sentence)
  }
  return values.every((item) => item === null || item === '' || item === false || item === undefined)
}

function holdsAnswer({ choices, usage, output, response, candidates }: Fields): boolean {
  const list = choices ?? output ?? candidates
  return (Array.isArray(list) && list.length > 0) || isFields(usage) || isFields(response)
}

/** An error without the word: a sentence, or a code, where an answer should stand. */
function spokenFailure(frame: Fields): unknown {
  if (frame.success === false || frame.ok === false) return frame
  if (frame.success === true || frame.ok === true) return undefined
  for (const inner of [frame.Error, frame.fault, frame.exception]) if (inner && !isHarmless(inner)) return inner
  if (codeFields.some((field) => saysFailed(frame[field]))) return frame
  if (codeFields.some((field) => saysWell(frame[field]))) return undefined
  // An event with a name of its own is not understood; that is no failure.
  for (const name of [frame.type, frame.object])
    if (typeof name === 'string' && name !== '' && !/error|exception|fault/i.test(name)) return undefined
  const speaks = sentenceFields.some((field) => {
    const words = frame[field]
    return typeof words === 'string' ? words.trim() !== '' : field === 'detail' && !!words && !isHarmless(words)
  })
  return speaks ? frame : undefined
}

/** The provider's own sentence; empty where it has none. */
export function sentenceOf(error: unknown, depth = 0): string {
  if (typeof error === 'string') return readable(error, depth)
  if (typeof error !== 'object' || error === null) return ''
  if (depth === 0 && isDeeper(error, maxDepth)) return ''
  if (depth > maxDepth) return ''
  if (Array.isArray(error))
    return error
      .slice(0, maxListed)
      .map((item) => sentenceOf(item, depth + 1))
      .filter((sentence) => sentence !== '')
      .join('; ')
  const fields = error as Fields
  const sentence = ownSentence(fields, depth)
  if (sentence !== '') return sentence
  return depth === 0 ? readable(JSON.stringify(error), maxDepth) : ''
}

function ownSentence(fields: Fields, depth: number): string {
  for (const name of sentenceFields) {
    const words = sentenceOf(fields[name], depth + 1)
    if (words !== '') return withPlace(fields, withOrigin(fields, words, depth))
  }
  for (const inner of [fields.error, fields.errors, fields.base_resp, fields.response]) {
    const words = sentenceOf(inner, depth + 1)
    if (words !== '') return words
  }
  return ''
}

/** Which field of the request it is about, as FastAPI says it. */
function withPlace({ loc }: Fields, words: string): string {
  return Array.isArray(loc) && loc.length > 0 ? `${loc.slice(0, maxDepth).join('.')}: ${words}` : words
}

/** A gateway's sentence says little without that of the provider behind it. */
function withOrigin({ metadata }: Fields, words: string, depth: number): string {
  const origin = isFields(metadata) ? sentenceOf(metadata.raw, depth + 1) : ''
  return origin === '' || words.includes(origin) ? words : `${words}: ${origin}`
}

/** Pages of HTML are no sentence; JSON as a text holds one. */
function readable(text: string, depth: number): string {
  const sentence = text.trim()
  if (sentence.startsWith('<')) return ''
  if (depth < maxDepth && (sentence.startsWith('{') || sentence.startsWith('['))) {
    const inner = parsed(sentence)
    if (inner !== undefined && !isDeeper(inner, maxDepth)) {
      const words = sentenceOf(inner, depth + 1)
      if (words !== '') return words
    }
  }
  return sentence
}

/** The JSON that a text is; undefined for any other. */
export function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
