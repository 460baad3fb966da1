/**
 * The Responses API: events → events. Which item an event is about:
 * `responses-pieces.ts`. What a `done` event repeats counts only where no delta
 * came before, or as far as it goes on.
 */
import { RunnelError } from '../../shared/errors.ts'
import type { FinishReason } from '../../shared/schema.ts'
import { thoughtsOf } from './chat-reasoning.ts'
import type { ProviderEvent } from './events.ts'
import { heldBytes, reportedFailure } from './failures.ts'
import { emptyAnswer, endingOf, unknownWord } from './finish-reasons.ts'
import { isAlive, isFields, readFrame, type Fields, type StreamMapper } from './frames.ts'
import { failureIn, namedFailure } from './reported.ts'
import { CallItem } from './responses-calls.ts'
import { MessageItem } from './responses-messages.ts'
import { ReasoningItem } from './responses-reasoning.ts'
import { ResponseItems } from './responses-pieces.ts'
import type { Item } from './responses-places.ts'
import { silentEvents } from './responses-silent.ts'
import { missingItems, placeAmong, wordsOf } from './responses-rest.ts'
import { Sound } from './sound.ts'
import { usageOf } from './usage.ts'

export class ResponsesMapper implements StreamMapper {
  readonly events: ProviderEvent[] = []
  finished = false
  /** The last event says all at once. */
  readonly settled = false
  readonly #onUnknown: (type: string) => void
  readonly #items: ResponseItems
  readonly #sound: Sound

  /** `maxHeldBytes`: of what comes with the end of the answer only. */
  constructor(onUnknown: (type: string) => void, { maxHeldBytes = Infinity }: { maxHeldBytes?: number } = {}) {
    this.#onUnknown = onUnknown
    this.#items = new ResponseItems(this.events, onUnknown)
    this.#sound = new Sound(heldBytes(maxHeldBytes))
  }

  push(type: string | undefined, data: string): boolean {
    try {
      const event = readFrame(type, data)
      if (event === null) return false
      if (event === 'done') return true
      const name = typeof event.type === 'string' ? event.type : (type ?? '')
      if (!isNamed(name) && hasOnlyBegun(event)) return false
      this.#event(event, name)
      return true
    } catch (error) {
      this.#hear()
      throw error
    }
  }

  ignored(path: string): void {
    this.#onUnknown(path)
  }

  #event(event: Fields, name: string): void {
    if (isResponse(event) && !isNamed(name)) return this.#ended('completed', event)
    const failure = isNamed(name) ? namedFailure(event) : failureIn(event, name)
    if (failure !== undefined) throw reportedFailure(failure)
    switch (name) {
      case 'response.output_text.delta':
      case 'response.text.delta':
      case 'response.output_audio_transcript.delta':
      case 'response.audio.transcript.delta':
      case 'response.audio_transcript.delta':
        return this.#items.message(event).grow(event, 'text')
      case 'response.audio.delta':
      case 'response.output_audio.delta':
        if (typeof event.delta === 'string') this.#sound.add(event.delta)
        return
      case 'response.refusal.delta':
        return this.#items.message(event).grow(event, 'refusal')
      case 'response.reasoning_summary_text.delta':
        return this.#items.reasoning(event).grow(event.summary_index, event.delta, 'summary')
      case 'response.reasoning_summary.delta':
        return this.#items.reasoning(event).grow(event.summary_index, thoughtsOf(event.delta), 'summary')
      case 'response.reasoning.delta':
        return this.#items.reasoning(event).grow(event.content_index, thoughtsOf(event.delta), 'field')
      case 'response.reasoning_text.delta':
        return this.#items.reasoning(event).grow(event.content_index, event.delta, 'field')
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
      case 'response.mcp_call_arguments.delta':
      case 'response.code_interpreter_call_code.delta':
        return this.#items.arguments(event, name, event.delta, 'grow')

      case 'response.content_part.done':
        if (isFields(event.part) && !this.#items.holdsReasoning(event)) this.#items.part(event, event.part)
        return
      case 'response.reasoning_summary_part.done':
        if (isFields(event.part)) this.#items.thoughts(event, event.summary_index, event.part.text, 'summary')
        return
      case 'response.output_audio_transcript.done':
      case 'response.audio.transcript.done':
      case 'response.audio_transcript.done':
        return this.#items.part(event, { type: 'output_text', text: event.transcript ?? event.text })
      case 'response.output_text.done':
        return this.#items.part(event, { type: 'output_text', text: event.text })
      case 'response.refusal.done':
        return this.#items.part(event, { type: 'refusal', refusal: event.refusal })
      case 'response.output_text.annotation.added':
        return this.#items.annotation(event, name)
      case 'response.reasoning_summary_text.done':
        return this.#items.thoughts(event, event.summary_index, event.text, 'summary')
      case 'response.reasoning_text.done':
        return this.#items.thoughts(event, event.content_index, event.text, 'field')
      case 'response.function_call_arguments.done':
      case 'response.mcp_call_arguments.done':
        return this.#items.arguments(event, name, event.arguments, 'whole')
      case 'response.custom_tool_call_input.done':
        return this.#items.arguments(event, name, event.input, 'whole')
      case 'response.web_search_call.searching':
      case 'response.file_search_call.searching':
      case 'response.code_interpreter_call.interpreting':
      case 'response.image_generation_call.generating':
        return this.#items.call(event)?.run()

      case 'response.output_item.added':
        if (isFields(event.item)) this.#items.added(event, event.item)
        return
      case 'response.output_item.done':
        if (isFields(event.item)) this.#ends(this.#items.added(event, event.item), event.item)
        return
      case 'response.completed':
      case 'response.done':
      case 'response.incomplete':
      case 'response.failed':
      case 'response.cancelled':
        return this.#ended(endOf(name), isFields(event.response) ? event.response : event)
      default:
        if (!silentEvents.has(name) && !isAlive(event)) this.#onUnknown(name || 'event')
    }
    // An event that only tells how the response stands may tell that it has failed.
    if (isFields(event.response)) this.#mayHaveFailed(event.response)
  }

