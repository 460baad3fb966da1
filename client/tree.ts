import type { ChatEntry } from '../shared/schema.ts'

/** A message as its chat lists it, with its id. */
export interface ChatMessage extends ChatEntry {
  readonly id: string
}

/** The messages of a chat by id, and by what they answer. */
export interface Tree {
  readonly byId: ReadonlyMap<string, ChatMessage>
  /** Parent id → what answers it, oldest first; null → the roots. One whose parent is not there is a root. */
  readonly children: ReadonlyMap<string | null, readonly ChatMessage[]>
}

const trees = new WeakMap<readonly ChatMessage[], Tree>()

/** Built once for a list, which must not change. */
export function treeOf(messages: readonly ChatMessage[]): Tree {
  let tree = trees.get(messages)
  if (!tree) trees.set(messages, (tree = buildTree(messages)))
  return tree
}

function buildTree(messages: readonly ChatMessage[]): Tree {
  const byId = new Map(messages.map((message) => [message.id, message]))
  const children = new Map<string | null, ChatMessage[]>()
  for (const message of messages) {
    const parent = parentOf(message, byId)?.id ?? null
    const list = children.get(parent)
    if (list) list.push(message)
    else children.set(parent, [message])
  }
  for (const list of children.values()) list.sort(byTime)
  return { byId, children }
}

/** Each message behind its parent, what answers the same parent by time. */
export function treeOrder(messages: readonly ChatMessage[]): ChatMessage[] {
  const { children } = buildTree(messages)
  const ordered: ChatMessage[] = []
  // A stack instead of recursion: a chat may be thousands of messages deep.
  const stack = [...(children.get(null) ?? [])].reverse()
  for (let message = stack.pop(); message; message = stack.pop()) {
    ordered.push(message)
    for (const child of [...(children.get(message.id) ?? [])].reverse()) stack.push(child)
  }
  return ordered
}

/**
 * The ids of one branch, root to leaf: the one that holds `through`, else the
 * one that holds the newest message; below that it follows the newest.
 */
export function branch(messages: readonly ChatMessage[], through?: string): string[] {
  const { byId, children } = treeOf(messages)
  let message = (through === undefined ? undefined : byId.get(through)) ?? newest(messages)
  const ids: string[] = []
  for (let below = message; below; below = children.get(below.id)?.at(-1)) message = below
  for (; message; message = parentOf(message, byId)) ids.push(message.id)
  return ids.reverse()
}

/** The messages, each behind its parent, without these and all that answers them. */
export function withoutTrees(messages: readonly ChatMessage[], ids: ReadonlySet<string>): readonly ChatMessage[] {
  if (ids.size === 0) return messages
  const gone = new Set(ids)
  return messages.filter(({ id, parentId }) => {
    if (parentId !== null && gone.has(parentId)) gone.add(id)
    return !gone.has(id)
  })
}

/** The ids of the messages that answer the same parent as this one, itself among them, oldest first. */
export function siblings(messages: readonly ChatMessage[], id: string): string[] {
  const { byId, children } = treeOf(messages)
  const message = byId.get(id)
  return message ? children.get(parentOf(message, byId)?.id ?? null)!.map((sibling) => sibling.id) : []
}

function parentOf({ parentId }: ChatMessage, byId: ReadonlyMap<string, ChatMessage>): ChatMessage | undefined {
  return parentId === null ? undefined : byId.get(parentId)
}

function newest(messages: readonly ChatMessage[]): ChatMessage | undefined {
  return messages.reduce<ChatMessage | undefined>(
    (best, message) => (!best || byTime(best, message) < 0 ? message : best),
    undefined,
  )
}

/** Ids break ties, so that every tab orders alike. */
function byTime(a: ChatMessage, b: ChatMessage): number {
  return a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1)
}
