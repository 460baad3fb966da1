/**
 * Chat Completions: chunks → events. Real servers send less, more and other
 * than the books say: `docs/PROVIDERS.md` has the rules, `tests/fixtures/streams`
 * and `tests/provider` an example of each oddity.
 */
import { RunnelError } from '../../shared/errors.ts'
import type { FinishReason } from '../../shared/schema.ts'
import { ChatBlocks } from './chat-blocks.ts'
import { ChatCalls } from './chat-calls.ts'
import { sourceBlocks } from './chat-delta.ts'
import { choiceFields, deltaFields } from './chat-fields.ts'
import { holds, takeContent, type PartsSink } from './chat-parts.ts'
import { reasoningOf, type ReasoningField } from './chat-reasoning.ts'
import type { ProviderEvent } from './events.ts'
import { heldBytes, reportedFailure } from './failures.ts'
import { emptyAnswer, endingOf, finishWord, unknownWord } from './finish-reasons.ts'
import { isAlive, isFields, readFrame, type Fields, type StreamMapper } from './frames.ts'
import { KeptReasoning } from './kept-reasoning.ts'
import { mediaOf, type Media } from './media.ts'
import { failureIn, namedFailure } from './reported.ts'
import { Sound } from './sound.ts'
import { usageOf } from './usage.ts'

interface ChatOptions {
  /** Of what comes with the end of the answer only, so that nobody else can count it before. */
  maxHeldBytes?: number
  /** Tags around thoughts in the text; default: `defaultThinkTags`. */
  thinkTags?: readonly string[]
}

/** The message of a stream is its choice 0. */
export class ChatMapper implements StreamMapper, PartsSink {
  readonly events: ProviderEvent[] = []
  finished = false
  readonly #onUnknown: (path: string) => void
  readonly #blocks: ChatBlocks
  readonly #calls: ChatCalls
  readonly #kept: KeptReasoning
  #sound: Sound | undefined
  #reasoningField: ReasoningField | null = null
  /** Of the thoughts, for those that come a second time in another field. */
  #thoughts = ''
  #reason: FinishReason | null = null
  #word = ''
  #usage: unknown
  #searchResults: unknown
  /** Words came in deltas: what a `message` repeats of them is no news. */
  #hasDeltas = false
  /** Of messages in the place of deltas. */
  #message = ''
  #isReported = false
  readonly #hold: (bytes: number) => void

  constructor(onUnknown: (path: string) => void, { maxHeldBytes = Infinity, thinkTags }: ChatOptions = {}) {
    this.#onUnknown = onUnknown
    this.#hold = heldBytes(maxHeldBytes)
    this.#kept = new KeptReasoning(this.#hold, maxHeldBytes)
    this.#blocks = new ChatBlocks(this.events, this.#kept, this.#hold, thinkTags)
    this.#calls = new ChatCalls(this.events, onUnknown)
  }

  get settled(): boolean {
    return this.#reason !== null
  }

  push(type: string | undefined, data: string): boolean {
    try {
      const frame = readFrame(type, data)
      if (frame === null) return false
      if (frame !== 'done') return this.#frame(frame, type)
      this.#finish(this.#reason)
      return true
    } catch (error) {
      this.#report()
      throw error
    }
  }

  end(failure: RunnelError): void {
    if (this.#reason) return this.#finish(this.#reason)
    this.#report()
    throw failure
  }

  ignored(path: string): void {
    this.#onUnknown(path)
  }

  #frame(chunk: Fields, type: string | undefined): boolean {
    const { choices } = chunk
    if (Array.isArray(choices)) {
      for (const choice of choices) if (isFields(choice) && !choice.index) this.#choice(choice)
    }
    const usage = chunk.usage ?? (chunk.x_groq as Fields | undefined)?.usage
    if (usage) this.#usage = usage
    if (chunk.search_results || chunk.citations) this.#searchResults = chunk.search_results ?? chunk.citations
    const failure = failureIn(chunk)
    if (failure !== undefined) throw reportedFailure(failure)
    if (choices || usage) return true
    if (isAlive(chunk)) return false
    this.ignored(String(chunk.object ?? chunk.type ?? type ?? 'chunk'))
    return true
  }

