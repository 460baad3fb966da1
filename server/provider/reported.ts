/**
 * Whether JSON of a provider reports a failure, and in whose words. One rule for
 * the frames of a stream, for a whole body and for the body of an HTTP error.
 */
import { parsed } from '../../shared/json.ts'
import { isDeeper } from '../../shared/json-depth.ts'
import { isAlive, isFields, type Fields } from './frames.ts'

/** Errors inside errors, and so on: what is deeper is no sentence. */
const maxDepth = 20
/** A list of faults is no longer than a person reads. */
const maxListed = 5

/** Where servers put the sentence, the usual place first. */
const sentenceFields = [
  'message',
  'Message',
  'msg',
  'Msg',
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

const wellWord =
  /^(?:0|2\d\d|ok|success(?:ful)?|succeeded|complete|completed|queued|pending|processing|running|loading|starting|started|connected|in_progress)$/i

/** `0`, `200` and the like say that all is well. */
function saysWell(code: unknown): boolean {
  if (typeof code === 'number') return code === 0 || (code >= 200 && code < 300)
  if (typeof code !== 'string') return false
  return wellWord.test(code)
}

function saysFailed(code: unknown): boolean {
  if (typeof code === 'number') return code >= 300 || code < 0
  return typeof code === 'string' && /^(?:[3-9]\d\d+|error|failed|failure|fail)$/i.test(code)
}

/**
 * What of a JSON value reports a failure, to be read by `sentenceOf`; undefined
 * where nothing does. `error: null`, `code: 0` and their like report none, and
 * words that stand beside a part of an answer are none either. `eventName`: what
 * the event is called that it came in.
 */
export function failureIn(value: unknown, eventName?: string): unknown {
  if (Array.isArray(value)) {
    for (const entry of value.slice(0, maxListed)) {
      const failure = failureIn(entry)
      if (failure !== undefined) return failure
    }
    return undefined
  }
  return isFields(value)
    ? (namedFailure(value) ?? (holdsAnswer(value) ? undefined : spokenFailure(value, eventName)))
    : undefined
}

/** A failure that is called one. It counts beside an answer, too. */
export function namedFailure(frame: Fields): unknown {
  let isPlain = true
  for (const name in frame) {
    if (plainNames.has(name)) continue
    isPlain = false
    const value = frame[name]
    if (value && failureName.test(name) && !isHarmless(value))
      return typeof value === 'object' || typeof value === 'string' ? value : frame
  }
  const base = isPlain ? undefined : frame.base_resp
  if (isFields(base) && holdsCode(base.status_code) && !saysWell(base.status_code)) return base
  if (frame.object === 'error' || frame.type === 'error') return frame
  if (isPlain) return undefined
  return codeFields.some((field) => saysFailed(frame[field])) && speaks(frame) ? frame : undefined
}

/** `error`, `error_message`, `ErrorMsg`, `fault`, `throttlingException`; no code or type of one, which may say that all is well. */
const failureName =
  /^(?:errors?|err|fault|exception)(?:_?(?:msg|message|info|details?|description))?$|[a-z](?:_e|E)(?:rror|xception)$/i

/** Names that say nothing of a failure; most chunks have no others, and are spared the look. */
const plainNames = new Set(
  'id object created model choices usage system_fingerprint service_tier provider index delta finish_reason logprobs role content type'.split(
    ' ',
  ),
)

/** What has a title or a description alone is no failure. */
const silentFields = new Set<string>(['title', 'description'])

/** Has it words of its own that do not say that all is well? */
function speaks(frame: Fields): boolean {
  return sentenceFields.some((field) => {
    const words = silentFields.has(field) ? undefined : frame[field]
    if (typeof words === 'string') return words.trim() !== '' && !saysWell(words.trim())
    return field === 'detail' && !!words && !isHarmless(words)
  })
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
  return (
    (typeof list === 'object' && list !== null && Object.keys(list).length > 0) || isFields(usage) || isFields(response)
  )
}

/** An error without the word: a sentence, or a code, where an answer should stand. */
function spokenFailure(frame: Fields, eventName: string | undefined): unknown {
  if (frame.success === false || frame.ok === false) return frame
  if (frame.success === true || frame.ok === true) return undefined
  if (codeFields.some((field) => saysFailed(frame[field]))) return frame
  if (codeFields.some((field) => saysWell(frame[field])) || isAlive(frame)) return undefined
  const inner = innerFailure(frame)
  if (inner !== undefined) return inner
  if (!speaks(frame)) return undefined
  // With a code, or a name of trouble, words are a failure. An event with another name is not understood; that is no failure.
  if (codeFields.some((field) => holdsCode(frame[field]))) return frame
  const names = [frame.type, frame.object, eventName === 'message' ? undefined : eventName].filter(
    (name) => typeof name === 'string' && name !== '',
  ) as string[]
  return names.length === 0 || names.some((name) => troubleName.test(name)) ? frame : undefined
}

const troubleName =
  /error|exception|fault|fail|invalid|denied|exceed|limit|unauthor|forbidden|not_?found|unavailable|overload|insufficient|quota/i

/** In what stands around it: `header: {code, message}`, `Response: {Error}`, `status: {code, message}`. */
function innerFailure(frame: Fields, depth = 0): unknown {
  for (const value of Object.values(frame)) {
    if (!isFields(value)) continue
    const failure = namedFailure(value) ?? (depth < 2 ? innerFailure(value, depth + 1) : undefined)
    if (failure !== undefined) return failure
  }
  return undefined
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
  for (const inner of [fields.error, fields.errors, fields.Error, fields.base_resp, fields.response]) {
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
