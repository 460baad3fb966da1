/** The composition root: a server of its parts, each made of those before it. */
import type { Server } from 'node:http'
import type { Config } from '../config/config.ts'
import type { Route } from '../http/route.ts'
import { table } from '../http/routes.ts'
import type { Logger } from '../operation/log.ts'
import type { RunnelStats } from '../operation/readings.ts'
import { closeAll } from '../waiting/close.ts'
import { storeBytes } from './adapters.ts'
import { knowCallers } from './callers.ts'
import { closeServer } from './closing.ts'
import { openDoors } from './doors.ts'
import { layFoundation, type Opened } from './foundation.ts'
import type { RunnelOptions } from './options.ts'
import { makeRuns } from './runs.ts'
import { Scrapers } from './scrapers.ts'
import { makeScreens } from './screens.ts'
import type { Handler } from './serving.ts'
import { readStats } from './stats.ts'
import { Upkeep } from './upkeep.ts'
import { openUpstreams } from './upstream.ts'

export type { RunnelOptions, RunnelStats }

export interface Runnel {
  readonly config: Config
  /** Where its lines go, without keys. */
  readonly log: Logger
  /** Recovers what a crash left, then listens. Resolves with the address, `http://127.0.0.1:8787`. Throws where the port is taken, or Postgres cannot be used. */
  listen(): Promise<{ url: string; metricsUrl?: string }>
  /**
   * Instead of `listen`, in a program with a server of its own: `app.use('/chat', runnel.handler)` in Express, or what
   * `http.createServer` takes. It serves what is below RUNNEL_BASE_PATH and gives all else to `next`.
   */
  readonly handler: Handler
  /** Takes the sockets below RUNNEL_BASE_PATH on that program's server; other upgrades are left to others that listen for them. */
  attach(server: Server): Promise<{ metricsUrl?: string }>
  /** What the parts are doing now. */
  stats(): RunnelStats
  /** The page for a Prometheus, for a route of that program's own. RUNNEL_METRICS_PORT opens a port for it, too. */
  metrics(): Promise<string>
  /** Interrupts what runs, saves it, closes all sockets and the store. The server of another program runs on. Idempotent. */
  close(): Promise<void>
}

/**
 * Makes a server from settings (`docs`: the configuration table). Throws
 * `bad_request` for a wrong setting, `store_unavailable` where the store
 * cannot be opened.
 */
export function createRunnel(options: RunnelOptions = {}): Runnel {
  return assemble(options, table)
}

/**
 * The same with other routes than those of the table.
 * @internal It is in no declaration: the types of routes are those of express, which users need not have.
 */
export function assemble(options: RunnelOptions, routes: readonly Route[]): Runnel {
  const opened: Opened = []
  try {
    return wire(options, routes, opened)
  } catch (error) {
    // A program that goes on can try again with other settings: nothing is left locked.
    closeAll(opened.toReversed()).catch(() => {})
    throw error
  }
}

function wire(options: RunnelOptions, routes: readonly Route[], opened: Opened): Runnel {
  // Asked for numbers when all parts are there: the one thing here that is bound late.
  const stats = (): RunnelStats =>
    readStats({
      ...callers,
      ...screens,
      ...runs,
      ...doors,
      storeBytes: () => (options.store ? 0 : storeBytes(config.DATABASE_URL)),
    })
  const foundation = layFoundation(options, stats, opened)
  const { config, log, metrics, operation } = foundation
  const callers = knowCallers(foundation, options.authenticate)
  const screens = makeScreens(foundation, callers)
  const upstreams = openUpstreams(config, options, { ...foundation, onUnknownEvent: operation.onUnknownEvent })
  opened.push(() => upstreams.close())
  const runs = makeRuns(foundation, screens, upstreams.provider, options)
  const upkeep = new Upkeep(foundation, runs)
  const doors = openDoors(foundation, callers, screens, runs, upstreams.models, routes, () => upkeep.recover(), opened)
  const { serving, answers } = doors
  const scrapers = new Scrapers(metrics, config, answers)
  const sweeps = [...upkeep.begin(screens, doors), () => upstreams.close()]

  let closing: Promise<void> | undefined
  return {
    config,
    log,
    handler: serving.handler,
    attach: async (server) => {
      await serving.attach(server)
      return await scrapers.listen()
    },
    listen: async () => {
      const url = await serving.listen(config.PORT, config.HOST)
      return { url, ...(await scrapers.listen()) }
    },
    stats,
    metrics: () => metrics.text(),
    close: () => (closing ??= closeServer(foundation, screens, runs, doors, scrapers, sweeps, options.tools ?? [])),
  }
}
