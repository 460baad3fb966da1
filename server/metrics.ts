/** `GET /metrics` in the text format of Prometheus, from a registry of its own: several servers may live in one process. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { setTimeout as sleep } from 'node:timers/promises'
import { getHeapStatistics } from 'node:v8'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'

/** What is read when somebody asks, so that counting costs nothing in between. Sizes in bytes. */
export interface MetricsSource {
  rooms: number
  connections: number
  unauthenticatedConnections: number
  laggingConnections: number
  viewers: number
  laggingViewers: number
  outboxBytes: number
  sentBytes: number
  catchUpPendingBytes: number
  catchUpWaiting: number
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

/** What the parts tell when it happens. */
export interface Metrics {
  shown: (ms: number) => void
  /** The log of live documents took the flushes of a slot, or refused them. */
  logAppended(ms: number): void
  /** The store has the end of a run, or could not take it. */
  saved(ms: number): void
  /** An entry of another node was received and handed to the viewers. */
  remoteShown(ms: number): void
  /** `taken`: a run of a node that is gone is this one's now; `late`: another was faster. */
  takeover(outcome: 'taken' | 'late' | 'failed'): void
  ordersHeard(count: number): void
  runEnded(status: string, seconds: number, outputBytes: number, tokens: { input: number; output: number }): void
  refused(place: 'upgrade' | 'frame', reason: string): void
  unknownProviderEvent(): void
  /** The page for a scraper. */
  text(): Promise<string>
  /** Serves it; returns address and stop. */
  listen(port: number, host: string): Promise<{ url: string; close: () => Promise<void> }>
  close(): void
}

/** A probe that takes longer counts as failed: a scraper does not wait. */
const probeMs = 1_000
const fast = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]

