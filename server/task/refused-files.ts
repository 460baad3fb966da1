/**
 * Files that a model refused. Servers answer a whole request with 400 because of
 * one image, and would do so for each later question of the chat: so the file is
 * found, named, and left out from then on. That stands beside the question that
 * brought it, by model, since another model may take it.
 */
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import type { PromptItem } from '../provider/events.ts'
import type { ProviderData, Store } from '../store/store.ts'

/** A file of which more than its name went to the model. */
export interface SentFile {
  id: string
  /** Whose file it is. */
  questionId: string
  name: string
  mimeType: string
  /** The content part that holds it. */
  part: JsonObject
  /** The model has given no answer yet since it came. */
  isNew: boolean
}

/** A file of which only the name goes, because the model refused it before. */
export interface LeftOutFile {
  name: string
  /** What the provider said. */
  words: string
  /** The content part that names it. */
  part: JsonObject
}

/** By the statuses with which a server refuses what it was sent. */
const refusing = new Set<unknown>([400, 413, 415, 422])
const wordsOfImages = /image|picture|photo|vision|visual|multi-?modal|media|pixel|png|jpe?g|gif|webp/i
const wordsOfFiles = /\bfile|document|attachment|upload|base64|data.?ur[il]|mime|content.?type|content part/i
/** What a request is refused for that has nothing to do with files. */
const otherReasons =
  /context.{0,20}(?:length|window)|(?:maximum|too many|max\w*).{0,30}tokens|temperature|top_p|tool|function|schema|reasoning|thinking|api.?key|quota|credit|unknown (?:name|parameter|field)|unrecognized|unsupported parameter|model\b.{0,60}\b(?:not (?:exist|found)|does not exist)/i

/** Which of the files it was, and whether the provider's words say so. Null: it was for something else. */
export function refusedFile(
  sent: readonly SentFile[],
  prompt: readonly PromptItem[],
  failure: unknown,
): { file: SentFile; isSure: boolean } | null {
  if (!isRunnelError(failure) || failure.code !== 'provider_rejected' || sent.length === 0) return null
  const details = (failure.details ?? {}) as { status?: unknown; param?: unknown; code?: unknown }
  if (!refusing.has(details.status)) return null
  const words = [failure.message, details.param, details.code].filter((one) => typeof one === 'string').join(' ')
  const named = sent.findLast(({ name }) => isFileName(name) && names(words, name)) ?? atPath(sent, prompt, words)
  if (named) return { file: named, isSure: true }
  const newest = (files: readonly SentFile[]) => files.findLast(({ isNew }) => isNew) ?? files.at(-1)
  const images = sent.filter(({ mimeType }) => mimeType.startsWith('image/'))
  if (wordsOfImages.test(words) && images.length > 0) {
    const ofType = images.filter(({ mimeType }) => words.includes(mimeType))
    const of = ofType.length > 0 ? ofType : images
    return { file: newest(of)!, isSure: of.length === 1 }
  }
  if (wordsOfFiles.test(words) || details.status === 413 || details.status === 415)
    return { file: newest(sent)!, isSure: sent.length === 1 }
  if (otherReasons.test(words)) return null
  const file = sent.findLast(({ name }) => names(words, name)) ?? sent.findLast(({ isNew }) => isNew)
  return file ? { file, isSure: false } : null
}

/** With an extension: what has none could be any word of a sentence. */
function isFileName(name: string): boolean {
  return /\.(?=\p{N}*\p{L})[\p{L}\p{N}]{1,10}$/u.test(name)
}

/** The name stands there as a whole, and not within another name or word. */
function names(words: string, name: string): boolean {
  if (name === '') return false
  for (let at = words.indexOf(name); at >= 0; at = words.indexOf(name, at + 1)) {
    const behind = at + name.length
    const [left, right] = [words.slice(Math.max(0, at - 2), at), words.slice(behind, behind + 3)]
    if (!/[\p{L}\p{N}_.-]$/u.test(left) && !/^(?:[\p{L}\p{N}_-]|\.[\p{L}\p{N}])/u.test(right)) return true
  }
  return false
}

/** `messages[1].content[2]` and the like, as Chat Completions counts. */
function atPath(sent: readonly SentFile[], prompt: readonly PromptItem[], words: string): SentFile | undefined {
  const path = /messages\W{1,2}(\d+)\W{1,3}content\W{1,2}(\d+)/.exec(words)
  if (!path) return undefined
  let message = 0
  for (const item of prompt) {
    if (message === Number(path[1]) && item.role === 'user') {
      const part = item.parts?.[Number(path[2]) - (item.text === '' ? 0 : 1)]
      return sent.find((file) => file.part === part)
    }
    message += item.role === 'assistant' ? 1 + (item.toolCalls?.length ?? 0) : 1
  }
  return undefined
}

/** The error with the name of the file, as a person reads it. */
export function namingFile(failure: RunnelError, { name }: SentFile, isSure: boolean): RunnelError {
  return new RunnelError(
    failure.code,
    `${failure.message.replace(/[.…]*$/, '.')} This ${isSure ? 'concerns' : 'may concern'} the attached file ${JSON.stringify(name)}: later questions of this chat, and Continue, go without it.`,
    { details: failure.details, cause: failure.cause },
  )
}

export function leftOutWords({ name, words }: Pick<LeftOutFile, 'name' | 'words'>): string {
  return `The attached file ${JSON.stringify(name)} was left out of what the model was asked, because its provider had refused it: ${words}`
}

export function tooManyWords(names: readonly string[], maxBytes: number): string {
  const shown = names.slice(-3).map((name) => JSON.stringify(name))
  const more = names.length - shown.length
  return `Of the attached files ${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''} the model got only the names: those of one request have ${maxBytes} bytes at the most, the newest first (RUNNEL_MAX_FILE_BYTES_PER_REQUEST).`
}

function keyOf(fileId: string, model: string): string {
  return `refused:${fileId}:${model}`
}

export async function keepRefusal(
  store: Store,
  { id, questionId }: SentFile,
  model: string,
  words: string,
): Promise<void> {
  await store.putProviderData(questionId, [{ blockId: keyOf(id, model), data: { words } }])
}

/** What a question's files were refused for by this model, by file id. `editOf`: a question that had them before. */
export async function refusalsOf(
  store: Store,
  questionId: string,
  model: string,
  editOf: string | undefined,
): Promise<Map<string, string>> {
  let kept = await store.getProviderData(questionId)
  if (editOf !== undefined) {
    const known = new Set(kept.map(({ blockId }) => blockId))
    const inherited = (await store.getProviderData(editOf)).filter(({ blockId }) => !known.has(blockId))
    if (inherited.length > 0) await store.putProviderData(questionId, inherited)
    kept = [...kept, ...inherited]
  }
  return new Map(kept.flatMap((entry) => refusalOf(entry, model)))
}

function refusalOf({ blockId, data }: ProviderData, model: string): [fileId: string, words: string][] {
  const fileId = /^refused:([^:]+):/.exec(blockId)?.[1]
  if (fileId === undefined || blockId !== keyOf(fileId, model)) return []
  return [[fileId, String((data as JsonObject | null)?.words ?? '')]]
}
