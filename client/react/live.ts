import type { BranchMessage } from '../branch.ts'
import type { ConnectionState } from '../connection-state.ts'
import type { ChatListQuery, ChatListSnapshot } from '../parts/chat-list.ts'
import type { ChatView, Presence } from '../parts/chat-parts.ts'
import { inPieces, type TextForm, type TextInPieces } from '../parts/growing.ts'
import type { MessageOutline } from '../parts/outline.ts'
import type { Part } from '../parts/part.ts'
import type { TaskListSnapshot } from '../parts/task-list.ts'
import type { Block, GrowingField } from '../../shared/schema.ts'
import { useProvided } from './provider.ts'
import { useEffect, useMemo, useSyncExternalStore } from './react.ts'

/** A part as it is now; `first`: as a server has rendered it. */
function usePart<Snapshot>(part: Part<Snapshot>, first: Pick<Part<Snapshot>, 'getSnapshot'>): Snapshot {
  return useSyncExternalStore(part.subscribe, part.getSnapshot, first.getSnapshot)
}

const connecting: ConnectionState = { status: 'connecting' }

/** How the line to the server is. */
export function useConnection(): ConnectionState {
  const provided = useProvided()
  const part = useMemo<Part<ConnectionState>>(
    () => ({
      getSnapshot: () => provided.opened?.connection.getSnapshot() ?? connecting,
      subscribe: (listener) => provided.client.connection.subscribe(listener),
    }),
    [provided],
  )
  return usePart(part, { getSnapshot: () => connecting })
}

export type Chats = ChatListSnapshot & {
  /** Reads the next page. */
  readonly loadMore: () => void
  /** Reads all pages anew, as after an error. */
  readonly refresh: () => void
}

/** This user's chats, the last active first, or those that a search finds. Live. */
export function useChats({ query, limit }: ChatListQuery = {}): Chats {
  const provided = useProvided()
  const list = useMemo(() => provided.chats({ query, limit }), [provided, query, limit])
  const snapshot = usePart(list, list.first)
  return useMemo(() => ({ ...snapshot, loadMore: list.loadMore, refresh: list.refresh }), [snapshot, list])
}

/** This user's runs, in all chats and on all devices. */
export function useTasks(): TaskListSnapshot {
  const { tasks } = useProvided()
  return usePart(tasks, tasks.first)
}

/** A chat: its fields, all its messages, what this user may do. Who types in it renders nothing here. */
export function useChat(chatId: string): ChatView {
  const provided = useProvided()
  const chat = useMemo(() => provided.chat(chatId), [provided, chatId])
  return usePart(chat.chat, chat.first.chat)
}

export interface ShownBranch {
  /** Root to leaf; an entry is the same object while nothing in it changed. */
  readonly entries: readonly BranchMessage[]
  /** Shows the branch that holds this message, one that is still to come, too. */
  readonly choose: (messageId: string) => void
}

/** The branch of a chat that this client shows: the same one in all components below a provider. */
export function useBranch(chatId: string): ShownBranch {
  const provided = useProvided()
  const chat = useMemo(() => provided.chat(chatId), [provided, chatId])
  const entries = usePart(chat.branch, chat.first.branch)
  return useMemo(() => ({ entries, choose: chat.choose }), [entries, chat])
}

/** Who else has a chat open. `state` is what this client says of itself meanwhile; null or nothing: it says nothing. */
export function usePresence(chatId: string, state?: object | null): Presence {
  const provided = useProvided()
  const chat = useMemo(() => provided.chat(chatId), [provided, chatId])
  const said = state ? JSON.stringify(state) : null
  useEffect(() => {
    if (said === null) return
    chat.setPresence(JSON.parse(said) as object)
    return () => chat.setPresence(null)
  }, [chat, said])
  return usePart(chat.presence, chat.first.presence)
}

/** An answer without what grows: its fields, and which blocks it has. Renders when a field changes or a block comes. */
export function useMessage(messageId: string): MessageOutline {
  const provided = useProvided()
  const message = useMemo(() => provided.message(messageId), [provided, messageId])
  return usePart(message, message.first)
}

/** One block of an answer, with its text as of now; null while there is none. */
export function useBlock(messageId: string, blockId: string): Block | null {
  const provided = useProvided()
  const [part, first] = useMemo(() => {
    const message = provided.message(messageId)
    return [message.block(blockId), message.first.block(blockId)]
  }, [provided, messageId, blockId])
  return usePart(part, first)
}

/** The text of a block as finished pieces and one open piece: what is finished is the same object for ever. */
export function useBlockText(messageId: string, blockId: string, field: GrowingField = 'text'): TextInPieces {
  return useGrowingText(messageId, blockId, field, inPieces)
}

/** The same in another form, such as Markdown. */
export function useGrowingText<Shown>(
  messageId: string,
  blockId: string,
  field: GrowingField,
  form: TextForm<Shown>,
): Shown {
  const provided = useProvided()
  const [part, first] = useMemo(() => {
    const message = provided.message(messageId)
    return [message.text(blockId, field, form), message.first.text(blockId, field, form)]
  }, [provided, messageId, blockId, field, form])
  return usePart(part, first)
}
