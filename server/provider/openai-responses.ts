/**
 * The Responses API: events → events. Which item an event is about:
 * `responses-places.ts`. What a `done` event repeats counts only where no delta
 * came before, or as far as it goes on.
 */
import { RunnelError } from '../../shared/errors.ts'
import type { FinishReason } from '../../shared/schema.ts'
import { thoughtsOf } from './chat-reasoning.ts'
import type { ProviderEvent } from './events.ts'
import { heldBytes, reportedFailure } from './failures.ts'
import { emptyAnswer, endingOf, unknownWord } from './finish-reasons.ts'
import { isAlive, isFields, placeOf, readFrame, type Fields, type StreamMapper } from './frames.ts'
import { failureIn, namedFailure } from './reported.ts'
import { CallItem } from './responses-calls.ts'
import { MessageItem, ReasoningItem, SilentItem } from './responses-items.ts'
import { Items, isCall, type Item } from './responses-places.ts'
import { silentEvents, silentItems } from './responses-silent.ts'
import { missingItems, placeAmong, wordsOf } from './responses-rest.ts'
import { Sound } from './sound.ts'
import { usageOf } from './usage.ts'

export class ResponsesMapper implements StreamMapper {
  readonly events: ProviderEvent[] = []
  finished = false
  /** The last event says all at once. */
  readonly settled = false
  readonly #onUnknown: (type: string) => void
  readonly #items = new Items()
  /** The first call of each id, and the last of each kind: results name either. */
  readonly #callOfId = new Map<string, CallItem>()
  readonly #lastOfType = new Map<string, CallItem>()

  readonly #sound: Sound

  /** `maxHeldBytes`: of what comes with the end of the answer only. */
  constructor(onUnknown: (type: string) => void, { maxHeldBytes = Infinity }: { maxHeldBytes?: number } = {}) {
    this.#onUnknown = onUnknown
    this.#sound = new Sound(heldBytes(maxHeldBytes))
  }

