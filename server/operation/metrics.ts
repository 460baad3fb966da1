/** What an operator counts: the text format of Prometheus, of one server; several may live in one process. */
import { boundedLabel } from './bounded-label.ts'
import { fast, Instruments, slow } from './instruments.ts'
import { readings, type MetricsSource } from './readings.ts'
import { serveMetrics, type TakeAnswer } from './serve-metrics.ts'
import { within } from '../waiting/race.ts'

export interface EndedRun {
  status: string
  /** Of its error. */
  code: string | undefined
  model: string
  seconds: number
  outputBytes: number
  tokens: { input: number; output: number }
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
  /** A run has a place, after so long. */
  runBegun(waitedSeconds: number): void
  /** The first of what a model says, so long after its run began. */
  firstToken(seconds: number): void
  runEnded(run: EndedRun): void
  /** One of several providers was asked: `answering`, or the code of its failure before its first token. */
  asked(provider: string, outcome: string): void
  refused(place: 'upgrade' | 'frame', reason: string): void
  /** Returns the path as it is counted: of those that came late, `other`. */
  unknownFromProvider(path: string): string
  /** An answer is over. `route`: the pattern, never the path. */
  answered(method: string, route: string, status: number): void
  /** The page for a scraper. */
  text(): Promise<string>
  /** Serves it; returns address and stop. `take`: what every answer of this process goes through. */
  listen(port: number, host: string, take: TakeAnswer): Promise<{ url: string; close: () => Promise<void> }>
  close(): void
}

export interface MetricsOptions {
  source: () => MetricsSource
  version: string
  /** Who answers for a model, in a word. */
  providerOf: (model: string) => string
  /** Models that are told apart however many others are asked for. */
  models: readonly string[]
  /** What this server needs, by name; each is asked at a scrape. */
  probes?: Readonly<Record<string, () => Promise<void>>>
}

/** A probe that takes longer counts as failed: a scraper does not wait. */
const probeMs = 1_000
/** Callers name models; so many have numbers of their own. */
const maxModels = 50
/** Providers name paths; so many have numbers of their own. */
const maxPaths = 50
const methods = ['GET', 'HEAD', 'POST', 'PATCH', 'DELETE', 'OPTIONS', 'PUT']

export function createMetrics({ source, version, providerOf, models, probes = {} }: MetricsOptions): Metrics {
  const instruments = new Instruments()
  const { contentType } = instruments
  const shown = instruments.histogram(
    'runnel_chunk_to_viewer_seconds',
    'From the first text that waited in a document to its broadcast',
    [0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.08, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5],
  )
  const ended = instruments.counter('runnel_runs_ended_total', 'Runs by how they ended', ['status'])
  for (const status of ['completed', 'stopped', 'failed', 'interrupted']) ended.add(0, { status })
  const failures = instruments.counter(
    'runnel_run_failures_total',
    'Runs that ended with an error, by its code, the model that was asked and who answers for it',
    ['code', 'model', 'provider'],
  )
  const asked = instruments.counter(
    'runnel_provider_requests_total',
    'Requests to each of several providers, by what became of them: answering, or the code of a failure before the first token',
    ['provider', 'outcome'],
  )
  const model = boundedLabel(maxModels, models)
  const runSeconds = instruments.histogram('runnel_run_seconds', 'Length of runs', slow)
  const queueWait = instruments.histogram('runnel_queue_wait_seconds', 'From a question to the begin of its run', slow)
  const firstToken = instruments.histogram(
    'runnel_time_to_first_token_seconds',
    'From the begin of a run to the first that the model says, without waiting for people',
    slow,
  )
  const tokens = instruments.counter(
    'runnel_tokens_total',
    'Tokens, as the providers reported them at the end of each run',
    ['direction'],
  )
  const requests = instruments.counter(
    'runnel_http_requests_total',
    'Answers over HTTP, by the pattern of their path and by status; counted when they are over',
    ['method', 'route', 'status'],
  )
  const refused = instruments.counter('runnel_refused_total', 'Upgrades and frames that were refused, by reason', [
    'place',
    'reason',
  ])
  const unknown = instruments.counter(
    'runnel_unknown_provider_events_total',
    'What providers said and this version does not understand, by its path in their JSON',
    ['path'],
  )
  const unknownPath = boundedLabel(maxPaths)
  const append = instruments.histogram('runnel_log_append_seconds', 'One write of the log of live documents', fast)
  const save = instruments.histogram('runnel_store_save_seconds', 'Saving the end of a run', fast)
  const remote = instruments.histogram(
    'runnel_remote_entry_seconds',
    'From the receipt of what another node wrote to its broadcast here',
    fast,
  )
  const takeovers = instruments.counter(
    'runnel_takeovers_total',
    'Runs of nodes that are gone, by what became of the attempt',
    ['outcome'],
  )
  for (const outcome of ['taken', 'late', 'failed']) takeovers.add(0, { outcome })
  const orders = instruments.counter(
    'runnel_orders_heard_total',
    'Stops and answers to calls that runs of this node got through the store',
  )
  const up = instruments.gauge('runnel_up', 'What this server needs answers: 1 or 0', ['part'])
  const probeSeconds = instruments.gauge('runnel_probe_seconds', 'How long that took', ['part'])
  instruments.gauge('runnel_build_info', 'Always 1; its label says what runs', ['version']).set(1, { version })

  let endedOutputBytes = 0
  const read = readings(instruments, source, () => endedOutputBytes)
  const text = async () => {
    await Promise.all(
      Object.entries(probes).map(async ([part, probe]) => {
        const startedAt = performance.now()
        up.set((await succeeds(probe)) ? 1 : 0, { part })
        probeSeconds.set((performance.now() - startedAt) / 1_000, { part })
      }),
    )
    read.read()
    return await instruments.page()
  }

  return {
    shown: (ms) => shown.observe(ms / 1_000),
    logAppended: (ms) => append.observe(ms / 1_000),
    saved: (ms) => save.observe(ms / 1_000),
    remoteShown: (ms) => remote.observe(ms / 1_000),
    takeover: (outcome) => takeovers.add(1, { outcome }),
    ordersHeard: (count) => orders.add(count),
    runBegun: (waitedSeconds) => queueWait.observe(waitedSeconds),
    firstToken: (seconds) => firstToken.observe(seconds),
    runEnded: (run) => {
      ended.add(1, { status: run.status })
      if (run.code !== undefined)
        failures.add(1, { code: run.code, model: model(run.model), provider: providerOf(run.model) })
      runSeconds.observe(run.seconds)
      endedOutputBytes += run.outputBytes
      tokens.add(run.tokens.input, { direction: 'input' })
      tokens.add(run.tokens.output, { direction: 'output' })
    },
    asked: (provider, outcome) => asked.add(1, { provider, outcome }),
    refused: (place, reason) => refused.add(1, { place, reason }),
    unknownFromProvider: (given) => {
      const path = unknownPath(given)
      unknown.add(1, { path })
      return path
    },
    answered: (method, route, status) =>
      requests.add(1, { method: methods.includes(method) ? method : 'other', route, status: String(status) }),
    text,
    listen: (port, host, take) => {
      read.begin()
      return serveMetrics(text, contentType, port, host, take)
    },
    close: () => {
      read.close()
      instruments.close()
    },
  }
}

async function succeeds(probe: () => Promise<void>): Promise<boolean> {
  return await within(probeMs, () => new Error('No answer in time.'), probe).then(
    () => true,
    () => false,
  )
}
