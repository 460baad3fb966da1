import type { Admission } from '../auth/admission.ts'
import type { Answers } from '../http/answers.ts'
import type { Door } from '../http/door/door.ts'
import type { EventStreams } from '../events/event-streams.ts'
import type { RunnelStats } from '../operation/readings.ts'
import type { Rooms } from '../room/rooms.ts'
import type { Sockets } from '../socket/sockets.ts'
import type { Tasks } from '../task/tasks.ts'

export interface StatsOptions {
  rooms: Rooms
  tasks: Tasks
  sockets: Sockets
  events: EventStreams
  door: Door
  answers: Answers
  admission: Admission
  storeBytes: () => number
}

/** What the parts are doing now. */
export function readStats({
  rooms,
  tasks,
  sockets,
  events,
  door,
  answers,
  admission,
  storeBytes,
}: StatsOptions): RunnelStats {
  const connections = [...sockets.connections]
  const subscriptions = connections.flatMap(({ session }) => [...session.subscriptions.values()])
  const runs = { queued: tasks.queued, preparing: 0, streaming: 0, waiting: 0 }
  let liveOutputBytes = 0
  for (const {
    state: { status },
    output,
  } of tasks.begun) {
    liveOutputBytes += output.bytes
    if (status === 'preparing' || status === 'streaming' || status === 'waiting') runs[status] += 1
  }
  const { bytes: liveLogBytes, entries: liveLogEntries } = rooms.logSize
  return {
    rooms: rooms.size,
    connections: connections.length,
    transports: sockets.conversations.byTransport,
    eventStreams: events.size,
    unauthenticatedConnections: admission.unauthenticated,
    laggingConnections: connections.filter(({ outbox }) => outbox.lagging).length,
    viewers: subscriptions.length,
    laggingViewers: subscriptions.filter(({ lags }) => lags).length,
    outboxBytes: connections.reduce((sum, { outbox }) => sum + outbox.bytes, events.outboxBytes + door.outboxBytes),
    sentBytes: sockets.conversations.bytesWritten,
    catchUpPendingBytes: sockets.catchUp.pendingBytes,
    catchUpWaiting: sockets.catchUp.waiting,
    answers: answers.size,
    pendingAnswerBytes: answers.pendingBytes,
    tickMs: rooms.flusher.tickMs,
    loggedBytes: rooms.flusher.loggedBytes,
    liveLogBytes,
    liveLogEntries,
    storeBytes: storeBytes(),
    runs,
    liveOutputBytes,
  }
}
