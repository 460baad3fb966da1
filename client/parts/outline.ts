import type { MessageSnapshot } from '../message.ts'
import { loading, type ReplicaState } from '../replica.ts'
import type { Block, BlockType, Message, MessageFields } from '../../shared/schema.ts'

export interface BlockRef {
  readonly id: string
  readonly type: BlockType
}

/** A message without what grows: another object when a field changes, or a block comes, goes or changes its type. */
export type MessageOutline = ReplicaState & {
  readonly message: MessageFields | null
  readonly blocks: readonly BlockRef[]
}

/** A message, read once: its outline, and where its blocks stand. */
export interface Outlined {
  readonly snapshot: MessageSnapshot | null
  readonly outline: MessageOutline
  readonly output: readonly Block[]
  /** Block id → its place in `output`. */
  readonly places: ReadonlyMap<string, number>
}

export const noOutline: Outlined = {
  snapshot: null,
  outline: { ...loading, message: null, blocks: [] },
  output: [],
  places: new Map(),
}

/** The outline of `snapshot`, of the same objects as `last` where nothing has changed. */
export function nextOutline(last: Outlined, snapshot: MessageSnapshot): Outlined {
  if (snapshot === last.snapshot) return last
  const output = snapshot.message?.output ?? []
  const fields = snapshot.message && fieldsOf(snapshot.message, last.outline.message)
  const { blocks } = last.outline
  const areSame =
    blocks.length === output.length &&
    output.every(({ id, type }, index) => blocks[index]!.id === id && blocks[index]!.type === type)
  const isSame =
    areSame &&
    fields === last.outline.message &&
    snapshot.status === last.outline.status &&
    errorOf(snapshot) === errorOf(last.outline)
  if (isSame) return { ...last, snapshot, output }
  const { message: _, ...state } = snapshot
  return {
    snapshot,
    output,
    places: areSame ? last.places : new Map(output.map(({ id }, index) => [id, index])),
    outline: {
      ...state,
      message: fields,
      blocks: areSame ? blocks : output.map((block, i) => refOf(block, blocks[i])),
    },
  }
}

const errorOf = (state: MessageSnapshot | MessageOutline) => ('error' in state ? state.error : null)

const refOf = ({ id, type }: Block, last: BlockRef | undefined): BlockRef =>
  last?.id === id && last.type === type ? last : { id, type }

/** `last` where each field is the same. */
function fieldsOf(message: Message, last: MessageFields | null): MessageFields {
  const { output: _, ...fields } = message
  const keys = Object.keys(fields) as (keyof MessageFields)[]
  const isSame =
    last !== null && keys.length === Object.keys(last).length && keys.every((key) => fields[key] === last[key])
  return isSame ? last : fields
}