  #mayHaveFailed({ status, error }: Fields): void {
    const failure = namedFailure({ error })
    if (failure !== undefined || status === 'failed') throw reportedFailure(failure ?? error)
  }

  end(failure: RunnelError): void {
    this.#hear()
    throw failure
  }

  #ends(known: Item, item: Fields): void {
    known.done(item)
    if (String(item.type).endsWith('_output')) this.#items.answered(item)?.answer(item)
  }

  #ended(name: string, response: Fields): void {
    const outcome = name === 'completed' && typeof response.status === 'string' ? response.status : name
    this.#fill(response)
    const usage = usageOf(response.usage)
    if (usage) this.events.push({ type: 'usage', usage })
    const failure = namedFailure({ error: response.error })
    if (outcome === 'failed' || failure !== undefined)
      throw reportedFailure(failure ?? (typeof response.message === 'string' ? response : response.error))
    if (outcome === 'cancelled') throw new RunnelError('provider_error', 'The model provider cancelled the answer.')
    const isWhole = outcome !== 'incomplete'
    const word = isWhole ? '' : incompleteWord(response.incomplete_details)
    const ending = isWhole ? this.#reason() : (endingOf(word) ?? 'unknown')
    if (ending === 'failed') throw reportedFailure(`it ended with ${word}`)
    const items = this.#items.all
    for (const item of items) item.close(isWhole)
    const note = !isWhole && ending === 'unknown' && word !== '' ? unknownWord(word) : undefined
    const empty = this.#hear() || items.some((item) => item.holdsAny) ? undefined : emptyAnswer(ending)
    const said = note ?? empty
    this.events.push({ type: 'finish', reason: ending, ...(said !== undefined && { note: said }) })
    this.finished = true
  }

  /** What came with this event only. */
  #fill(response: Fields): void {
    for (const { item, of, came = 0 } of missingItems(response, this.#items.all)) {
      if (of) {
        this.#goOn(of, item, came)
        continue
      }
      const place = placeAmong(item, this.#items.all)
      this.#ends(place ?? this.#items.append(item), item)
    }
  }

  /** What came says more in the end. Where it is closed, the rest gets a block of its own. */
  #goOn(known: MessageItem | ReasoningItem, item: Fields, came: number): void {
    if (!known.isClosed && came === known.text.length) return this.#ends(known, item)
    const rest = wordsOf(item).slice(came)
    const made = this.#items.append({ type: item.type })
    if (made instanceof MessageItem) made.grow({ delta: rest }, 'text')
    else if (made instanceof ReasoningItem) made.grow(0, rest, 'field')
  }

  /** The sound that came; false: none. */
  #hear(): boolean {
    const sound = this.#sound.file()
    if (sound) this.events.push({ type: 'file', key: 'sound', ...sound })
    return sound !== null
  }

  #reason(): FinishReason {
    for (const item of this.#items.all) if (item instanceof CallItem && item.waits) return 'tool_calls'
    return 'stop'
  }
}

/** `response.done` is what it is called where answers are spoken. */
function endOf(name: string): string {
  return name === 'response.done' ? 'completed' : name.slice('response.'.length)
}

function isNamed(name: string): boolean {
  return name.startsWith('response.')
}

/** It stands where an event should: without the name of one. */
function isResponse({ object, output, status }: Fields): boolean {
  return object === 'response' || (Array.isArray(output) && typeof status === 'string')
}

/** It says no more than that it was made. */
function hasOnlyBegun(event: Fields): boolean {
  return isResponse(event) && (event.status === 'queued' || event.status === 'in_progress') && !event.error
}

function incompleteWord(details: unknown): string {
  const reason = isFields(details) ? details.reason : undefined
  return typeof reason === 'string' ? reason : ''
}
