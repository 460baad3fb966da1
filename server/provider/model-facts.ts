/** What `GET /models` says, in the shapes of those who answer it. */
import type { ListedModel, ModelFacts } from './events.ts'
import { isFields, type Fields } from './frames.ts'

/** Longer names fit into no request. */
const maxIdChars = 150
/** More is no list that a person chooses from. */
const maxModels = 5_000
/** Facts stand beside the name, or in an object within (`capabilities`, `limits`, `architecture`, `meta`), or in one within that. */
const maxDepth = 3

/** The models of a list; null for what is none. Those that are known to answer no questions (embeddings, speech) are left out. */
export function modelsOf(body: unknown): ListedModel[] | null {
  const list = listOf(body)
  if (!list) return null
  const found = new Map<string, ListedModel>()
  for (const entry of list) {
    const id = idOf(entry)
    if (id === undefined || found.has(id)) continue
    const fields = isFields(entry) ? entry : {}
    if (answersQuestions(fields)) found.set(id, { id, ...factsOf(fields, id) })
    if (found.size >= maxModels) break
  }
  return [...found.values()]
}

/** `data` as OpenAI has it, `models` as Cohere and Gemini, or the bare list as Together. */
function listOf(body: unknown): readonly unknown[] | undefined {
  if (Array.isArray(body)) return body
  if (!isFields(body)) return undefined
  return [body.data, body.models].find((list) => Array.isArray(list))
}

function idOf(entry: unknown): string | undefined {
  const given = isFields(entry) ? [entry.id, entry.name, entry.model].find((id) => typeof id === 'string') : entry
  if (typeof given !== 'string') return undefined
  const id = given.trim()
  return id !== '' && id.length <= maxIdChars && id.isWellFormed() && !/[\p{Cc}*]/u.test(id) ? id : undefined
}

/** Every field of an entry by its plain name, those of objects within too: what stands further out counts. */
type Flat = Map<string, unknown>

function flat(fields: Fields, into: Flat = new Map(), depth = 1): Flat {
  const inner: Fields[] = []
  for (const [name, value] of Object.entries(fields)) {
    const plain = plainName(name)
    if (isFields(value)) inner.push(value)
    if (!into.has(plain)) into.set(plain, isFields(value) && 'supported' in value ? value.supported : value)
  }
  if (depth < maxDepth) for (const value of inner) flat(value, into, depth + 1)
  return into
}

const plainName = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')

const contextFields = [
  'maxModelLen',
  'contextLength',
  'contextWindow',
  'maxContextLength',
  'maxContextWindowTokens',
  'contextSize',
  'maxInputTokens',
  'inputTokenLimit',
  'nCtx',
  'nCtxTrain',
].map(plainName)

/** Yes or no, by fields of these names. */
const flags = {
  images: ['vision', 'supportsVision', 'supportsImageInput', 'supportsImageIn', 'imageInput', 'supportsImages'],
  tools: [
    'functionCalling',
    'supportsTools',
    'supportsToolCalls',
    'supportsFunctionCalling',
    'toolCalls',
    'toolUse',
    'toolCall',
  ],
  reasoning: ['reasoning', 'supportsReasoning', 'thinking'],
}

/** Lists that name all that there is of their kind: what is not in one is not there. */
const wholeLists = {
  images: ['inputModalities', 'supportedInputModalities'],
  tools: ['supportedParameters'],
  reasoning: ['supportedParameters'],
}

/** Lists of what a model is good at: they may leave things out. */
const looseLists = ['capabilities', 'tags', 'features', 'supportedFeatures'].map(plainName)

const words = {
  images: ['image', 'images', 'vision', 'multimodal', 'imageInput'],
  tools: ['tools', 'toolUse', 'toolCalling', 'functionCalling', 'toolCall'],
  reasoning: ['reasoning', 'thinking', 'reasoningEffort', 'includeReasoning'],
}

function factsOf(fields: Fields, id: string): ModelFacts {
  const found = flat(fields)
  const name = [fields.display_name, fields.displayName, fields.name].find(
    (given): given is string => typeof given === 'string' && given.trim() !== '' && given !== id,
  )
  const contextTokens = contextFields
    .map((field) => found.get(field))
    .find((value) => Number.isSafeInteger(value) && Number(value) > 0)
  const facts: ModelFacts = {}
  if (name !== undefined) facts.name = name.trim().slice(0, 200)
  for (const kind of ['images', 'tools', 'reasoning'] as const) {
    const known = abilityOf(kind, found)
    if (known !== undefined) facts[kind] = known
  }
  if (contextTokens !== undefined) facts.contextTokens = Number(contextTokens)
  return facts
}

function abilityOf(kind: 'images' | 'tools' | 'reasoning', found: Flat): boolean | undefined {
  for (const field of flags[kind]) {
    const value = found.get(plainName(field))
    if (typeof value === 'boolean') return value
  }
  for (const field of wholeLists[kind]) {
    const list = found.get(plainName(field))
    if (Array.isArray(list)) return names(list, kind)
  }
  const modality = found.get('modality')
  if (kind === 'images' && typeof modality === 'string' && modality.includes('->'))
    return names(modality.split('->')[0]!.split('+'), kind)
  if (kind === 'images' && found.get('type') === 'vlm') return true
  return looseLists.some((field) => {
    const list = found.get(field)
    return Array.isArray(list) && names(list, kind)
  })
    ? true
    : undefined
}

function names(list: readonly unknown[], kind: keyof typeof words): boolean {
  const known = words[kind].map(plainName)
  return list.some((entry) => typeof entry === 'string' && known.includes(plainName(entry)))
}

const otherTypes =
  /^(?:embeddings?|rerank(?:er)?|image|audio|speech|transcri\w*|moderation|video|tts|stt|text-to-\w+)$/i

/** Only what says of itself that it does something else does not. */
function answersQuestions(fields: Fields): boolean {
  const found = flat(fields)
  for (const field of ['completionchat', 'chatcompletion', 'supportschat', 'active'])
    if (found.get(field) === false) return false
  const type = fields.type ?? fields.task
  if (typeof type === 'string' && otherTypes.test(type)) return false
  const output = found.get('outputmodalities') ?? found.get('supportedoutputmodalities')
  if (Array.isArray(output) && output.length > 0 && !output.some((entry) => plainName(String(entry)) === 'text'))
    return false
  const endpoints = fields.endpoints
  return !(
    Array.isArray(endpoints) &&
    endpoints.length > 0 &&
    !endpoints.some((entry) => /chat|generate|responses/i.test(String(entry)))
  )
}
