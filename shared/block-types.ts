/**
 * The one table of block types. Making, reading, positions, filters, search,
 * prompts, ends, doors and renderers ask it (`known-types.ts`), so a type is
 * added here and in `blocks.ts`; one without a row does not compile.
 */
import type { Block, BlockStatus, BlockType, ToolCallBlock, ToolCallStatus } from './blocks.ts'
import { growing, type Growth } from './growing.ts'
import type { JsonObject } from './json.ts'
import type { TerminalStatus } from './status.ts'
import type { Shown } from './shown.ts'

/** What every block has, also one of a type that only its maker knows. */
export interface AnyBlock {
  id: string
  type: string
  status: string
}

export interface BlockEnd {
  status: BlockStatus | ToolCallStatus
  fields: JsonObject
}

/** How a run was lost: what its message says now, and what it will say. */
export interface Loss {
  status: TerminalStatus
  at: number
  /** It waited for people. */
  wasWaiting: boolean
}

/** The delta of a Chat Completions chunk in which a block's text goes out; `tool_calls` for those that are handed back. */
export type DoorField = 'content' | 'reasoning_content' | 'refusal' | 'tool_calls'

type StringField<B> = { [F in keyof B]-?: B[F] extends string | undefined ? F : never }[keyof B] & string

/** What is true of a type. What a row leaves out is not so. */
export interface BlockRow<B extends AnyBlock> {
  /** Its growing texts, in the order in which positions count them. */
  readonly grows: { readonly [F in StringField<B>]?: Growth }
  /** It has `annotations`, which only become more; `late`: only where it had been a text before. */
  readonly isAnnotated?: true | 'late'
  /** Its writer's own words, the model's or a person's: what a prompt says of it. */
  readonly words?: StringField<B>
  /** What a search finds. */
  readonly searched?: readonly StringField<B>[]
  /** It stands beside the answer: text before it still breaks off there. */
  readonly isAside?: true
  /** What the `/v1` door tells of it. */
  readonly door?: { readonly field: DoorField; readonly text: StringField<B> }
  /** How it ends where its run leaves it open. Default: `completed` with a run that is, else `incomplete`. */
  readonly end?: (status: TerminalStatus, at: number) => BlockEnd
  /** The same where the run was lost; null: it stays. Default: `end` for one that is in progress. */
  readonly lost?: (block: B, loss: Loss) => BlockEnd | null
  readonly shown: (block: B) => Shown | null
}

export const blockTypes = {
  text: {
    grows: growing.text,
    isAnnotated: true,
    words: 'text',
    searched: ['text'],
    door: { field: 'content', text: 'text' },
    shown: ({ text }) => ({ kind: 'prose', text }),
  },
  reasoning: {
    grows: growing.reasoning,
    isAnnotated: 'late',
    door: { field: 'reasoning_content', text: 'text' },
    end: (status, at) => ({ status: ended(status), fields: { endedAt: at } }),
    shown: ({ text }) => (text === '' ? null : { kind: 'thoughts', title: 'Reasoning', text }),
  },
  tool_call: {
    grows: growing.tool_call,
    door: { field: 'tool_calls', text: 'arguments' },
    end: () => ({ status: 'cancelled', fields: {} }),
    lost: lostCall,
    shown: ({ name, status, arguments: input, originalArguments = '', output = '', error = '' }) => ({
      kind: 'facts',
      title: `Tool ${name} (${status.replaceAll('_', ' ')})`,
      parts: named({ Arguments: input, 'Arguments of the model': originalArguments, Result: output, Error: error }),
    }),
  },
  refusal: {
    grows: growing.refusal,
    words: 'text',
    searched: ['text'],
    door: { field: 'refusal', text: 'text' },
    shown: ({ text }) => ({ kind: 'prose', text }),
  },
  source: {
    grows: {},
    searched: ['title', 'snippet'],
    shown: ({ title, url, snippet }) => ({
      kind: 'reference',
      label: 'Source',
      title,
      ...(url !== undefined && { url }),
      ...(snippet !== undefined && { quote: snippet }),
    }),
  },
  file: {
    grows: {},
    searched: ['name'],
    shown: ({ name, url, mimeType, size }) => ({
      kind: 'reference',
      label: 'File',
      title: name,
      url,
      details: size === undefined ? mimeType : `${mimeType}, ${size} bytes`,
    }),
  },
  embed: {
    grows: {},
    shown: ({ url }) => ({ kind: 'reference', label: 'Embedded page', url }),
  },
  progress: {
    grows: {},
    isAside: true,
    end: (status) => ({ status: ended(status), fields: { done: true } }),
    shown: ({ text, done }) => (done ? null : { kind: 'passing', text }),
  },
  error: {
    grows: {},
    isAside: true,
    shown: ({ message }) => ({ kind: 'fault', message }),
  },
} satisfies { [T in BlockType]: BlockRow<Extract<Block, { type: T }>> }

/** What is empty is left out. */
function named(texts: Record<string, string>): [name: string, text: string][] {
  return Object.entries(texts).filter(([, text]) => text !== '')
}

function ended(status: TerminalStatus): BlockStatus {
  return status === 'completed' ? 'completed' : 'incomplete'
}

function lostCall({ status, executor }: ToolCallBlock, { wasWaiting }: Loss): BlockEnd | null {
  if (status === 'running' && executor !== 'provider')
    return { status: 'failed', fields: { error: 'The server stopped while this call ran: outcome unknown.' } }
  // Nobody will run it any more. Calls that a run hands back stay as they are.
  const stays = blockIsFinal(status) || (!wasWaiting && status === 'pending' && executor !== 'server')
  return stays ? null : { status: 'cancelled', fields: {} }
}

const finalBlockStatuses: readonly string[] = ['completed', 'failed', 'denied', 'cancelled']

/** A block that nothing is added to any more; one that is `incomplete` may be continued. */
export function blockIsFinal(status: string): boolean {
  return finalBlockStatuses.includes(status)
}

type Growing<T extends BlockType> = keyof (typeof blockTypes)[T]['grows'] & string

/** How filters call the growing texts: what is just `text` by its type, all else by its field. */
export type FilteredField = {
  [T in BlockType]: Growing<T> extends infer F ? (F extends 'text' ? T : F) : never
}[BlockType]

/** A block as it is opened: its id is given by the writer, its growing texts start empty. */
export type NewBlock = Block extends infer B
  ? B extends Block
    ? Omit<B, 'id' | 'annotations' | Growing<B['type']>>
    : never
  : never
