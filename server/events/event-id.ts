import type { MessageFields } from '../../shared/schema.ts'
import { readPosition, type ReadPosition } from '../document/position.ts'

type EndFields = Pick<MessageFields, 'id' | 'createdAt' | 'taskId' | 'endedAt'>

/** What a `Last-Event-ID` says; a part that is none is null. */
export interface EventId {
  position: ReadPosition | null
  /** Which end of the message the reader has seen. */
  end: string | null
}

/** One end of a message: a Continue leads to another. */
export function endMark({ id, createdAt, taskId, endedAt }: EndFields): string {
  return `${taskId ?? id}.${(endedAt ?? createdAt).toString(36)}`
}

/** The id of an `end` event: the position, then which end it was. */
export function finalId(position: string, fields: EndFields): string {
  return `${position}~${endMark(fields)}`
}

export function readEventId(text: string | undefined): EventId {
  const [position = '', end = null] = (text ?? '').split('~', 2)
  return { position: readPosition(position), end }
}
