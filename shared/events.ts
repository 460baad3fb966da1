/**
 * Server-sent events of one message: what happened to its canonical JSON, and
 * how that is written as `text/event-stream`. Rule ids (E1 …) are those of
 * `docs/PROTOCOL.md`.
 */
import { jsonPieces } from './json-pieces.ts'
import type { Block, GrowingField, JsonObject, Message, MessageFields } from './schema.ts'

/** One change of a message, as its writer made it. Offsets and lengths count UTF-16 code units. */
export type MessageChange =
  | { type: 'message'; fields: Partial<MessageFields>; removed?: string[] }
  /** A block at the end of the output. */
  | { type: 'block'; index: number; block: Block }
  | { type: 'set'; block: string; fields: JsonObject; removed?: string[] }
  | { type: 'annotation'; block: string; annotation: JsonObject }
  /** `delete` code units at `offset` go, then `insert` stands there. A field that is absent begins empty. */
  | { type: 'delta'; block: string; field: GrowingField; offset: number; insert: string; delete?: number }

export type StreamEvent =
  | { type: 'snapshot'; message: Message }
  | MessageChange
  /** The run has ended; `fields` are those of the message that tell how. */
  | { type: 'end'; fields: Partial<MessageFields> }

/** One event as it stands on the wire. JSON holds no line break. */
export function encodeEvent(event: StreamEvent, id: string): string {
  return `${head(event, id)}${JSON.stringify(dataOf(event))}\n\n`
}

/** The same in pieces: a snapshot may be large. */
export function* eventPieces(event: StreamEvent, id: string): Generator<string, void> {
  yield head(event, id)
  yield* jsonPieces(dataOf(event))
  yield '\n\n'
}

function head({ type }: StreamEvent, id: string): string {
  return `event: ${type}\nid: ${id}\ndata: `
}

function dataOf(event: StreamEvent): object {
  const { type: _, ...rest } = event
  return event.type === 'snapshot' ? event.message : rest
}

/** The event that a parser of `text/event-stream` found; null for a name of a newer server (E2). */
export function decodeEvent(name: string | undefined, data: string): StreamEvent | null {
  switch (name) {
    case 'snapshot':
      return { type: 'snapshot', message: JSON.parse(data) as Message }
    case 'message':
    case 'block':
    case 'set':
    case 'annotation':
    case 'delta':
    case 'end':
      return { type: name, ...(JSON.parse(data) as object) } as StreamEvent
    default:
      return null
  }
}
