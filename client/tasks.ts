import type { ListedTask } from './api-types.ts'
import { Listeners } from './listeners.ts'
import type { LiveSource } from './live.ts'
import type { ReplicaError } from './replica.ts'

/** The runs of this user that are queued, written, or wait, in all chats. */
export type TasksSnapshot =
  | { readonly status: 'loading'; readonly tasks: readonly ListedTask[] }
  | { readonly status: 'live'; readonly tasks: readonly ListedTask[] }
  /** They cannot be read; those that were known stay, and it is tried again where that can help. */
  | { readonly status: 'failed'; readonly tasks: readonly ListedTask[]; readonly error: ReplicaError }

export type LiveTasks = LiveSource<TasksSnapshot>

export const noTasks: TasksSnapshot = { status: 'loading', tasks: [] }

/** The list is loaded when somebody listens first. */
export function laterTasks(load: () => Promise<LiveTasks>): LiveTasks {
  const listeners = new Listeners()
  let list: LiveTasks | undefined
  let failure: TasksSnapshot | undefined
  let stop: (() => void) | undefined
  const begin = () =>
    load().then(
      (loaded) => {
        list = loaded
        failure = undefined
        if (listeners.size > 0) stop ??= list.subscribe(() => listeners.emit())
      },
      ({ code, message }: ReplicaError) => {
        failure = { ...noTasks, status: 'failed', error: { code, message } }
        listeners.emit()
      },
    )
  return {
    getSnapshot: () => list?.getSnapshot() ?? failure ?? noTasks,
    subscribe: (listener) => {
      const remove = listeners.add(listener)
      if (listeners.size === 1) void begin()
      return () => {
        remove()
        if (listeners.size > 0) return
        stop?.()
        stop = undefined
      }
    },
  }
}
