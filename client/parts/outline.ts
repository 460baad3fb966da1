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

export const noOutline: MessageOutline = { ...loading, message: null, blocks: [] }

/** The outline of a snapshot, of the same objects as `last` where nothing has changed. */
export function outlineOf({ message, ...state }: MessageSnapshot, last: MessageOutline): MessageOutline {
  const { output = [], ...fields } = message ?? {}
  const { blocks } = last
  const isSame = ({ id, type }: Block, index: number) => blocks[index]?.id === id && blocks[index].type === type
  const areSame = blocks.length === output.length && output.every(isSame)
  return sameOr(last, {
    ...state,
    message: message && sameOr(last.message ?? (fields as MessageFields), fields as MessageFields),
    blocks: areSame ? blocks : output.map((block, i) => (isSame(block, i) ? blocks[i]! : refOf(block))),
  })
}

const refOf = ({ id, type }: Block): BlockRef => ({ id, type })
