/** What counts and measures: the one place that knows prom-client. */
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry, type MetricType } from 'prom-client'

/** Seconds of what is done many times a second. */
export const fast = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
/** Seconds of what people wait for. */
export const slow = [0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 1800]

type Labels = Record<string, string>

/** Of one server: several may live in one process. */
export class Instruments {
  readonly #registry = new Registry()
  readonly contentType = this.#registry.contentType

  /** `labels`: their names. */
  counter(name: string, help: string, labels: readonly string[] = []): { add(count: number, values?: Labels): void } {
    const counter = new Counter({ name, help, labelNames: [...labels], registers: [this.#registry] })
    return { add: (count, values = {}) => counter.inc(values, count) }
  }

  /** Set, not added to. One that has labels shows only what was set. */
  gauge(name: string, help: string, labels: readonly string[] = []): { set(value: number, values?: Labels): void } {
    const gauge = new Gauge({ name, help, labelNames: [...labels], registers: [this.#registry] })
    return { set: (value, values = {}) => gauge.set(values, value) }
  }

  /** Something else counts, and says how far it is when the page is made. */
  counted(name: string, help: string): { set(value: number): void } {
    const counter = new Counter({ name, help, registers: [this.#registry] })
    return {
      set: (value) => {
        counter.reset()
        counter.inc(value)
      },
    }
  }

  /** Read elsewhere, by quantile: to Prometheus a summary, which only may have that label. */
  quantiles(name: string, help: string): { set(value: number, quantile: number): void } {
    const gauge = new Quantiles({ name, help, labelNames: ['quantile'], registers: [this.#registry] })
    return { set: (value, quantile) => gauge.set({ quantile }, value) }
  }

  histogram(name: string, help: string, buckets: readonly number[]): { observe(seconds: number): void } {
    const histogram = new Histogram({ name, help, buckets: [...buckets], registers: [this.#registry] })
    return { observe: (seconds) => histogram.observe(seconds) }
  }

  /** All of it in the text format, and what the process is doing. */
  async page(): Promise<string> {
    return (await Promise.all([this.#registry.metrics(), processInstruments().metrics()])).join('\n')
  }

  close(): void {
    this.#registry.clear()
  }
}

class Quantiles extends Gauge {
  override async get() {
    // The package's types name an enum that it does not have.
    return { ...(await super.get()), type: 'summary' as unknown as MetricType.Gauge }
  }
}

let ofProcess: Registry | undefined

/** Of the process and of Node, once however many servers it has; it begins with the first that is asked for it. */
function processInstruments(): Registry {
  if (ofProcess) return ofProcess
  ofProcess = new Registry()
  collectDefaultMetrics({ register: ofProcess })
  for (const { name } of ofProcess.getMetricsAsArray()) if (left.test(name)) ofProcess.removeSingleMetric(name)
  return ofProcess
}

/** Gauges that are called totals, which Prometheus refuses (they stand beside it by type), and what each server measures itself. */
const left = /^nodejs_active_\w+_total$|^nodejs_eventloop_lag_/
