/** The parts of a content that is a list: each kind goes where it belongs. */
import { isMarkedThought, thoughtsOf } from './chat-reasoning.ts'
import { isFields, type Fields } from './frames.ts'
import { mediaOf, type Media } from './media.ts'

/** Who takes the parts, in their order. */
export interface PartsSink {
  content(text: string): void
  thoughts(text: string, isSummary: boolean): void
  refuse(text: string): void
  annotate(annotation: unknown): void
  call(fragment: Fields): void
  media(media: Media): void
  sound(audio: unknown): void
  ignored(path: string): void
}

export function takeContent(content: unknown, sink: PartsSink): void {
  if (typeof content === 'string') {
    if (content !== '') sink.content(content)
  } else if (Array.isArray(content)) for (const part of content) takeContent(part, sink)
  else if (isFields(content)) takePart(content, sink)
}

function takePart(part: Fields, sink: PartsSink): void {
  const type = typeof part.type === 'string' ? part.type : ''
  if (isMarkedThought(part) || /reason|think|thought|summary/.test(type)) {
    const text = thoughtsOf(part)
    if (text !== '') sink.thoughts(text, type.includes('summary') || 'summary' in part)
    return
  }
  if (type === 'refusal') return sink.refuse(wordsOf(part.refusal) || wordsOf(part.text))
  if (/tool_result|call_output/.test(type)) return sink.ignored(`content.${type}`)
  if (/^(?:tool_use|tool_call|function|function_call|custom_tool_call|server_tool_use)$/.test(type))
    return sink.call(callOf(part))
  if (/audio/.test(type) || (type === '' && part.audio)) return sink.sound(part.audio ?? part.input_audio ?? part)
  if (/image|video|file|document|inline_data/.test(type) || (type === '' && hasMedia(part))) {
    const media = mediaOf(part, /file|document/.test(type) ? 'file' : 'image')
    return media ? sink.media(media) : sink.ignored(`content.${type || 'part'}`)
  }
  const text = wordsOf(part.text) || wordsOf(part.content) || wordsOf(part.output_text)
  if (text !== '') sink.content(text)
  if (Array.isArray(part.annotations)) for (const annotation of part.annotations) sink.annotate(annotation)
  if (!/text/.test(type) && (type !== '' || text === '') && says(part)) sink.ignored(`content.${type || 'part'}`)
}

function hasMedia(part: Fields): boolean {
  return ['image_url', 'image', 'inline_data', 'inlineData', 'b64_json'].some((name) => part[name])
}

function wordsOf(value: unknown): string {
  if (typeof value === 'string') return value
  return isFields(value) && typeof value.value === 'string' ? value.value : ''
}

/** Is there anything in it beside its type? */
function says(part: Fields): boolean {
  return Object.entries(part).some(([name, value]) => name !== 'type' && holds(value))
}

/** A call that stands among the parts, as an entry of `tool_calls`. */
function callOf({ id, call_id, name, input, arguments: args, function: called, ...rest }: Fields): Fields {
  if (isFields(called)) return { ...rest, id: id ?? call_id, function: called }
  return { id: id ?? call_id, function: { name, arguments: args ?? input } }
}

/** Anything at all: neither null, nor empty. */
export function holds(value: unknown): boolean {
  if (value === null || value === undefined || value === '' || value === false) return false
  return typeof value !== 'object' || Object.keys(value).length > 0
}
