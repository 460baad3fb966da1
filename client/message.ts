import * as Y from 'yjs'
import {
  isGrowingField,
  messageMap,
  outputArray,
  type Block,
  type GrowingField,
  type Message,
  type MessageFields,
} from '../shared/schema.ts'
import type { LiveDocument } from './live.ts'
import { live, loading, type Replica, type ReplicaChange, type ReplicaState } from './replica.ts'

/** `message` is canonical JSON, null before it came. Blocks, and `output` as a whole, are the same objects while they do not change. */
export type MessageSnapshot = ReplicaState & { readonly message: Message | null }

/**
 * From offset `from` (UTF-16) on, this field of this block now reads `text`.
 * It lets a reader follow a text at the cost of what is new: cutting the end
 * off a long growing string would cost its whole length.
 */
export interface TextChange {
  readonly block: string
  readonly field: GrowingField
  readonly from: number
  readonly text: string
}

export interface MessageChange {
  /** Texts of blocks that were there before; a new block's text is in the snapshot. */
  readonly texts: readonly TextChange[]
}

export type LiveMessage = LiveDocument<MessageSnapshot, MessageChange>

const nothing: MessageSnapshot = { ...loading, message: null }

/** One that was read over HTTP. */
export function endedSnapshot(message: Message): MessageSnapshot {
  return { ...live, message }
}

interface Parts {
  state: ReplicaState
  fields: MessageFields
  output: Block[]
  snapshot: MessageSnapshot
}

const lastRead = new WeakMap<Replica, Parts>()

export function readSnapshot(replica: Replica | undefined): MessageSnapshot {
  if (!replica) return nothing
  const { state, shown } = replica
  if (!shown) return state === loading ? nothing : withoutMessage(state)
  const fields = shown.view.read(messageMap(shown.doc)) as MessageFields
  const output = shown.view.read(outputArray(shown.doc)) as Block[]
  const last = lastRead.get(replica)
  const isSame = last?.fields === fields && last.output === output
  if (isSame && last.state === state) return last.snapshot
  const message = isSame ? last.snapshot.message : { ...fields, output }
  const snapshot: MessageSnapshot = { ...state, message }
  lastRead.set(replica, { state, fields, output, snapshot })
  return snapshot
}

const withoutMessageByState = new WeakMap<ReplicaState, MessageSnapshot>()

function withoutMessage(state: ReplicaState): MessageSnapshot {
  const known = withoutMessageByState.get(state)
  if (known) return known
  const snapshot: MessageSnapshot = { ...state, message: null }
  withoutMessageByState.set(state, snapshot)
  return snapshot
}

export function readChange(replica: Replica, { replaced, tails }: ReplicaChange): MessageChange {
  if (replaced) return wholeChange(readSnapshot(replica))
  const texts: TextChange[] = []
  for (const { type, from, text } of tails) {
    const block = type.parent
    const field = type._item?.parentSub
    if (!(block instanceof Y.Map) || !field || !isGrowingField(block.get('type') as string, field)) continue
    texts.push({ block: block.get('id') as string, field, from, text })
  }
  return { texts }
}

/** Another message stands in the place of the old one. */
export function wholeChange({ message }: MessageSnapshot): MessageChange {
  return { texts: message?.output.flatMap(wholeTexts) ?? [] }
}

function wholeTexts(block: Block): TextChange[] {
  return Object.entries(block).flatMap(([field, text]) =>
    isGrowingField(block.type, field) ? [{ block: block.id, field, from: 0, text: text as string }] : [],
  )
}
