import { ChatList, type ChatListQuery, type ChatListSnapshot } from '../parts/chat-list.ts'
import type { Part } from '../parts/part.ts'
import type { ReplicaError } from '../replica.ts'
import type { TasksSnapshot } from '../tasks.ts'
import { usePart } from './live.ts'
import { useProvided } from './provider.ts'
import { useMemo } from './react.ts'

export type Chats = ChatListSnapshot & {
  /** Reads the next page. */
  readonly loadMore: () => void
  /** Reads all pages again, for example after an error. */
  readonly refresh: () => void
}

/** This user's chats, the last active first, or those that a search finds. Live. */
export function useChats({ query, limit }: ChatListQuery = {}): Chats {
  const provided = useProvided()
  const name = JSON.stringify([query, limit])
  const [list, make] = useMemo(() => {
    const first = query === undefined ? provided.initial.chats : undefined
    const make = () => new ChatList(provided.getClient, { query, limit }, first)
    return [provided.kept(`chats ${name}`, make), make]
  }, [provided, name])
  const snapshot = usePart(list, () => provided.kept(`chats ${name} first`, make).getSnapshot())
  return useMemo(() => ({ ...snapshot, loadMore: list.loadMore, refresh: list.refresh }), [snapshot, list])
}

export interface UserTasks extends Pick<TasksSnapshot, 'tasks'> {
  /** They have not been read yet. */
  readonly pending: boolean
  readonly error: ReplicaError | null
}

const unread: TasksSnapshot = { status: 'loading', tasks: [] }

/** This user's runs, in all chats and on all devices. */
export function useTasks(): UserTasks {
  const provided = useProvided()
  const part = useMemo<Part<TasksSnapshot>>(
    () => ({
      getSnapshot: () => provided.find(false)?.tasks.getSnapshot() ?? unread,
      subscribe: (listener) => provided.getClient().tasks.subscribe(listener),
    }),
    [provided],
  )
  const snapshot = usePart(part, () => unread)
  return useMemo(() => {
    const { tasks, status } = snapshot
    return { tasks, pending: status === 'loading', error: status === 'failed' ? snapshot.error : null }
  }, [snapshot])
}
