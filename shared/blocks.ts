/** The blocks of a message: the fields of each type. What is true of a type stands in `block-types.ts`. */
import type { By } from './by.ts'
import type { JsonObject } from './json.ts'
import type { MessageError } from './status.ts'

export type BlockStatus = 'in_progress' | 'completed' | 'incomplete'
export type ToolCallStatus =
  | 'streaming'
  | 'pending'
  | 'awaiting_approval'
  | 'running'
  | 'completed'
  | 'failed'
  | 'denied'
  | 'cancelled'

interface BlockBase<Type extends string, Status extends string = BlockStatus> {
  id: string
  type: Type
  status: Status
}

/** Offsets of an annotation count UTF-16 code units of the block's text. */
export interface TextBlock extends BlockBase<'text'> {
  text: string
  annotations: JsonObject[]
}

export interface ReasoningBlock extends BlockBase<'reasoning'> {
  text: string
  origin: 'field' | 'tag' | 'summary'
  startedAt: number
  endedAt?: number
  /** Of one that was a text until its closing tag came. */
  annotations?: JsonObject[]
}

export interface ToolCallBlock extends BlockBase<'tool_call', ToolCallStatus> {
  callId: string
  name: string
  arguments: string
  /** What the model had called it with, where a person let it run with others. */
  originalArguments?: string
  output?: string
  progress?: string
  error?: string
  executor: 'server' | 'client' | 'provider'
  /** Who allowed or denied it. */
  decidedBy?: By
  /** Who gave its output, where a client runs it. */
  answeredBy?: By
}

export interface RefusalBlock extends BlockBase<'refusal'> {
  text: string
}

export interface SourceBlock extends BlockBase<'source'> {
  url?: string
  title: string
  snippet?: string
  sourceType: string
}

export interface FileBlock extends BlockBase<'file'> {
  name: string
  mimeType: string
  url: string
  size?: number
}

export interface EmbedBlock extends BlockBase<'embed'> {
  url: string
}

export interface ProgressBlock extends BlockBase<'progress'> {
  text: string
  done: boolean
}

export interface ErrorBlock extends BlockBase<'error'>, MessageError {}

export type Block =
  | TextBlock
  | ReasoningBlock
  | ToolCallBlock
  | RefusalBlock
  | SourceBlock
  | FileBlock
  | EmbedBlock
  | ProgressBlock
  | ErrorBlock

export type BlockType = Block['type']
