import { nothingShown, showBranch, type BranchMessage } from '../branch.ts'
import type { ChatSnapshot, LiveChat } from '../chat.ts'
import { Listeners } from '../listeners.ts'
import type { Present } from '../presence.ts'
import { loading, type ReplicaState } from '../replica.ts'
import type { Role } from '../../shared/protocol.ts'
import type { ChatFields } from '../../shared/schema.ts'
import type { ChatMessage } from '../tree.ts'
import { Followed, sameOr, type Part } from './part.ts'

/** A chat without who is in it. */
export type ChatView = ReplicaState & {
  readonly chat: ChatFields | null
  readonly messages: readonly ChatMessage[]
  readonly role: Role | null
}

/** Who else has a chat open; where they are too many to be named, `viewers` counts all. */
export interface Presence {
  readonly others: readonly Present[]
  readonly viewers: number | null
}

/** What is shown of a chat until something has come. */
export interface FirstChat {
  readonly chat: ChatFields
  readonly messages: readonly ChatMessage[]
  readonly role: Role | null
}

const nothing: ChatSnapshot = { ...loading, chat: null, messages: [], presence: [], viewers: null, role: null }

/** One chat by its parts: who types in it draws no message anew. Followed while anyone listens to a part. */
export class ChatParts {
  readonly #find: (isFollowed: boolean) => LiveChat | null
  readonly #first: ChatSnapshot
  readonly #firstBranch: readonly BranchMessage[]
  readonly #listeners = new Listeners()
  readonly #followed = new Followed(() => this.#start())
  #live: LiveChat | null = null
  #view: ChatView = { ...loading, chat: null, messages: [], role: null }
  #presence: Presence = { others: [], viewers: null }

  constructor(find: (isFollowed: boolean) => LiveChat | null, first?: FirstChat) {
    this.#find = find
    this.#first = first ? { ...nothing, ...first } : nothing
    this.#firstBranch = first ? showBranch(first.messages, []).list : nothingShown.list
  }

  get isUsed(): boolean {
    return this.#followed.isUsed
  }

  readonly subscribe = (listener: () => void): (() => void) => this.#followed.listen(() => this.#listeners, listener)

  readonly chat = this.#part(() => {
    const { presence: _, viewers: __, ...view } = this.#snapshot()
    return (this.#view = sameOr(this.#view, view))
  })

  readonly presence = this.#part(() => {
    const { presence: others, viewers } = this.#snapshot()
    return (this.#presence = sameOr(this.#presence, { others, viewers }))
  })

  readonly branch = this.#part(() =>
    this.#snapshot() === this.#first ? this.#firstBranch : this.#live!.branch.getSnapshot(),
  )

  /** Shows the branch that holds this message. */
  readonly choose = (messageId: string): void => (this.#live ??= this.#find(true))?.branch.choose(messageId)

  /** Says this of oneself; null takes it back. */
  readonly say = (state: object | null): void => (this.#live ??= this.#find(true))?.setPresence(state)

  #part<Snapshot>(getSnapshot: () => Snapshot): Part<Snapshot> {
    return { getSnapshot, subscribe: this.subscribe }
  }

  #snapshot(): ChatSnapshot {
    this.#live ??= this.#find(false)
    const snapshot = this.#live?.getSnapshot() ?? nothing
    return snapshot.chat === null && snapshot.status === 'loading' ? this.#first : snapshot
  }

  #start(): () => void {
    // The connection may be another than it was.
    this.#live = this.#find(true)
    // Its branch changes by what it holds, and by what is chosen.
    return this.#live?.branch.subscribe(() => this.#listeners.emit()) ?? (() => {})
  }
}