/** `probes`: what this server needs, by name; each is asked at a scrape. */
export function createMetrics(
  source: () => MetricsSource,
  probes: Readonly<Record<string, () => Promise<void>>> = {},
): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const shown = new Histogram({
    name: 'runnel_chunk_to_viewer_seconds',
    help: 'From the first text that waited in a document to its broadcast',
    registers,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5],
  })
  const ended = new Counter({
    name: 'runnel_runs_ended_total',
    help: 'Runs by how they ended',
    labelNames: ['status'],
    registers,
  })
  for (const status of ['completed', 'stopped', 'failed', 'interrupted']) ended.inc({ status }, 0)
  const runSeconds = new Histogram({
    name: 'runnel_run_seconds',
    help: 'Length of runs',
    buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800],
    registers,
  })
  const tokens = new Counter({
    name: 'runnel_tokens_total',
    help: 'Tokens, as the providers reported them at the end of each run',
    labelNames: ['direction'],
    registers,
  })
  const refused = new Counter({
    name: 'runnel_refused_total',
    help: 'Upgrades and frames that were refused, by reason',
    labelNames: ['place', 'reason'],
    registers,
  })
  const unknown = new Counter({
    name: 'runnel_unknown_provider_events_total',
    help: 'Events of a type that this version does not know',
    registers,
  })

  const append = new Histogram({
    name: 'runnel_log_append_seconds',
    help: 'One write of the log of live documents',
    buckets: fast,
    registers,
  })
  const save = new Histogram({
    name: 'runnel_store_save_seconds',
    help: 'Saving the end of a run',
    buckets: fast,
    registers,
  })
  const remote = new Histogram({
    name: 'runnel_remote_entry_seconds',
    help: 'From the receipt of what another node wrote to its broadcast here',
    buckets: fast,
    registers,
  })
  const takeovers = new Counter({
    name: 'runnel_takeovers_total',
    help: 'Runs of nodes that are gone, by what became of the attempt',
    labelNames: ['outcome'],
    registers,
  })
  for (const outcome of ['taken', 'late', 'failed']) takeovers.inc({ outcome }, 0)
  const orders = new Counter({
    name: 'runnel_orders_heard_total',
    help: 'Stops and answers to calls that runs of this node got through the store',
    registers,
  })
  const up = new Gauge({
    name: 'runnel_up',
    help: 'What this server needs answers: 1 or 0',
    labelNames: ['part'],
    registers,
  })
  const probeSeconds = new Gauge({
    name: 'runnel_probe_seconds',
    help: 'How long that took',
    labelNames: ['part'],
    registers,
  })

  const runs = new Gauge({ name: 'runnel_runs', help: 'Live runs by state', labelNames: ['status'], registers })
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const lag = new Gauge({
    name: 'runnel_event_loop_lag_seconds',
    help: 'Delay of the event loop since the last scrape',
    labelNames: ['quantile'],
    registers,
  })
  let utilizationBefore = performance.eventLoopUtilization()
  let endedOutputBytes = 0

  const gauges: [name: string, help: string, read: (now: MetricsSource) => number][] = [
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
  const counters: [name: string, help: string, read: (now: MetricsSource) => number][] = [
    ['runnel_sent_bytes_total', 'Bytes handed to sockets', (now) => now.sentBytes],
    ['runnel_logged_bytes_total', 'Bytes of updates written to the log', (now) => now.loggedBytes],
    [
      'runnel_output_bytes_total',
      'Bytes that providers sent for messages',
      (now) => endedOutputBytes + now.liveOutputBytes,
    ],
  ]
  const utilization = new Gauge({
    name: 'runnel_event_loop_utilization',
    help: 'Busy share of the event loop since the last scrape, 0 to 1',
    registers,
  })
  const readings = [
    ...gauges.map(([name, help, read]) => ({ metric: new Gauge({ name, help, registers }), read })),
    ...counters.map(([name, help, read]) => ({ metric: new Counter({ name, help, registers }), read })),
  ]

  const collect = () => {
    const now = source()
    for (const { metric, read } of readings) {
      metric.reset()
      metric.inc(read(now))
    }
    for (const [status, count] of Object.entries(now.runs)) runs.set({ status }, count)
    lag.set({ quantile: '0.5' }, delay.percentile(50) / 1e9)
    lag.set({ quantile: '0.99' }, delay.percentile(99) / 1e9)
    lag.set({ quantile: '1' }, delay.max / 1e9)
    delay.reset()
    const utilizationNow = performance.eventLoopUtilization()
    utilization.set(performance.eventLoopUtilization(utilizationNow, utilizationBefore).utilization)
    utilizationBefore = utilizationNow
  }
  const text = async () => {
    await Promise.all(
      Object.entries(probes).map(async ([part, probe]) => {
        const startedAt = performance.now()
        up.set({ part }, (await succeeds(probe)) ? 1 : 0)
        probeSeconds.set({ part }, (performance.now() - startedAt) / 1_000)
      }),
    )
    collect()
    return await registry.metrics()
  }

  return {
    shown: (ms) => shown.observe(ms / 1_000),
    logAppended: (ms) => append.observe(ms / 1_000),
    saved: (ms) => save.observe(ms / 1_000),
    remoteShown: (ms) => remote.observe(ms / 1_000),
    takeover: (outcome) => takeovers.inc({ outcome }),
    ordersHeard: (count) => orders.inc(count),
    runEnded: (status, seconds, outputBytes, { input, output }) => {
      ended.inc({ status })
      runSeconds.observe(seconds)
      endedOutputBytes += outputBytes
      tokens.inc({ direction: 'input' }, input)
      tokens.inc({ direction: 'output' }, output)
    },
    refused: (place, reason) => refused.inc({ place, reason }),
    unknownProviderEvent: () => unknown.inc(),
    text,
    listen: (port, host) => serve(text, registry.contentType, port, host),
    close: () => {
      delay.disable()
      registry.clear()
    },
  }
}

async function succeeds(probe: () => Promise<void>): Promise<boolean> {
  const late = new AbortController()
  try {
    return await Promise.race([
      probe().then(
        () => true,
        () => false,
      ),
      sleep(probeMs, false, { signal: late.signal }).catch(() => false),
    ])
  } finally {
    late.abort()
  }
}

async function serve(
  text: () => Promise<string>,
  contentType: string,
  port: number,
  host: string,
): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') return void response.writeHead(404).end()
    text().then(
      (page) => response.writeHead(200, { 'Content-Type': contentType }).end(page),
      () => response.writeHead(500).end(),
    )
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, resolve)
  })
  const { address, port: taken, family } = server.address() as AddressInfo
  return {
    url: `http://${family === 'IPv6' ? `[${address}]` : address}:${taken}/metrics`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
