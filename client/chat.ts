import type { Role } from '../shared/protocol.ts'
import { chatMap, chatMessages, type ChatEntry, type ChatFields } from '../shared/schema.ts'
import { LiveDocument } from './live.ts'
import type { Present } from './presence.ts'
import { loading, type Replica, type ReplicaState } from './replica.ts'
import type { Subscriptions } from './subscriptions.ts'

/** A message as its chat lists it, with its id. */
export interface ChatMessage extends ChatEntry {
  readonly id: string
}

/**
 * `messages` stand in tree order: each behind its parent, what answers the
 * same parent by time. An entry that did not change is the same object.
 * `presence`: the others who have this chat open and say so, each connection
 * once. Where more than 100 follow it, only `viewers` counts them all. `role`
 * is what this user may do here, and follows what the owner makes of it.
 */
export type ChatSnapshot = ReplicaState & {
  readonly chat: ChatFields | null
  readonly messages: readonly ChatMessage[]
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
}

export function liveChat(id: string, subscriptions: Subscriptions): LiveChat {
  const document = new LiveDocument({ id, subscriptions, read: readSnapshot, change: () => {} })
  return Object.assign(document, { setPresence: (state: object | null) => subscriptions.setPresence(id, state) })
}

/**
 * The ids of one branch, root to leaf: the one that holds `through`, else the
 * one that holds the newest message; below that it follows the newest.
 */
export function branch(messages: readonly ChatMessage[], through?: string): string[] {
  const byId = new Map(messages.map(message => [message.id, message]))
  const children = childrenOf(messages, byId)
  let message = (through === undefined ? undefined : byId.get(through)) ?? newest(messages)
  const ids: string[] = []
  for (let below = message; below; below = newest(children.get(below.id) ?? [])) {
    message = below
  }
  for (; message; message = byId.get(message.parentId ?? '')) ids.push(message.id)
  return ids.reverse()
}

/** The ids of the messages that answer the same parent as this one, itself among them, oldest first. */
export function siblings(messages: readonly ChatMessage[], id: string): string[] {
  const parentId = messages.find(message => message.id === id)?.parentId
  return messages.filter(message => message.parentId === parentId).map(message => message.id)
}

interface Parts {
  state: ReplicaState
  chat: ChatFields
  entries: Record<string, ChatEntry>
  snapshot: ChatSnapshot
}

const nothing: ChatSnapshot = { ...loading, chat: null, messages: [], presence: [], viewers: null, role: null }
const lastRead = new WeakMap<Replica, Parts>()
const withIds = new WeakMap<ChatEntry, ChatMessage>()
const withoutChat = new WeakMap<ReplicaState, ChatSnapshot>()

function readSnapshot(replica: Replica | undefined): ChatSnapshot {
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
  const snapshot: ChatSnapshot = { ...state, chat, messages, presence, viewers, role }
  lastRead.set(replica, { state, chat, entries, snapshot })
  return snapshot
}

function inTreeOrder(entries: Record<string, ChatEntry>): ChatMessage[] {
  const byId = new Map(Object.entries(entries).map(([id, entry]) => [id, withId(id, entry)]))
  const children = childrenOf([...byId.values()], byId)
  const ordered: ChatMessage[] = []
  // A stack instead of recursion: a chat may be thousands of messages deep.
  const stack = [...children.get(null) ?? []].reverse()
  for (let message = stack.pop(); message; message = stack.pop()) {
    ordered.push(message)
    stack.push(...[...children.get(message.id) ?? []].reverse())
  }
  return ordered
}

/** Parent id → its messages, oldest first. One whose parent is not there counts as a root. */
function childrenOf(messages: readonly ChatMessage[], byId: ReadonlyMap<string, ChatMessage>): Map<string | null, ChatMessage[]> {
  const children = new Map<string | null, ChatMessage[]>()
  for (const message of messages) {
    const parent = message.parentId !== null && byId.has(message.parentId) ? message.parentId : null
    const list = children.get(parent)
    if (list) list.push(message)
    else children.set(parent, [message])
  }
  for (const list of children.values()) list.sort(byTime)
  return children
}

function withId(id: string, entry: ChatEntry): ChatMessage {
  let message = withIds.get(entry)
  if (!message) withIds.set(entry, message = { ...entry, id })
  return message
}

function newest(messages: readonly ChatMessage[]): ChatMessage | undefined {
  return messages.reduce<ChatMessage | undefined>((best, message) =>
    !best || byTime(best, message) < 0 ? message : best, undefined)
}

/** Ids break ties, so that every tab orders alike. */
function byTime(a: ChatMessage, b: ChatMessage): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)
}
