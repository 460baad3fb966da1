import type { Config } from '../config/config.ts'
import type { Metrics } from '../operation/metrics.ts'
import type { Answers } from '../http/answers.ts'

/** The port for a Prometheus, where one is set. */
export class Scrapers {
  readonly #metrics: Metrics
  readonly #config: Config
  readonly #answers: Answers
  #server: ReturnType<Metrics['listen']> | undefined

  constructor(metrics: Metrics, config: Config, answers: Answers) {
    this.#metrics = metrics
    this.#config = config
    this.#answers = answers
  }

  /** Its address; once, whoever asks. Throws where the port is taken. */
  async listen(): Promise<{ metricsUrl?: string }> {
    const { RUNNEL_METRICS_PORT: port, HOST: host } = this.#config
    if (port === undefined) return {}
    this.#server ??= this.#metrics
      .listen(port, host, (...answer) => this.#answers.take(...answer))
      .catch((error: unknown) => {
        this.#server = undefined
        throw error
      })
    return { metricsUrl: (await this.#server).url }
  }

  async close(): Promise<void> {
    await (await this.#server?.catch(() => undefined))?.close()
  }
}
