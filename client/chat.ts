import type { Role } from '../shared/protocol.ts'
import { chatMap, chatMessages, type ChatEntry, type ChatFields, type WaitingEntry } from '../shared/schema.ts'
import type { LiveBranch } from './branch.ts'
import type { Branches } from './branches.ts'
import { liveDocument, type LiveDocument } from './live.ts'
import type { Present } from './presence.ts'
import { loading, type Replica, type ReplicaState } from './replica.ts'
import type { Subscriptions } from './subscriptions.ts'
import { treeOrder, type ChatMessage } from './tree.ts'

/**
 * `messages` stand in tree order: each behind its parent, what answers the
 * same parent by time. An entry that did not change is the same object.
 * `presence`: the others who have this chat open and say so, each connection
 * once. Where more than 100 follow it, only `viewers` counts them all. `role`
 * is what this user may do here, and follows what the owner makes of it; null
 * until the line has said it.
 * `waiting`: messages that are sent one after the other, each when the answer before it has ended.
 */
export type ChatSnapshot = ReplicaState & {
  readonly chat: ChatFields | null
  readonly messages: readonly ChatMessage[]
  readonly waiting: readonly WaitingEntry[]
  readonly presence: readonly Present[]
  readonly viewers: number | null
  readonly role: Role | null
}

export interface LiveChat extends LiveDocument<ChatSnapshot> {
  /**
   * Says something of this client to the others in the chat, while it is
   * followed and again after a reconnect; null takes it back. The server adds
   * `user`. What it holds must be JSON, 4 kB at the most.
   */
  readonly setPresence: (state: object | null) => void
  /** The branch of this chat that is on show: all who show the chat by this client share the choice, while it is followed. */
  readonly branch: LiveBranch
  /** A branch with a choice of its own, for a second view of the chat. */
  readonly ownBranch: () => LiveBranch
}

export function liveChat(id: string, subscriptions: Subscriptions, branches: Branches): LiveChat {
  let presence: object | null = null
  const source = {
    getSnapshot: () => readSnapshot(subscriptions.peek(id)),
    subscribe: (listener: () => void) => {
      const { replica, release } = subscriptions.follow(id)
      const remove = replica.listeners.add(() => listener())
      if (presence) subscriptions.setPresence(id, presence)
      return () => {
        remove()
        release()
      }
    },
  }
  return {
    ...liveDocument(id, source),
    setPresence: (state) => {
      presence = state
      subscriptions.setPresence(id, state)
    },
    branch: branches.shared(id, source),
    ownBranch: () => branches.own(id, source),
  }
}

interface Parts {
  state: ReplicaState
  chat: ChatFields
  entries: Record<string, ChatEntry>
  snapshot: ChatSnapshot
}

const noneWaits: readonly WaitingEntry[] = []
const nothing: ChatSnapshot = {
  ...loading,
  chat: null,
  messages: [],
  waiting: noneWaits,
  presence: [],
  viewers: null,
  role: null,
}
const lastRead = new WeakMap<Replica, Parts>()
const withIds = new WeakMap<ChatEntry, ChatMessage>()
const withoutChat = new WeakMap<ReplicaState, ChatSnapshot>()

export function readSnapshot(replica: Replica | undefined): ChatSnapshot {
  if (!replica) return nothing
  const { state, shown } = replica
  if (!shown) {
    const known = withoutChat.get(state) ?? (state === loading ? nothing : { ...nothing, ...state })
    withoutChat.set(state, known)
    return known
  }
  const chat = shown.view.read(chatMap(shown.doc)) as ChatFields
  const entries = shown.view.read(chatMessages(shown.doc)) as Record<string, ChatEntry>
  const last = lastRead.get(replica)
  const { list: presence, viewers } = replica.others
  const { role } = replica
  const same = last?.snapshot.presence === presence && last.snapshot.viewers === viewers && last.snapshot.role === role
  if (same && last?.state === state && last.chat === chat && last.entries === entries) return last.snapshot
  const messages = last?.entries === entries ? last.snapshot.messages : inTreeOrder(entries)
  const waiting = chat.waiting ?? noneWaits
  const snapshot: ChatSnapshot = { ...state, chat, messages, waiting, presence, viewers, role }
  lastRead.set(replica, { state, chat, entries, snapshot })
  return snapshot
}

function inTreeOrder(entries: Record<string, ChatEntry>): ChatMessage[] {
  return treeOrder(Object.entries(entries).map(([id, entry]) => withId(id, entry)))
}

function withId(id: string, entry: ChatEntry): ChatMessage {
  let message = withIds.get(entry)
  if (!message) withIds.set(entry, (message = { ...entry, id }))
  return message
}
