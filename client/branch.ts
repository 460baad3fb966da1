import { branch, treeOf, type ChatMessage } from './tree.ts'

/** A message of the branch on show, and what could stand in its place. */
export interface BranchMessage {
  readonly message: ChatMessage
  /** Ids of all that answer the same parent, oldest first, this one among them: what `choose` takes. */
  readonly siblings: readonly string[]
  /** Its place among them, from 0. */
  readonly index: number
}

/**
 * The branch of a chat that this client shows, from its end. Which one is
 * nobody else's affair: by default the newest, else the one chosen until that
 * is the newest. `getSnapshot` and `subscribe` fit React's
 * `useSyncExternalStore`.
 */
export interface LiveBranch {
  /** The end of the branch, down to the leaf. The list, and each entry, is the same object while nothing in it changed. */
  readonly getSnapshot: () => readonly BranchMessage[]
  /** Follows the chat; `listener` is called after the chat, the choice, or how much is shown has changed. */
  readonly subscribe: (listener: () => void) => () => void
  /**
   * Shows the branch that holds this message, and below it what is newest. One
   * that is not there yet (just sent) is shown once it comes. When what was
   * chosen is deleted, the branch goes on from what is left above it.
   */
  readonly choose: (messageId: string) => void
  /**
   * Shows the chat as if this message, with all that answers it, were not there, until the answer is called: such as while a
   * person may still take back that they delete it. It stays so if nobody follows the chat meanwhile.
   */
  readonly hide: (messageId: string) => () => void
  /** There are messages before the first that is shown. */
  readonly hasOlder: boolean
  /** So many: the place of the first that is shown, from the root on. */
  readonly older: number
  /** Reads the page of messages before the first, and then shows it. Does nothing where there is none. Throws what the server says. */
  readonly loadOlder: () => Promise<void>
}

/** A branch as shown, and the choice that led to it. */
export interface Shown {
  readonly list: readonly BranchMessage[]
  /**
   * What was chosen, behind all above it: of these ids the last that exists
   * decides. Empty: the newest.
   */
  readonly choice: readonly string[]
}

export const nothingShown: Shown = { list: [], choice: [] }

/** The branch that `choice` leads to, of the same objects as `last` where nothing changed. */
export function showBranch(
  messages: readonly ChatMessage[],
  choice: readonly string[],
  last: Shown = nothingShown,
): Shown {
  const { byId } = treeOf(messages)
  const chosen = choice.findLast((id) => byId.has(id))
  const ids = branch(messages, chosen)
  const list = ids.map((id, index) => entryOf(messages, byId.get(id)!, last.list[index]))
  const isSame = list.length === last.list.length && list.every((entry, index) => entry === last.list[index])
  return { list: isSame ? last.list : list, choice: nextChoice(messages, choice, chosen, ids) }
}

function entryOf(
  messages: readonly ChatMessage[],
  message: ChatMessage,
  last: BranchMessage | undefined,
): BranchMessage {
  const { byId, children } = treeOf(messages)
  const all = children.get(message.parentId !== null && byId.has(message.parentId) ? message.parentId : null)!
  const isSame =
    last?.message === message &&
    last.siblings.length === all.length &&
    last.siblings.every((id, index) => all[index]!.id === id)
  if (isSame) return last
  return { message, siblings: all.map(({ id }) => id), index: all.indexOf(message) }
}

/** Remembers the way to what was chosen, for when it is deleted. On the newest branch nothing needs to be chosen. */
function nextChoice(
  messages: readonly ChatMessage[],
  choice: readonly string[],
  chosen: string | undefined,
  ids: readonly string[],
): readonly string[] {
  // A copy that is being loaded anew is empty for a while.
  if (choice.length === 0 || messages.length === 0) return choice
  if (chosen === undefined || branch(messages).at(-1) === ids.at(-1)) return []
  return ids.slice(0, ids.indexOf(chosen) + 1)
}
