/**
 * Chat Completions: chunks → events. Real servers send less, more and other
 * than the books say: `docs/PROVIDERS.md` has the rules, `tests/fixtures/streams`
 * and `tests/provider` an example of each oddity.
 */
import { RunnelError } from '../../shared/errors.ts'
import type { FinishReason } from '../../shared/schema.ts'
import { ChatBlocks } from './chat-blocks.ts'
import { ChatCalls } from './chat-calls.ts'
import { choicesOf, choiceSays, deltasOf, ownWords } from './chat-choice.ts'
import { Messages } from './chat-message.ts'
import { sourceBlocks } from './chat-delta.ts'
import { choiceFields, chunkFields, deltaFields } from './chat-fields.ts'
import { holds, takeContent, type PartsSink } from './chat-parts.ts'
import { isMarkedThought, reasoningOf, thoughtsOf, type ReasoningField } from './chat-reasoning.ts'
import type { ProviderEvent } from './events.ts'
import { heldBytes, reportedFailure } from './failures.ts'
import { emptyAnswer, endingOf, finishWord, spareWord, unknownWord } from './finish-reasons.ts'
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

/** The message of a stream is its first choice that says something. */
export class ChatMapper implements StreamMapper, PartsSink {
  readonly events: ProviderEvent[] = []
  finished = false
  readonly #onUnknown: (path: string) => void
  /** Of the choice that is the message. */
  #place: number | undefined
  readonly #blocks: ChatBlocks
  readonly #calls: ChatCalls
  readonly #kept: KeptReasoning
  #sound: Sound | undefined
  #reasoningField: ReasoningField | null = null
  /** The thoughts, for those that come a second time in another field. To look into them costs their whole length. */
  #thoughts = ''
  /** The end of them. */
  #recent = ''
  #reason: FinishReason | null = null
  /** The answer ended with a word of failure. Why may come behind it. */
  #failure: RunnelError | undefined
  #word = ''
  #usage: unknown
  #searchResults: unknown
  readonly #messages = new Messages()
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
    return this.#reason !== null || this.#failure !== undefined
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
    this.#report()
    if (!this.settled) throw failure
    this.#finish(this.#reason)
  }

  ignored(path: string): void {
    this.#onUnknown(path)
  }

  #frame(chunk: Fields, type: string | undefined): boolean {
    const { choices } = chunk
    const known = choicesOf(choices)
    for (const choice of known ?? []) this.#choiceAt(Number(choice.index) || 0, choice)
    if (!known && holds(choices)) this.ignored('choices')
    if (chunk.images) this.#images(chunk.images)
    const usage = chunk.usage ?? (chunk.x_groq as Fields | undefined)?.usage
    if (usage) this.#usage = usage
    if (chunk.search_results || chunk.citations) this.#searchResults = chunk.search_results ?? chunk.citations
    const failure = failureIn(chunk, type)
    if (failure !== undefined) throw reportedFailure(failure)
    if (choices || usage) {
      for (const name in chunk)
        if (typeof chunk[name] === 'object' && !chunkFields.has(name) && holds(chunk[name])) this.ignored(name)
      const word = finishWord(chunk.finish_reason)
      if (word !== undefined) this.#ending(word, chunk)
      return true
    }
    if (isAlive(chunk)) return false
    this.ignored(String(chunk.object ?? chunk.type ?? type ?? 'chunk'))
    return true
  }

  #choiceAt(index: number, choice: Fields): void {
    if (this.#place === undefined && choiceSays(choice)) this.#place = index
    if (this.#place === undefined || this.#place === index) this.#choice(choice)
  }

  #choice(choice: Fields): void {
    const { delta, message } = choice
    const deltas = deltasOf(choice)
    for (const one of deltas ?? []) this.#delta(one)
    if (!deltas && holds(delta)) this.ignored('choices.delta')
    const own = ownWords(choice)
    if (own) this.#delta(own)
    const inner = isFields(delta) ? delta : isFields(message) ? message : undefined
    const failure = namedFailure(choice) ?? (inner && namedFailure(inner))
    if (failure === choice && typeof message === 'string') throw reportedFailure(failure)
    if (message !== undefined || typeof choice.text === 'string') this.#whole(message ?? choice.text)
    if (choice.usage) this.#usage = choice.usage
    for (const name in choice) if (!choiceFields.has(name) && holds(choice[name])) this.ignored(`choices.${name}`)
    if (failure !== undefined) throw reportedFailure(failure)
    const { native_finish_reason: native, finish_details: details, stop_reason: stop } = choice
    const word =
      finishWord(choice.finish_reason, choice.finishReason, inner?.finish_reason) ?? spareWord(native, details, stop)
    if (word !== undefined) this.#ending(word, choice)
  }

  #ending(word: string, { message, finish_reason: reason }: Fields): void {
    const ending = endingOf(word)
    if (ending === null) return
    if (ending !== 'failed') {
      this.#reason = ending
      this.#word = word
      return
    }
    const why = isFields(reason) && typeof reason.message === 'string' ? reason.message : message
    this.#failure ??= reportedFailure(typeof why === 'string' && why !== '' ? why : `it ended with ${word}`)
  }

  #whole(message: unknown): void {
    const said = typeof message === 'string' ? { content: message } : message
    if (isFields(said)) this.#take(this.#messages.news(said))
  }

  #delta(delta: Fields): void {
    this.#messages.delta(delta)
    this.#take(delta)
  }

  #take(delta: Fields): void {
    const found = reasoningOf(delta, this.#reasoningField)
    this.#kept.delta(delta)
    for (const [at, one] of found.entries()) {
      // The longer may begin with the shorter, of which it then has the rest.
      const before = at === 0 ? '' : found[0]!.text
      this.#think(one.text, one.isSummary, one.field, one.text.startsWith(before) ? before.length : 0)
    }
    const isThought = isMarkedThought(delta)
    const { content, refusal, tool_calls: calls, function_call: called, annotations, audio } = delta
    if (isThought && thoughtsOf(content) !== '') this.thoughts(thoughtsOf(content), false)
    else if (typeof content === 'string') {
      if (content !== '') this.#blocks.content(content)
    } else if (typeof content === 'number') this.#blocks.content(String(content))
    else if (content) takeContent(content, this)
    if (refusal && typeof refusal === 'string') this.refuse(refusal)
    if (Array.isArray(calls)) for (const fragment of calls) this.call(fragment)
    else if (isFields(calls)) this.call(calls)
    if (isFields(delta.tool_call)) this.call(delta.tool_call)
    if (isFields(called)) this.#calls.legacy(called, () => this.#blocks.leave('completed'))
    if (Array.isArray(annotations)) for (const annotation of annotations) this.annotate(annotation)
    const images = delta.images ?? delta.image ?? delta.image_url
    if (images) this.#images(images)
    if (audio) this.sound(audio)
    for (const name in delta)
      if (!deltaFields.has(name) && holds(delta[name]) && !(isThought && name === 'extra_content'))
        this.ignored(`choices.delta.${name}`)
  }

  /** `came`: so much of it was said by another field of the same delta. */
  #think(whole: string, isSummary: boolean, field: ReasoningField, came = 0): void {
    if (this.#reasoningField !== null && field !== this.#reasoningField && this.#isRepeated(whole)) return
    const text = whole.slice(came)
    this.#reasoningField ??= field
    this.#thoughts += text
    this.#recent = (this.#recent + text).slice(-maxComparedChars)
    this.#blocks.thoughts(text, isSummary)
  }

  /** Some servers send at the end, in another field, what they sent piece by piece. */
  #isRepeated(text: string): boolean {
    const plain = text.trim()
    if (Math.abs(text.length - this.#thoughts.length) <= leastRepeated && plain === this.#thoughts.trim()) return true
    return plain.length >= leastRepeated && this.#recent.includes(plain)
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
    const rest = this.#messages.rest()
    if (rest !== '') this.#blocks.content(rest)
    this.#blocks.flush()
    const usage = usageOf(this.#usage)
    if (usage) this.events.push({ type: 'usage', usage })
    const sound = this.#sound?.file()
    if (sound) this.#blocks.media(sound)
  }

  #finish(given: FinishReason | null): void {
    this.#report()
    if (this.#failure) throw this.#failure
    const wasCut = given === 'length' || given === 'content_filter'
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