  push(type: string | undefined, data: string): boolean {
    try {
      const event = readFrame(type, data)
      if (event === null) return false
      if (event !== 'done') this.#event(event, typeof event.type === 'string' ? event.type : (type ?? ''))
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
    const isNamed = name.startsWith('response.')
    const isWhole = event.object === 'response' || (Array.isArray(event.output) && typeof event.status === 'string')
    if (isWhole && !isNamed) return this.#ended('completed', event)
    const failure = isNamed ? namedFailure(event) : failureIn(event, name)
    if (failure !== undefined) throw reportedFailure(failure)
    switch (name) {
      case 'response.output_text.delta':
      case 'response.text.delta':
      case 'response.output_audio_transcript.delta':
      case 'response.audio.transcript.delta':
      case 'response.audio_transcript.delta':
        return this.#message(event).grow(event, 'text')
      case 'response.audio.delta':
      case 'response.output_audio.delta':
        if (typeof event.delta === 'string') this.#sound.add(event.delta)
        return
      case 'response.refusal.delta':
        return this.#message(event).grow(event, 'refusal')
      case 'response.reasoning_summary_text.delta':
        return this.#reasoning(event).grow(event.summary_index, event.delta, 'summary')
      case 'response.reasoning_summary.delta':
        return this.#reasoning(event).grow(event.summary_index, thoughtsOf(event.delta), 'summary')
      case 'response.reasoning.delta':
        return this.#reasoning(event).grow(event.content_index, thoughtsOf(event.delta), 'field')
      case 'response.reasoning_text.delta':
        return this.#reasoning(event).grow(event.content_index, event.delta, 'field')
      case 'response.function_call_arguments.delta':
      case 'response.custom_tool_call_input.delta':
      case 'response.mcp_call_arguments.delta':
      case 'response.code_interpreter_call_code.delta':
        return this.#call(event)?.grow(event.delta)

      case 'response.content_part.done':
        if (isFields(event.part) && !this.#items.of(event, 'reasoning'))
          this.#message(event).wholePart(event.content_index, event.part)
        return
      case 'response.reasoning_summary_part.done':
        if (isFields(event.part)) this.#reasoning(event).whole(event.summary_index, event.part.text, 'summary')
        return
      case 'response.output_audio_transcript.done':
      case 'response.audio.transcript.done':
      case 'response.audio_transcript.done':
        return this.#message(event).whole(event.content_index, 'text', event.transcript ?? event.text)
      case 'response.output_text.done':
        return this.#message(event).whole(event.content_index, 'text', event.text)
      case 'response.refusal.done':
        return this.#message(event).whole(event.content_index, 'refusal', event.refusal)
      case 'response.output_text.annotation.added':
        return this.#message(event).annotate(event.content_index, event.annotation)
      case 'response.reasoning_summary_text.done':
        return this.#reasoning(event).whole(event.summary_index, event.text, 'summary')
      case 'response.reasoning_text.done':
        return this.#reasoning(event).whole(event.content_index, event.text, 'field')
      case 'response.function_call_arguments.done':
      case 'response.mcp_call_arguments.done':
        return this.#call(event)?.whole(event.arguments)
      case 'response.custom_tool_call_input.done':
        return this.#call(event)?.whole(event.input)
      case 'response.web_search_call.searching':
      case 'response.file_search_call.searching':
      case 'response.code_interpreter_call.interpreting':
      case 'response.image_generation_call.generating':
        return this.#call(event)?.run()

      case 'response.output_item.added':
        if (isFields(event.item)) this.#added(indexOf(event), event.item)
        return
      case 'response.output_item.done':
        if (isFields(event.item)) this.#done(indexOf(event), event.item)
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

  #added(index: number, item: Fields): Item {
    return this.#items.known(index, item) ?? this.#begin(index, item)
  }

  #begin(index: number, item: Fields): Item {
    const made = this.#make(this.#items.freePlace(index), item)
    this.#items.add(index, item, made)
    if (made instanceof CallItem) {
      if (!this.#callOfId.has(made.callId)) this.#callOfId.set(made.callId, made)
      this.#lastOfType.delete(made.type)
      this.#lastOfType.set(made.type, made)
    }
    return made
  }

  #make(index: number, item: Fields): Item {
    const type = String(item.type)
    if (type === 'message') return new MessageItem(this.events, index, this.#onUnknown)
    if (type === 'reasoning') return new ReasoningItem(this.events, index)
    if (isCall(type)) return new CallItem(this.events, index, item)
    if (!silentItems.has(type) && !type.endsWith('_output')) this.#onUnknown(type)
    return new SilentItem(this.events, index)
  }

  #done(index: number, item: Fields): void {
    this.#ends(this.#added(index, item), item)
  }

  #ends(known: Item, item: Fields): void {
    known.done(item)
    if (String(item.type).endsWith('_output')) this.#answered(item)?.answer(item)
  }

  /** The call that an output belongs to; one without `call_id` belongs to the last call of its kind. */
  #answered(output: Fields): CallItem | undefined {
    if (typeof output.call_id === 'string') return this.#callOfId.get(output.call_id)
    const kind = String(output.type).replace(/_output$/, '')
    return [...this.#lastOfType.values()].findLast((call) => call.type.startsWith(kind))
  }

  #message(event: Fields): MessageItem {
    return (this.#items.of(event, 'message') ?? this.#begin(indexOf(event), made('message', event))) as MessageItem
  }

  #reasoning(event: Fields): ReasoningItem {
    return (this.#items.of(event, 'reasoning') ??
      this.#begin(indexOf(event), made('reasoning', event))) as ReasoningItem
  }

  /** A call that was never announced has no name yet: its `done` item brings all of it. */
  #call(event: Fields): CallItem | undefined {
    return this.#items.of(event, 'call') as CallItem | undefined
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
    for (const { item, of } of missingItems(response, this.#items.all)) {
      if (of) {
        this.#goOn(of, item)
        continue
      }
      const place = placeAmong(item, this.#items.all)
      this.#ends(place ?? this.#begin(this.#items.nextPlace, item), item)
    }
  }

  /** What came says more in the end. Where it is closed, the rest gets a block of its own. */
  #goOn(known: MessageItem | ReasoningItem, item: Fields): void {
    if (!known.isClosed) return this.#ends(known, item)
    const rest = wordsOf(item).slice(known.text.length)
    const made = this.#begin(this.#items.nextPlace, { type: item.type })
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

/** An item that was never announced. */
function made(type: string, { item_id: id }: Fields): Fields {
  return { type, id }
}

function indexOf(event: Fields): number {
  return placeOf(event.output_index)
}

function incompleteWord(details: unknown): string {
  const reason = isFields(details) ? details.reason : undefined
  return typeof reason === 'string' ? reason : ''
}