  #choice(choice: Fields): void {
    const { delta, message } = choice
    if (isFields(delta) && holds(delta)) this.#delta(delta)
    else if (message !== undefined || typeof choice.text === 'string') this.#whole(message ?? choice.text)
    if (choice.usage) this.#usage = choice.usage
    for (const name in choice) if (!choiceFields.has(name) && holds(choice[name])) this.ignored(`choices.${name}`)
    const failure = namedFailure(choice) ?? (isFields(delta) ? namedFailure(delta) : undefined)
    if (failure !== undefined) throw reportedFailure(failure)
    const word = finishWord(choice.finish_reason, choice.finishReason, isFields(delta) ? delta.finish_reason : null)
    if (word !== undefined) this.#ending(word, choice)
  }

  #ending(word: string, { message, error }: Fields): void {
    const ending = endingOf(word)
    if (ending === null) return
    if (ending === 'failed')
      throw reportedFailure(error ?? (typeof message === 'string' ? message : `it ended with ${word}`))
    this.#reason = ending
    this.#word = word
  }

  /** A message in the place of a delta: the whole answer, the next piece of it, or all that there is so far. */
  #whole(message: unknown): void {
    if (this.#hasDeltas) return
    const said = typeof message === 'string' ? { content: message } : message
    if (!isFields(said)) return
    const { content } = said
    if (typeof content !== 'string' || content === '' || this.#message === '') {
      if (typeof content === 'string') this.#message = content
      return this.#take(said)
    }
    const grows = content.startsWith(this.#message)
    const news = grows ? content.slice(this.#message.length) : content
    this.#message = grows ? content : this.#message + content
    this.#take({ ...said, content: news })
  }

  #delta(delta: Fields): void {
    const before = this.events.length
    this.#take(delta)
    if (this.events.length > before) this.#hasDeltas = true
  }

  #take(delta: Fields): void {
    const found = reasoningOf(delta, this.#reasoningField)
    this.#kept.delta(delta)
    if (found) this.#think(found.text, found.isSummary, found.field)
    const { content, refusal, tool_calls: calls, function_call: called, annotations, audio } = delta
    if (typeof content === 'string') {
      if (content !== '') this.#blocks.content(content)
    } else if (content) takeContent(content, this)
    if (refusal && typeof refusal === 'string') this.refuse(refusal)
    if (Array.isArray(calls)) for (const fragment of calls) this.call(fragment)
    else if (isFields(calls)) this.call(calls)
    if (isFields(called)) this.#calls.legacy(called, () => this.#blocks.leave('completed'))
    if (Array.isArray(annotations)) for (const annotation of annotations) this.annotate(annotation)
    if (delta.images ?? delta.image) this.#images(delta.images ?? delta.image)
    if (audio) this.sound(audio)
    for (const name in delta) if (!deltaFields.has(name) && holds(delta[name])) this.ignored(`choices.delta.${name}`)
  }

  #think(text: string, isSummary: boolean, field: ReasoningField): void {
    if (this.#reasoningField !== null && field !== this.#reasoningField && this.#isRepeated(text)) return
    this.#reasoningField ??= field
    this.#thoughts += text
    this.#blocks.thoughts(text, isSummary)
  }

  /** Some servers send at the end, in another field, what they sent piece by piece. */
  #isRepeated(text: string): boolean {
    const plain = text.trim()
    if (Math.abs(text.length - this.#thoughts.length) <= leastRepeated && plain === this.#thoughts.trim()) return true
    return plain.length >= leastRepeated && this.#thoughts.slice(-maxComparedChars).includes(plain)
  }

  // What the parts of a content are given to.

  content(text: string): void {
    this.#blocks.content(text)
  }

  thoughts(text: string, isSummary: boolean): void {
    this.#think(text, isSummary, 'content')
  }

  refuse(text: string): void {
    this.#blocks.refuse(text)
  }

  annotate(annotation: unknown): void {
    this.#blocks.annotate(annotation)
  }

  call(fragment: unknown): void {
    this.#calls.add(fragment, () => this.#blocks.leave('completed'))
  }

  media(media: Media): void {
    this.#blocks.media(media)
  }

  sound(audio: unknown): void {
    if (!isFields(audio)) return this.ignored('choices.delta.audio')
    const { data, transcript } = audio
    if (typeof transcript === 'string' && transcript !== '') this.#blocks.content(transcript)
    if (typeof data === 'string' && data !== '') (this.#sound ??= new Sound(this.#hold)).add(data)
    else if (!('transcript' in audio)) {
      const media = mediaOf(audio, 'audio')
      if (media) this.media(media)
    }
  }

  #images(images: unknown): void {
    for (const image of Array.isArray(images) ? images : [images]) {
      const media = mediaOf(image, 'image')
      if (media) this.media(media)
      else if (holds(image)) this.ignored('choices.delta.images')
    }
  }

  /** What was held back, and what it cost: before any end. */
  #report(): void {
    if (this.#isReported) return
    this.#isReported = true
    this.#blocks.flush()
    const usage = usageOf(this.#usage)
    if (usage) this.events.push({ type: 'usage', usage })
  }

  #finish(given: FinishReason | null): void {
    this.#report()
    const wasCut = given === 'length' || given === 'content_filter'
    const sound = this.#sound?.file()
    if (sound) this.#blocks.media(sound)
    this.#calls.end()
    const isEmpty = !this.#blocks.holdsAny && !this.#calls.holdsAny
    if (isEmpty && given === null)
      throw new RunnelError(
        'provider_bad_response',
        'The model provider ended the answer without saying anything, and gave no reason.',
      )
    this.#blocks.end(wasCut)
    this.#calls.close(wasCut)
    this.#keepReasoning()
    for (const [index, block] of sourceBlocks(this.#searchResults).entries()) {
      this.events.push({ type: 'block_start', key: `source-${index}`, block })
      this.events.push({ type: 'block_end', key: `source-${index}`, status: 'completed' })
    }
    const reason = given ?? 'unknown'
    const note = given === 'unknown' ? unknownWord(this.#word) : isEmpty ? emptyAnswer(reason) : undefined
    this.events.push({ type: 'finish', reason, ...(note !== undefined && { note }) })
    this.finished = true
  }

  #keepReasoning(): void {
    const reasoning = this.#kept.wanted()
    if (!reasoning) return
    const data = { api: 'chat', reasoning: { ...reasoning } }
    this.events.push({ type: 'provider_data', key: this.#blocks.reasoningKey, data, hidden: this.#kept.text })
  }
}

/** Of earlier thoughts so much is searched for a piece that another field says; all of them are compared with the whole. */
const maxComparedChars = 4_096
/** Shorter words may come twice by chance. */
const leastRepeated = 16
