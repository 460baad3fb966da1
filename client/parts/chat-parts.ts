import { nothingShown, showBranch, type BranchMessage } from '../branch.ts'
import type { ChatSnapshot, LiveChat } from '../chat.ts'
import type { Present } from '../presence.ts'
import { loading, type ReplicaState } from '../replica.ts'
import type { Role } from '../../shared/protocol.ts'
import type { ChatFields } from '../../shared/schema.ts'
import type { ChatMessage } from '../tree.ts'
import type { Part } from './part.ts'

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

const nobody: Presence = { others: nothing.presence, viewers: null }

/** One chat by its parts: who types in it draws no message anew. Followed while anyone listens to a part. */
export class ChatParts {
  readonly #find: (isFollowed: boolean) => LiveChat | null
  /** What is shown while nothing has come. */
  readonly first: { readonly [P in 'chat' | 'branch' | 'presence']: Pick<ChatParts[P], 'getSnapshot'> }
  readonly #firstBranch: readonly BranchMessage[]
  readonly #first: ChatSnapshot | null
  #live: LiveChat | null = null
  #users = 0
  #view: ChatView
  #presence: Presence = nobody

  constructor(find: (isFollowed: boolean) => LiveChat | null, first: FirstChat | null = null) {
    this.#find = find
    this.#first = first && { ...nothing, ...first }
    this.#firstBranch = first ? showBranch(first.messages, []).list : nothingShown.list
    const view = (this.#view = viewOf(this.#first ?? nothing))
    this.first = {
      chat: { getSnapshot: () => view },
      branch: { getSnapshot: () => this.#firstBranch },
      presence: { getSnapshot: () => nobody },
    }
  }

  get isUsed(): boolean {
    return this.#users > 0
  }

  readonly chat: Part<ChatView> = {
    getSnapshot: () => {
      const next = this.#snapshot()
      const last = this.#view
      const isSame =
        next.status === last.status &&
        ('error' in next ? next.error : null) === ('error' in last ? last.error : null) &&
        next.chat === last.chat &&
        next.messages === last.messages &&
        next.role === last.role
      if (!isSame) this.#view = viewOf(next)
      return this.#view
    },
    subscribe: (listener) => this.#listen((live) => live.subscribe(listener)),
  }

  readonly branch: Part<readonly BranchMessage[]> = {
    getSnapshot: () =>
      this.#snapshot() === this.#first ? this.#firstBranch : (this.#found?.branch.getSnapshot() ?? this.#firstBranch),
    subscribe: (listener) => this.#listen((live) => live.branch.subscribe(listener)),
  }

  readonly presence: Part<Presence> = {
    getSnapshot: () => {
      const { presence, viewers } = this.#snapshot()
      if (presence !== this.#presence.others || viewers !== this.#presence.viewers)
        this.#presence = { others: presence, viewers }
      return this.#presence
    },
    subscribe: (listener) => this.#listen((live) => live.subscribe(listener)),
  }

  /** Shows the branch that holds this message. */
  readonly choose = (messageId: string): void => this.#found?.branch.choose(messageId)

  readonly setPresence = (state: object | null): void => this.#found?.setPresence(state)

  get #found(): LiveChat | null {
    return (this.#live ??= this.#find(false))
  }

  #snapshot(): ChatSnapshot {
    const snapshot = this.#found?.getSnapshot() ?? nothing
    return this.#first && snapshot.chat === null && snapshot.status === 'loading' ? this.#first : snapshot
  }

  #listen(subscribe: (live: LiveChat) => () => void): () => void {
    // The connection may be another than it was.
    if (this.#users++ === 0) this.#live = this.#find(true)
    const stop = this.#live ? subscribe(this.#live) : () => {}
    let stopped = false
    return () => {
      if (stopped) return
      stopped = true
      stop()
      this.#users--
    }
  }
}

function viewOf(snapshot: ChatSnapshot): ChatView {
  const { presence: _, viewers: __, ...view } = snapshot
  return view
}
