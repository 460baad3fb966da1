import type { Message } from '../../shared/schema.ts'
import type { Cluster } from '../cluster/cluster.ts'
import type { Store } from '../store/store.ts'
import type { MessageReader } from './message-reader.ts'
import type { RunRequest } from './prompt.ts'
import { stateOf, type RunState } from './run.ts'
import type { Running } from './running.ts'

export interface TaskListOptions {
  cluster: Cluster
  store: Store
  messages: MessageReader
  running: Running
}

export type ListedTask = RunState & { createdAt: number; model: string; place?: number }

/** The live runs of a user. `place`: one that waits is the so manieth of all that do on its node. Throws `store_unavailable`. */
export async function listTasks(
  { cluster, store, messages, running }: TaskListOptions,
  userId: string,
): Promise<ListedTask[]> {
  const positions = running.line.positions()
  const here = running.live
    .filter((run) => run.user.id === userId && !run.ended)
    .map((run) => {
      const place = positions.get(run)
      return {
        ...run.state,
        createdAt: run.createdAt,
        model: run.request.model,
        ...(place !== undefined && { place }),
      }
    })
  if (!cluster.many) return here
  const rows = (await store.unfinishedOf(userId)).filter((row) => row.node !== cluster.node)
  const elsewhere = await Promise.all(
    rows.map(async (row) => {
      const request = (await store.getRequest(row.id)) as RunRequest | null
      const message = request && (await messages.find(row))
      return (
        message && {
          // One that has only just been made may say nothing yet.
          ...stateOf(row, (message as Partial<Message>).status ?? 'queued'),
          createdAt: row.createdAt,
          model: request.model,
        }
      )
    }),
  )
  return [...here, ...elsewhere.filter((listed) => listed !== null)]
}
