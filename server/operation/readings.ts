/** What is read when somebody asks, so that counting costs nothing in between. */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { getHeapStatistics } from 'node:v8'
import type { Instruments } from './instruments.ts'

/** Sizes in bytes. */
export interface MetricsSource {
  rooms: number
  connections: number
  /** The same by what carries them. */
  transports: Readonly<Record<'websocket' | 'stream' | 'poll', number>>
  unauthenticatedConnections: number
  laggingConnections: number
  viewers: number
  laggingViewers: number
  outboxBytes: number
  sentBytes: number
  catchUpPendingBytes: number
  catchUpWaiting: number
  /** HTTP requests that are being answered, event streams too. */
  answers: number
  /** Of whole answers that their callers have not taken. */
  pendingAnswerBytes: number
  tickMs: number
  loggedBytes: number
  /** In logs that no state holds yet, of documents in memory. */
  liveLogBytes: number
  liveLogEntries: number
  /** Of the store's files; 0 where it has none. */
  storeBytes: number
  runs: Readonly<Record<'queued' | 'preparing' | 'streaming' | 'waiting', number>>
  /** Of runs that live. */
  liveOutputBytes: number
}

/** A look inside, for tests and metrics. Sizes in bytes. */
export interface RunnelStats extends MetricsSource {
  eventStreams: number
}

type Reading = [name: string, help: string, read: (now: MetricsSource) => number]

const gauges: readonly Reading[] = [
  ['runnel_rooms', 'Documents in memory', (now) => now.rooms],
  ['runnel_connections', 'Open sockets', (now) => now.connections],
  [
    'runnel_unauthenticated_connections',
    'Open sockets on which nobody has signed in',
    (now) => now.unauthenticatedConnections,
  ],
  ['runnel_lagging_connections', 'Open sockets that read too slowly', (now) => now.laggingConnections],
  ['runnel_viewers', 'Subscriptions: documents times those who follow them', (now) => now.viewers],
  [
    'runnel_lagging_viewers',
    'Subscriptions that are behind and wait for a state difference',
    (now) => now.laggingViewers,
  ],
  ['runnel_outbox_bytes', 'Bytes that wait for slow sockets', (now) => now.outboxBytes],
  [
    'runnel_catch_up_pending_bytes',
    'State differences that sockets have not taken yet',
    (now) => now.catchUpPendingBytes,
  ],
  ['runnel_catch_up_waiting', 'Joins and returns that stand in line', (now) => now.catchUpWaiting],
  ['runnel_answers', 'HTTP requests that are being answered', (now) => now.answers],
  ['runnel_pending_answer_bytes', 'Whole answers that callers have not taken yet', (now) => now.pendingAnswerBytes],
  [
    'runnel_tick_seconds',
    'Length of the tick now; longer than RUNNEL_FLUSH_MS under load',
    (now) => now.tickMs / 1_000,
  ],
  [
    'runnel_live_log_bytes',
    'Updates in logs behind their compacted part, of documents in memory',
    (now) => now.liveLogBytes,
  ],
  ['runnel_live_log_entries', 'The same, entries', (now) => now.liveLogEntries],
  ['runnel_store_bytes', 'Size of the database with its write-ahead log', (now) => now.storeBytes],
  ['runnel_heap_used_bytes', 'Used heap', () => getHeapStatistics().used_heap_size],
  ['runnel_external_bytes', 'Memory of buffers outside the heap', () => getHeapStatistics().external_memory],
]
const counters: readonly Reading[] = [
  ['runnel_sent_bytes_total', 'Bytes handed to sockets', (now) => now.sentBytes],
  ['runnel_logged_bytes_total', 'Bytes of updates written to the log', (now) => now.loggedBytes],
]

/** Returns what reads all of it. `endedOutputBytes`: of runs that have ended. */
export function readings(
  instruments: Instruments,
  source: () => MetricsSource,
  endedOutputBytes: () => number,
): {
  /** Looks at the event loop from now on; the first `read` begins it, too. */
  begin(): void
  read(): void
  close(): void
} {
  const places = [
    ...gauges.map(([name, help, read]) => ({ place: instruments.gauge(name, help), read })),
    ...counters.map(([name, help, read]) => ({ place: instruments.counted(name, help), read })),
  ]
  const outputBytes = instruments.counted('runnel_output_bytes_total', 'Bytes that providers sent for messages')
  const transports = instruments.gauge('runnel_transports', 'Open connections by what carries them', ['transport'])
  const runs = instruments.gauge('runnel_runs', 'Live runs by state', ['status'])
  const lag = instruments.quantiles('runnel_event_loop_lag_seconds', 'Delay of the event loop since the last scrape')
  const utilization = instruments.gauge(
    'runnel_event_loop_utilization',
    'Busy share of the event loop since the last scrape, 0 to 1',
  )
  // It costs a timer: only where somebody looks.
  let delay: ReturnType<typeof monitorEventLoopDelay> | undefined
  const begin = () => {
    if (delay) return delay
    delay = monitorEventLoopDelay({ resolution: 10 })
    delay.enable()
    return delay
  }
  let utilizationBefore = performance.eventLoopUtilization()
  return {
    begin,
    read: () => {
      const now = source()
      for (const { place, read } of places) place.set(read(now))
      outputBytes.set(endedOutputBytes() + now.liveOutputBytes)
      for (const [status, count] of Object.entries(now.runs)) runs.set(count, { status })
      for (const [transport, count] of Object.entries(now.transports)) transports.set(count, { transport })
      const delay = begin()
      // Nothing was measured yet at the first look.
      lag.set((delay.percentile(50) || 0) / 1e9, 0.5)
      lag.set((delay.percentile(99) || 0) / 1e9, 0.99)
      lag.set((delay.max || 0) / 1e9, 1)
      delay.reset()
      const utilizationNow = performance.eventLoopUtilization()
      utilization.set(performance.eventLoopUtilization(utilizationNow, utilizationBefore).utilization)
      utilizationBefore = utilizationNow
    },
    close: () => void delay?.disable(),
  }
}
