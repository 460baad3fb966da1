/** What a tool or a filter sees of its run, and may do to its message. */
import type { User } from '../auth/auth.ts'
import type {
  FileBlock,
  GrowingField,
  JsonObject,
  Message,
  MessageError,
  SourceBlock,
  Usage,
} from '../../shared/schema.ts'

export type NewSource = Pick<SourceBlock, 'title'> & Partial<Pick<SourceBlock, 'url' | 'snippet' | 'sourceType'>>

/** Bytes to keep, or a file that stands somewhere already. */
export type NewFile =
  | { name: string; data: Uint8Array | string; mimeType?: string }
  | { name: string; url: string; mimeType: string; size?: number }

/**
 * Every event of a rich chat has its home here. What is written shows on every
 * screen as soon as the log has it; once the run has ended nothing is written
 * any more, and nothing is thrown.
 */
export interface RunContext {
  /** Aborted when the run ends before its time (Stop, a limit, a crash of something else). */
  readonly signal: AbortSignal
  readonly taskId: string
  readonly messageId: string
  readonly chatId: string
  /** Of the HTTP request that asked for the run: to be passed on to what a tool or a filter calls. */
  readonly requestId?: string
  readonly model: string
  /** Who asked. */
  readonly user: User
  /** What happens now, "Searching the web": at most two of them a second are written, the last one always. */
  progress(text: string): void
  /** A text delta: behind the text that the message ends with, or as a text of its own. Returns the block's id. */
  append(text: string): string
  /** Replaces text that is there: `deleteCount` UTF-16 units at `offset`. It leaves document, log and file. */
  replace(blockId: string, field: GrowingField, offset: number, deleteCount: number, text: string): void
  /** A citation on a text block, `{type: 'url_citation', start_index, end_index, url, title}` and the like. */
  annotate(blockId: string, annotation: JsonObject): void
  /** `sourceType`: default `url` where there is one, else `document`. Returns the block's id. */
  addSource(source: NewSource): string
  addEmbed(embed: { url: string }): string
  /** A fault that does not end the run. */
  addError(error: Pick<MessageError, 'message'> & Partial<MessageError>): string
  /** Tokens that were spent beside the run's own requests. */
  addUsage(usage: Usage): void
  /** Keeps the bytes with the chat's files and shows the file. Throws `too_large`, `store_unavailable`. */
  addFile(file: NewFile): Promise<FileBlock>
  /** Canonical JSON of the message with all that was written so far. */
  message(): Promise<Message>
}
