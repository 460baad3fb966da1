import type { MessageSnapshot } from '../message.ts'
import { loading, type ReplicaState } from '../replica.ts'
import type { Block, BlockType, MessageFields } from '../../shared/schema.ts'
import { sameOr } from './part.ts'

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
  const { message, ...state } = snapshot
  const { output = [], ...fields } = message ?? {}
  const { blocks: before, message: known } = last.outline
  const isSame = ({ id, type }: Block, index: number) => before[index]?.id === id && before[index].type === type
  const areSame = before.length === output.length && output.every(isSame)
  const blocks = areSame ? before : output.map((block, i) => (isSame(block, i) ? before[i]! : refOf(block)))
  return {
    snapshot,
    output,
    places: areSame ? last.places : new Map(output.map(({ id }, index) => [id, index])),
    outline: sameOr(last.outline, {
      ...state,
      message: message && sameOr(known ?? (fields as MessageFields), fields as MessageFields),
      blocks,
    }),
  }
}

const refOf = ({ id, type }: Block): BlockRef => ({ id, type })
