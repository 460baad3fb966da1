import { nothingShown, showBranch, type BranchMessage } from '../branch.ts'
import type { ChatSnapshot, LiveChat } from '../chat.ts'
import { Listeners } from '../listeners.ts'
import type { Present } from '../presence.ts'
import { loading, type ReplicaState } from '../replica.ts'
import type { Role } from '../../shared/protocol.ts'
import type { ChatFields, WaitingEntry } from '../../shared/schema.ts'
import type { ChatMessage } from '../tree.ts'
import { Followed, sameOr, type Part } from './part.ts'

/** A chat without who is in it. */
export type ChatView = ReplicaState & {
  readonly chat: ChatFields | null
  readonly messages: readonly ChatMessage[]
  readonly waiting: readonly WaitingEntry[]
  readonly role: Role | null
}

/** Who else has a chat open; where they are too many to be named, `viewers` counts all. */
export interface Presence {
  readonly others: readonly Present[]
  readonly viewers: number | null
}

/** The branch on show. */
export interface BranchView {
  /** Root to leaf, or its end; an entry is the same object while nothing in it changed. */
  readonly entries: readonly BranchMessage[]
  /** There are messages before the first that is shown. */
  readonly hasOlder: boolean
  /** So many: the place of the first entry, from the root on. */
  readonly older: number
}

/** What is shown of a chat until something has come. */
export interface FirstChat {
  readonly chat: ChatFields
  readonly messages: readonly ChatMessage[]
  readonly role: Role | null
}

const nothing: ChatSnapshot = {
  ...loading,
  chat: null,
  messages: [],
  waiting: [],
  presence: [],
  viewers: null,
  role: null,
}

/** One chat by its parts: who types in it draws no message anew. Followed while anyone listens to a part. */
export class ChatParts {
  readonly #find: (isFollowed: boolean) => LiveChat | null
  readonly #first: ChatSnapshot
  readonly #firstBranch: BranchView
  readonly #listeners = new Listeners()
  readonly #followed = new Followed(() => this.#start())
  readonly #said = new Map<object, object>()
  #live: LiveChat | null = null
  #view: ChatView = { ...loading, chat: null, messages: [], waiting: [], role: null }
  #branch: BranchView
  #presence: Presence = { others: [], viewers: null }

  constructor(find: (isFollowed: boolean) => LiveChat | null, first?: FirstChat) {
    this.#find = find
    this.#first = first ? { ...nothing, ...first } : nothing
    const { list } = first ? showBranch(first.messages, []) : nothingShown
    this.#branch = this.#firstBranch = { entries: list, hasOlder: false, older: 0 }
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

  readonly branch = this.#part(() => {
    if (this.#snapshot() === this.#first) return this.#firstBranch
    const { branch } = this.#live!
    const view = { entries: branch.getSnapshot(), hasOlder: branch.hasOlder, older: branch.older }
    return (this.#branch = sameOr(this.#branch, view))
  })

  /** Shows the messages before the first one on show, too. */
  readonly loadOlder = async (): Promise<true> => {
    await this.#asked()?.branch.loadOlder()
    return true
  }

  /** Shows the branch that holds this message. */
  readonly choose = (messageId: string): void => this.#asked()?.branch.choose(messageId)

  /** Shows the chat without this message and what answers it, until the answer is called. */
  readonly hide = (messageId: string): (() => void) => this.#asked()?.branch.hide(messageId) ?? (() => {})

  /** Says this of oneself; null takes back what was said under this key. Of several who say something the last one counts. */
  readonly say = (key: object, state: object | null): void => {
    if (!this.#said.delete(key) && !state) return
    if (state) this.#said.set(key, state)
    this.#asked()?.setPresence([...this.#said.values()].at(-1) ?? null)
  }

  #part<Snapshot>(getSnapshot: () => Snapshot): Part<Snapshot> {
    return { getSnapshot, subscribe: this.subscribe }
  }

  #asked(isFollowed = true): LiveChat | null {
    return (this.#live ??= this.#find(isFollowed))
  }

  #snapshot(): ChatSnapshot {
    const snapshot = this.#asked(false)?.getSnapshot() ?? nothing
    return snapshot.chat === null && snapshot.status === 'loading' ? this.#first : snapshot
  }

  #start(): () => void {
    // The connection may be another than it was.
    this.#live = this.#find(true)
    // Its branch changes by what it holds, and by what is chosen.
    return this.#live?.branch.subscribe(() => this.#listeners.emit()) ?? (() => {})
  }
}
