/**
 * What every provider stream becomes at the border: one union of start, delta
 * and end. Whatever is odd in a real stream ends in `provider/`; behind it only
 * these events exist.
 */
import type {
  FinishReason,
  Json,
  JsonObject,
  NewBlock,
  GrowingField,
  BlockStatus,
  ToolCallStatus,
  Usage,
} from '../../shared/schema.ts'

/**
 * `key` names a block within one request. A block's events are `block_start`,
 * any number of the others, `block_end`; blocks may be open at the same time.
 *
 * A stream that ends well has ended every block before its `finish` (once,
 * last): calls `pending`, those whose arguments were cut off by a limit
 * `cancelled`; a text that a limit cut off `incomplete`. A stream that does not
 * end well throws a RunnelError with a `provider_…` code (or the reason of the
 * signal), and what came before is kept: its blocks stay open, and the run ends
 * them (texts `incomplete`, calls `cancelled`).
 *
 * Calls start as `client` unless the provider runs them itself: whether the
 * server has such a tool is for the run to know.
 */
export type ProviderEvent =
  | { type: 'block_start'; key: string; block: NewBlock }
  | { type: 'delta'; key: string; field: GrowingField; text: string }
  | { type: 'annotation'; key: string; annotation: JsonObject }
  | { type: 'block_set'; key: string; fields: JsonObject }
  | { type: 'block_end'; key: string; status: BlockStatus | ToolCallStatus; fields?: JsonObject }
  /** A text turns out to be thoughts: its block becomes one of reasoning, with all that it says. Also behind its end. */
  | { type: 'block_type'; key: string; block: Omit<Extract<NewBlock, { type: 'reasoning' }>, 'status'> }
  /** What the answer or one of its calls made, an image or a sound: a file of the chat. Of a call behind its block's end. */
  | { type: 'file'; key: string; name: string; mimeType: string; data: Uint8Array }
  /** What the provider wants back and nobody sees (encrypted reasoning, signatures, item ids): kept beside the block,
   *  or beside the message where the key has no block (reasoning without text, compaction). `hidden`: what the block says;
   *  kept only where there is none, because a filter has left it out. */
  | { type: 'provider_data'; key: string; data: JsonObject; hidden?: string }
  /** The last one given counts for the request. */
  | { type: 'usage'; usage: Usage }
  /** Another model answers from here on than the one that was asked. */
  | { type: 'model'; model: string }
  /** What is waited for before the answer begins, in words for people: that the provider asked to be left alone for a
   *  while, that another is asked; null: it is over. Before all others. */
  | { type: 'waiting'; words: string | null }
  /** `note`: what people should know of this end, a sentence. */
  | { type: 'finish'; reason: FinishReason; note?: string }

/** What a person said to a call that the provider runs itself. */
export interface ProviderDecision {
  callId: string
  approve: boolean
  reason?: string
}

/** One earlier turn as providers take it. */
export type PromptItem =
  | { role: 'system'; text: string }
  /** `parts`: what stands beside the text (images, files), as Chat Completions content parts. */
  | { role: 'user'; text: string; parts?: JsonObject[] }
  /**
   * `isPrefix`: unfinished; the model is to go on in it. `isOwn`: of the answer that is being written, not of an
   * earlier turn. `reasoning`: as it is shown, where the provider said how it wants it back.
   */
  | {
      role: 'assistant'
      text: string
      toolCalls?: PromptToolCall[]
      providerData?: PromptData[]
      isPrefix?: boolean
      isOwn?: boolean
      /** Who wrote it. */
      model?: string
      reasoning?: string
    }

/** What a provider wants back with a turn, in the order in which it came. `at`: so many characters of the turn's text came before. */
export interface PromptData {
  data: Json
  at: number
}

/** A call with its result: both go upstream, or neither. */
export interface PromptToolCall {
  callId: string
  name: string
  arguments: string
  output: string
}

export interface ProviderRequest {
  model: string
  /** Messages of Chat Completions that go upstream as they are, before `prompt`. */
  messages?: JsonObject[]
  prompt: PromptItem[]
  /** Function tools as JSON Schema, in the shape of either API; other tools are passed on as given. */
  tools?: JsonObject[]
  /** A call of an earlier request of this answer that a person was asked about: the provider runs it now, or does without. */
  decision?: ProviderDecision
  /** Of the HTTP request that asked for it, to be found again in the provider's log. */
  requestId?: string
  /** Who asks; it goes upstream only where a provider is configured to be told. */
  user?: string
  /** Models that are asked instead, in this order, where `model` does not answer before its first token. */
  fallback?: readonly string[]
  /** Passed on as given (temperature, max_tokens, …), but for what is built from the other fields. */
  params?: JsonObject
}

/** One request to a model. Leaving the iteration, or the signal, aborts it upstream. */
export type Provider = (request: ProviderRequest, signal: AbortSignal) => AsyncIterable<ProviderEvent>

/** What is known of a model; what is absent is not known. */
export interface ModelFacts {
  /** For people. */
  name?: string
  /** It reads images. */
  images?: boolean
  /** It calls tools. */
  tools?: boolean
  reasoning?: boolean
  contextTokens?: number
}

export interface ListedModel extends ModelFacts {
  id: string
}

/** What a provider may tell of itself beside its answers. */
export interface DescribedProvider extends Provider {
  /** The models that it has now. Rejects where it does not say. */
  readonly list?: (signal: AbortSignal) => Promise<readonly ListedModel[]>
  /** Keys that it was made with: they are hidden wherever others quote them. */
  readonly secrets?: readonly string[]
}
