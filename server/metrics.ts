/** `GET /metrics` in the text format of Prometheus, from a registry of its own: several servers may live in one process. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
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
  /** Of the store's files; 0 where it has none. */
  storeBytes: number
  runs: Readonly<Record<'queued' | 'preparing' | 'streaming' | 'waiting', number>>
  /** Of runs that live. */
  liveOutputBytes: number
}

/** What the parts tell when it happens. */
export interface Metrics {
  shown: (ms: number) => void
  runEnded(status: string, seconds: number, outputBytes: number, tokens: { input: number; output: number }): void
  refused(place: 'upgrade' | 'frame', reason: string): void
  unknownProviderEvent(): void
  /** The page for a scraper. */
  text(): Promise<string>
  /** Serves it; returns address and stop. */
  listen(port: number, host: string): Promise<{ url: string; close: () => Promise<void> }>
  close(): void
}

export function createMetrics(source: () => MetricsSource): Metrics {
  const registry = new Registry()
  const registers = [registry]
  const shown = new Histogram({
    name: 'runnel_chunk_to_viewer_seconds', help: 'From the first text that waited in a document to its broadcast', registers,
    buckets: [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5],
  })
  const ended = new Counter({ name: 'runnel_runs_ended_total', help: 'Runs by how they ended', labelNames: ['status'], registers })
  for (const status of ['completed', 'stopped', 'failed', 'interrupted']) ended.inc({ status }, 0)
  const runSeconds = new Histogram({ name: 'runnel_run_seconds', help: 'Length of runs', buckets: [0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800], registers })
  const tokens = new Counter({ name: 'runnel_tokens_total', help: 'Tokens, as the providers reported them at the end of each run', labelNames: ['direction'], registers })
  const refused = new Counter({ name: 'runnel_refused_total', help: 'Upgrades and frames that were refused, by reason', labelNames: ['place', 'reason'], registers })
  const unknown = new Counter({ name: 'runnel_unknown_provider_events_total', help: 'Events of a type that this version does not know', registers })

  const runs = new Gauge({ name: 'runnel_runs', help: 'Live runs by state', labelNames: ['status'], registers })
  const delay = monitorEventLoopDelay({ resolution: 10 })
  delay.enable()
  const lag = new Gauge({ name: 'runnel_event_loop_lag_seconds', help: 'Delay of the event loop since the last scrape', labelNames: ['quantile'], registers })
  let utilizationBefore = performance.eventLoopUtilization()
  let endedOutputBytes = 0

  const gauges: [name: string, help: string, read: (now: MetricsSource) => number][] = [
    ['runnel_rooms', 'Documents in memory', now => now.rooms],
    ['runnel_connections', 'Open sockets', now => now.connections],
    ['runnel_unauthenticated_connections', 'Open sockets on which nobody has signed in', now => now.unauthenticatedConnections],
    ['runnel_lagging_connections', 'Open sockets that read too slowly', now => now.laggingConnections],
    ['runnel_viewers', 'Subscriptions: documents times those who follow them', now => now.viewers],
    ['runnel_lagging_viewers', 'Subscriptions that are behind and wait for a state difference', now => now.laggingViewers],
    ['runnel_outbox_bytes', 'Bytes that wait for slow sockets', now => now.outboxBytes],
    ['runnel_catch_up_pending_bytes', 'State differences that sockets have not taken yet', now => now.catchUpPendingBytes],
    ['runnel_catch_up_waiting', 'Joins and returns that stand in line', now => now.catchUpWaiting],
    ['runnel_tick_seconds', 'Length of the tick now; longer than RUNNEL_FLUSH_MS under load', now => now.tickMs / 1_000],
    ['runnel_store_bytes', 'Size of the database with its write-ahead log', now => now.storeBytes],
    ['runnel_heap_used_bytes', 'Used heap', () => getHeapStatistics().used_heap_size],
    ['runnel_external_bytes', 'Memory of buffers outside the heap', () => getHeapStatistics().external_memory],
  ]
  const counters: [name: string, help: string, read: (now: MetricsSource) => number][] = [
    ['runnel_sent_bytes_total', 'Bytes handed to sockets', now => now.sentBytes],
    ['runnel_logged_bytes_total', 'Bytes of updates written to the log', now => now.loggedBytes],
    ['runnel_output_bytes_total', 'Bytes that providers sent for messages', now => endedOutputBytes + now.liveOutputBytes],
  ]
  const utilization = new Gauge({ name: 'runnel_event_loop_utilization', help: 'Busy share of the event loop since the last scrape, 0 to 1', registers })
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
    collect()
    return await registry.metrics()
  }

  return {
    shown: ms => shown.observe(ms / 1_000),
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

async function serve(text: () => Promise<string>, contentType: string, port: number, host: string): Promise<{ url: string; close: () => Promise<void> }> {
  const server = createServer((request, response) => {
    if (request.url !== '/metrics' || request.method !== 'GET') return void response.writeHead(404).end()
    text().then(
      page => response.writeHead(200, { 'Content-Type': contentType }).end(page),
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
    close: () => new Promise(resolve => {
      server.close(() => resolve())
      server.closeAllConnections()
    }),
  }
}
