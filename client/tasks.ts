import type { ErrorCode } from '../shared/errors.ts'
import type { ListedTask } from './api-types.ts'
import { Listeners } from './listeners.ts'
import type { LiveSource } from './live.ts'

export interface TasksError {
  readonly code: ErrorCode
  /** A sentence for a person. */
  readonly message: string
}

/** The runs of this user that are queued, written, or wait, in all chats. */
export type TasksSnapshot =
  | { readonly status: 'loading'; readonly tasks: readonly ListedTask[] }
  | { readonly status: 'live'; readonly tasks: readonly ListedTask[] }
  /** They cannot be read; those that were known stay, and it is tried again where that can help. */
  | { readonly status: 'failed'; readonly tasks: readonly ListedTask[]; readonly error: TasksError }

export type LiveTasks = LiveSource<TasksSnapshot>

export const noTasks: TasksSnapshot = { status: 'loading', tasks: [] }

/** The list is loaded when somebody listens first. */
export function laterTasks(load: () => Promise<LiveTasks>): LiveTasks {
  const listeners = new Listeners()
  let snapshot = (): TasksSnapshot => noTasks
  let stop: (() => void) | null = null
  const begin = (list: LiveTasks) => {
    snapshot = list.getSnapshot
    if (listeners.size > 0) stop ??= list.subscribe(() => listeners.emit())
  }
  const fail = ({ code, message }: TasksError) => {
    const failed: TasksSnapshot = { ...noTasks, status: 'failed', error: { code, message } }
    snapshot = () => failed
    listeners.emit()
  }
  return {
    getSnapshot: () => snapshot(),
    subscribe: (listener) => {
      const remove = listeners.add(listener)
      if (listeners.size === 1) load().then(begin, fail)
      return () => {
        remove()
        if (listeners.size > 0) return
        stop?.()
        stop = null
      }
    },
  }
}
