/** What a door is to the rest of the server: how it says what has become of a run. */
import type { Response } from 'express'
import type { MessageChange } from '../../../shared/events.ts'
import type { JsonObject, Message } from '../../../shared/schema.ts'
import type { Failure, FinishReason } from './outcome.ts'

/**
 * An answer as it grows, in the words of one door and for one caller: each
 * method gives what is to be sent next, '' for nothing. What was sent cannot be
 * taken back: where a filter rewrites it afterwards, only the document knows.
 */
export interface AnswerEncoder {
  /** What stands before all else; the status goes out with it. */
  begin(): string
  /** What the message holds and was not sent yet. `whole`: nothing more comes. */
  difference(message: Message, whole?: boolean): string
  /** Changes that came behind all that was sent. */
  changes(changes: readonly MessageChange[]): string
  /** Changes that are not sent as they come, as the caller lags: `difference` follows. */
  skip(changes: readonly MessageChange[]): void
  /** A good end, behind all of the message. */
  end(message: Message, finishReason: FinishReason): string
  /** A bad one, behind what there was; the connection breaks after it. */
  failure(failure: Failure): string
}

export interface DoorSpeech {
  /** @param message as it is when the caller comes; it may be empty. */
  encoder(message: Message): AnswerEncoder
  /** A message that has ended well, in one piece. */
  whole(message: Message, finishReason: FinishReason): JsonObject
  /** Answers with a failure, while nothing has been answered yet. */
  refuse(response: Response, failure: Failure): void
}
