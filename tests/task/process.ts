/** One process as far as its runs are concerned, without HTTP: on a store that a test holds up or lets fail. */
import type { Cluster } from '../../server/cluster/cluster.ts'
import type { Provider } from '../../server/provider/events.ts'
import { Rooms } from '../../server/room/rooms.ts'
import type { Store } from '../../server/store/store.ts'
import { ChatDocuments } from '../../server/task/chat-documents.ts'
import { MessageReader } from '../../server/task/message-reader.ts'
import { Tasks, type TasksOptions } from '../../server/task/tasks.ts'
import { Toolbox } from '../../server/task/toolset.ts'

export const chatId = 'chat_recovery1'
export const messageId = 'msg_recovery1'

export async function askedIn(store: Store, node: string): Promise<void> {
  await store.createChat({ id: chatId, ownerId: 'u', title: 't', system: null, createdAt: 1 }, 'line')
  await store.startRun({
    userMessage: null,
    lineage: 'line',
    assistant: {
      id: messageId,
      chatId,
      parentId: null,
      createdAt: 1,
      taskId: 'task_1',
      userId: 'u',
      node,
      status: 'queued',
      request: { model: 'm' },
    },
  })
}

/** The runs of one process, on a store and among others. */
export function process(store: Store, cluster: Cluster, now = Date.now, own: Partial<TasksOptions> = {}) {
  const rooms = new Rooms({ cluster, flushMs: 1, now: Date.now, onEvict: async () => {} })
  const chats = new ChatDocuments(rooms, store)
  const errors: unknown[] = []
  const asked: string[] = []
  const tasks = new Tasks({
    rooms,
    store,
    cluster,
    now,
    chats,
    messages: new MessageReader(rooms, store),
    leaseMs: 1_000,
    onLostRun: 'interrupt',
    tools: new Toolbox([]),
    filters: [],
    redact: (text: string) => text,
    ends: null,
    filesUrl: '',
    maxTasks: 10,
    maxTasksPerUser: 10,
    maxQueuedTasksPerUser: 10,
    taskMaxMs: 10_000,
    maxMessageBytes: 1_000_000,
    approvalMaxMs: 60_000,
    maxToolRounds: 3,
    provider: async function* ({ model }) {
      asked.push(model)
      yield { type: 'finish', reason: 'stop' }
    } satisfies Provider,
    onError: (error: unknown) => errors.push(error),
    ...own,
  } as unknown as TasksOptions)
  return { rooms, chats, tasks, errors, asked }
}
