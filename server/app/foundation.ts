/** What all other parts stand on: settings, log, store, files, cluster and numbers. */
import { Authors } from '../auth/authors.ts'
import { misspelt } from '../config/setting-names.ts'
import { loadConfig } from '../config/read-config.ts'
import { version } from '../config/version.ts'
import { createLogger, withoutSecrets } from '../operation/log.ts'
import { createMetrics, type MetricsOptions } from '../operation/metrics.ts'
import { redactor } from '../secrets/secrets.ts'
import { patientStore } from '../store/patient.ts'
import { openCluster, openFiles, openStore, pickPatience } from './adapters.ts'
import { knownSecrets } from './known-secrets.ts'
import { measuredCluster, measuredStore } from './measured.ts'
import { operation } from './operation.ts'
import { optionFaults, type RunnelOptions } from './options.ts'
import { quietLines } from './quiet-lines.ts'
import { upstreamLabels, upstreamSecrets } from './upstream.ts'

/** What closes the parts that are open or run by themselves, in the order of their making: for a server that cannot be made whole. */
export type Opened = (() => unknown)[]

export type Foundation = ReturnType<typeof layFoundation>

/** `source` is read at a scrape, when all parts are there. Throws `bad_request`, `store_unavailable`. */
export function layFoundation(options: RunnelOptions, source: MetricsOptions['source'], opened: Opened) {
  const config = loadConfig(options, options.authenticate !== undefined, optionFaults(options))
  const redact = redactor(knownSecrets(config, options.tools ?? [], upstreamSecrets(config, options)))
  const log = withoutSecrets(options.logger ?? createLogger(config.LOG_LEVEL), redact)
  for (const warning of misspelt(Object.keys(options))) log.warn({}, warning)
  const now = Date.now
  const quiet = quietLines(log, now)
  const patience = pickPatience(config, options)

  const openedStore = openStore(config, options, patience)
  opened.push(() => openedStore.close())
  const files = openFiles(config)
  opened.push(() => files.close())
  const connected = openCluster(config, options, openedStore.log, patience, (what, err) => {
    if (quiet.mayBeSaid(`${what} of another node`))
      log.warn({ what, err }, 'something on the channels of the nodes could not be read, and was dropped')
  })
  opened.push(() => connected.close())
  const metrics = createMetrics({
    source,
    version: version(),
    ...upstreamLabels(config, options),
    probes: { store: () => openedStore.probe(), ...(connected.many && { redis: () => connected.probe() }) },
  })
  opened.push(() => metrics.close())

  const store = measuredStore(openedStore, metrics)
  const cluster = measuredCluster(connected, metrics)
  return {
    config,
    redact,
    log,
    now,
    quiet,
    patience,
    store,
    /** What users are called where guests may see it. */
    authors: new Authors(store),
    /** For what has begun: it waits for a store that is away. */
    patient: patientStore(store, patience),
    files,
    cluster,
    metrics,
    operation: operation(log, quiet, metrics, now),
    /** Throws where a server that this one needs does not answer. */
    reach: async () => void (await Promise.all([store.probe(), cluster.probe()])),
  }
}
