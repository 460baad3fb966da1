/** The composition root: wires the parts, with the adapters that the settings ask for. */
import type { IncomingMessage, Server } from 'node:http'
import {
  authWarnings,
  findPage,
  openCluster,
  openFiles,
  openStore,
  pickAuth,
  pickPatience,
  pickProvider,
  providerName,
  storeBytes,
} from './adapters.ts'
import { Access } from '../auth/access.ts'
import { ClientAddresses } from '../auth/addresses.ts'
import { Admission } from '../auth/admission.ts'
import { withInvites } from '../auth/invites.ts'
import { Origins } from '../auth/origins.ts'
import type { Config } from '../config/config.ts'
import { RunnelError } from '../../shared/errors.ts'
import type { ServerControl } from '../../shared/protocol.ts'
import { Answers } from '../http/answers.ts'
import { createHttp } from '../http/app.ts'
import { Door } from '../http/door/door.ts'
import { EventStreams } from '../events/event-streams.ts'
import { rateLimits } from '../http/rate-limits.ts'
import type { Route } from '../http/route.ts'
import { table } from '../http/routes.ts'
import { otherRoute, routePattern } from '../http/route-pattern.ts'
import { UploadPlaces } from '../http/upload-places.ts'
import { HtmlRenderer } from '../http/render/rendering.ts'
import { knownSecrets } from './known-secrets.ts'
import { createLogger, withoutSecrets, type Logger } from '../operation/log.ts'
import {
  admissionLimits,
  answerLimits,
  connectionLimits,
  fileQuotas,
  requestLimits,
  runLimits,
  socketLimits,
  streamLimits,
} from './limits.ts'
import { measuredCluster, measuredStore } from './measured.ts'
import { createMetrics } from '../operation/metrics.ts'
import type { RunnelStats } from '../operation/readings.ts'
import { spreadNews } from './news.ts'
import { operation } from './operation.ts'
import { optionFaults, type RunnelOptions } from './options.ts'
import { loadConfig, signsIn } from '../config/read-config.ts'
import { toEach } from '../room/fence.ts'
import { Rooms } from '../room/rooms.ts'
import { redactor } from '../secrets/secrets.ts'
import { Serving, type Handler } from './serving.ts'
import { misspelt } from '../config/setting-names.ts'
import { isLoopback } from '../config/setting-values.ts'
import { Sockets } from '../socket/sockets.ts'
import { readStats } from './stats.ts'
import { patientStore } from '../store/patient.ts'
import { ChatDocuments } from '../task/chat-documents.ts'
import { Deletion } from '../task/deletion.ts'
import { Ends } from '../task/ends.ts'
import { keepFile } from '../task/generated-files.ts'
import { MessageReader } from '../task/message-reader.ts'
import { requestOf } from '../task/prompt.ts'
import { Tasks } from '../task/tasks.ts'
import { version } from '../config/version.ts'
import { closeAll } from '../waiting/close.ts'
import { within } from '../waiting/race.ts'

/** Longer than the end of an MCP server takes; nothing of ours is left open for a tool that never says that it is closed. */
const closeToolMs = 15_000

/** Claims of idempotency keys live for a day, and files that no message has. */
const dayMs = 24 * 3_600_000

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
  const opened: (() => unknown)[] = []
  try {
    return wire(options, routes, opened)
  } catch (error) {
    // A program that goes on can try again with other settings: nothing is left locked.
    closeAll(opened.toReversed()).catch(() => {})
    throw error
  }
}

/** `opened` gets what closes the parts that are open or run by themselves, in the order of their making. */
function wire(options: RunnelOptions, routes: readonly Route[], opened: (() => unknown)[]): Runnel {
  const config = loadConfig(options, options.authenticate !== undefined, optionFaults(options))
  const knowsUsers = signsIn(config, options.authenticate !== undefined)
  const redact = redactor(knownSecrets(config, options.tools ?? []))
  const log = withoutSecrets(options.logger ?? createLogger(config.LOG_LEVEL), redact)
  for (const warning of misspelt(Object.keys(options))) log.warn({}, warning)
  const now = Date.now
  const patience = pickPatience(config, options)
  const unmeasuredStore = openStore(config, options, patience)
  opened.push(() => unmeasuredStore.close())
  const files = openFiles(config)
  opened.push(() => files.close())
  const connected = openCluster(config, options, unmeasuredStore.log, patience, (what, error) =>
    onUnreadable(what, error),
  )
  opened.push(() => connected.close())
  const metrics = createMetrics({
    source: () => stats(),
    version: version(),
    provider: options.provider ? 'custom' : providerName(config),
    models: [config.RUNNEL_MODEL, ...(config.RUNNEL_MODELS ?? [])],
    probes: { store: () => unmeasuredStore.probe(), ...(connected.many && { redis: () => connected.probe() }) },
  })
  const store = measuredStore(unmeasuredStore, metrics)
  opened.push(() => metrics.close())
  /** For what has begun. */
  const patient = patientStore(store, patience)
  const cluster = measuredCluster(connected, metrics)
  const {
    onRun,
    onRefused,
    onRefusedUser,
    onUnknownEvent,
    onUnreadable,
    sweep: sweepLog,
  } = operation(log, metrics, now)
  const reach = async () => void (await Promise.all([store.probe(), cluster.probe()]))
  for (const sentence of authWarnings(config, options.authenticate)) log.warn({}, sentence)
  const auth = withInvites(pickAuth(config, options.authenticate, onRefusedUser), store, now)
  const access = new Access(store)
  const addresses = new ClientAddresses(config.RUNNEL_TRUST_PROXY ?? [])
  /** Without sign-in whoever reaches the server is its one user: only this machine may. */
  const admit = ({ socket: { remoteAddress } }: IncomingMessage) => {
    if (knowsUsers || remoteAddress === undefined || isLoopback(remoteAddress.replace(/^::ffff:/i, ''))) return
    throw new RunnelError(
      'forbidden',
      'Without sign-in (RUNNEL_AUTH_SECRET, RUNNEL_AUTH_JWKS_URL, authenticate) only callers on this machine are served.',
    )
  }
  const origins = new Origins(config.RUNNEL_ALLOWED_ORIGINS ?? [], addresses)
  const rooms = new Rooms({
    cluster,
    flushMs: config.RUNNEL_FLUSH_MS,
    now,
    onShown: metrics.shown,
    onFault: (err, doc) => log.error({ err, doc }, 'showing a document met an error'),
    onEvict: (doc, writer) => store.releaseEpoch(doc, writer.epoch),
  })
  const chats = new ChatDocuments(rooms, patient, config.RUNNEL_MAX_CHAT_MESSAGES, patience)
  const messages = new MessageReader(rooms, store)
  const patientMessages = new MessageReader(rooms, store, patience)
  const filesUrl = `${config.RUNNEL_BASE_PATH}/api/files/`
  const ends = options.onMessageEnd
    ? new Ends({
        store,
        now,
        tell: options.onMessageEnd,
        maxMs: config.RUNNEL_ON_MESSAGE_END_MAX_MS,
        ...(cluster.many && { alive: (nodes) => cluster.alive(nodes), leftMs: 6 * config.RUNNEL_LEASE_MS }),
        onError: (err, context) => log.error({ err, ...context }, 'an end could not be told; it is told again'),
      })
    : null
  const tasks = new Tasks({
    ...runLimits(config),
    rooms,
    store: patient,
    storeUntil: (signal) => patientStore(store, patience, signal),
    patience,
    files,
    chats,
    messages: patientMessages,
    now,
    cluster,
    provider: options.provider ?? pickProvider(config, onUnknownEvent),
    tools: options.tools ?? [],
    filters: options.filters ?? [],
    redact,
    keepFile: (run, file) =>
      keepFile(
        {
          store: patientStore(store, patience, run.signal),
          files,
          filesUrl,
          maxFileBytes: config.RUNNEL_MAX_FILE_BYTES,
          fileQuotas: fileQuotas(config),
          now,
        },
        run,
        file,
      ),
    ends,
    filesUrl,
    onRun: (event, run) => {
      if (event !== 'waiting') onRun(event, run)
      if (event === 'answering') return
      const { chatId, messageId, status } = run.state
      announcer(chatId)
        .then((tell) => tell({ event: 'status', messageId, status }))
        .catch((err: unknown) => log.error({ err, chatId, ...requestOf(run) }, 'a chat list could not be told'))
    },
    onError: (err, context) =>
      log.error({ err, ...requestOfLive(context.messageId), ...context }, 'a run met an error'),
  })
  const requestOfLive = (messageId: string) => requestOf(tasks.ofMessage(messageId) ?? { request: null })
  const announcer = async (chatId: string) => {
    // What is in nobody's list is news to nobody.
    if ((await store.getChatRow(chatId))?.expiresAt !== undefined) return () => {}
    const members = new Set((await store.listMembers(chatId)).map(({ userId }) => userId))
    return (event: Omit<Extract<ServerControl, { type: 'chat' }>, 'type' | 'chatId'>) =>
      news.announce(members, { type: 'chat', chatId, ...event })
  }
  const admission = new Admission(admissionLimits(config), now)
  const sockets = new Sockets({
    auth,
    access,
    origins,
    rooms,
    addresses,
    admission,
    admit,
    onRefused,
    onFault: (err) => log.error({ err }, 'serving a socket met an error'),
    now,
    basePath: config.RUNNEL_BASE_PATH,
    maxPresenceBytes: config.RUNNEL_MAX_PRESENCE_BYTES,
    catchUpMaxBytes: config.RUNNEL_CATCHUP_MAX_BYTES,
    limits: socketLimits(config),
  })
  const events = new EventStreams({
    access,
    addresses,
    admission,
    rooms,
    messages,
    now,
    catchUp: sockets.catchUp,
    limits: streamLimits(config),
  })
  const door = new Door({
    access,
    tasks,
    store,
    rooms,
    now,
    catchUp: sockets.catchUp,
    limits: streamLimits(config),
    onError: (err, context) =>
      log.error(
        { err, ...requestOfLive(context.messageId), ...context },
        'a run could not be stopped after its caller hung up',
      ),
  })
  const news = spreadNews(cluster, {
    access,
    tasks,
    rooms,
    sockets,
    onError: (err) => log.error({ err }, 'news of another node could not be acted upon'),
  })
  const deletion = new Deletion({ tasks, store: patient, chats, files, gone: news.gone })
  const dropExpired = () =>
    deletion
      .expired(now(), (err, chatId) => log.error({ err, chatId }, 'an expired chat could not be deleted'))
      .catch((err: unknown) => log.error({ err }, 'expired chats could not be deleted'))
  const notRemoved = (err: unknown) => log.error({ err }, 'deleted files could not be removed')
  const html = new HtmlRenderer()
  const limits = rateLimits(config.RUNNEL_MAX_REQUESTS_PER_MINUTE, addresses)
  opened.push(() => limits.close())
  const maxUnattached = config.RUNNEL_MAX_UNATTACHED_FILES
  const http = createHttp({
    ...requestLimits(config),
    routes,
    filesUrl,
    basePath: config.RUNNEL_BASE_PATH,
    auth,
    access,
    origins,
    store,
    chats,
    tasks,
    events,
    door,
    addresses,
    limits,
    log,
    now,
    announcer,
    messages,
    html,
    files,
    deletion,
    uploads: new UploadPlaces(store, maxUnattached),
    waiting: {
      store: patient,
      access: new Access(patient),
      messages: patientMessages,
      uploads: new UploadPlaces(patient, maxUnattached),
    },
    tools: options.tools ?? [],
    ready: async () => {
      if (!tasks.open) throw new RunnelError('restarting', 'The server is going down.')
      await reach()
    },
    accessChanged: news.accessChanged,
    tellUser: (userId, chatId, event) => news.announce(new Set([userId]), { type: 'chat', chatId, ...event }),
    pageFolder: findPage(),
  })
  const answers = new Answers({
    ...answerLimits(config),
    addressOf: (request) => addresses.keyOf(request),
    now,
  })
  const serving = new Serving({
    http,
    admit,
    onAnswered: (method, path, status) => metrics.answered(method, routePattern(path) ?? otherRoute(status), status),
    basePath: config.RUNNEL_BASE_PATH,
    answers,
    addresses,
    limits: connectionLimits(config),
    takeUpgrades: (server, onUpgrade) => sockets.attach(server, onUpgrade),
    recover: async () => {
      // A setting that is wrong, or a server that is not there, ends the start with its reason.
      await reach()
      await ends?.recover()
      await tasks.recover()
      // On other nodes files may be on their way.
      await (cluster.many ? deletion.leftBytes() : deletion.recover()).catch(notRemoved)
      await dropExpired()
    },
  })
  /** What throws is done again next time. It ends no process, and holds up nothing of the others. */
  const every = (ms: number, ...works: (() => void)[]): (() => void) => {
    const timer = setInterval(
      () =>
        toEach(
          works,
          (work) => work(),
          (_work, err) => log.error({ err }, 'a sweep met an error'),
        ),
      ms,
    )
    return () => clearInterval(timer)
  }
  const sweeps = [
    // Timeouts are seen a quarter of their length late at the most.
    every(
      Math.min(
        1_000,
        config.RUNNEL_HEARTBEAT_TIMEOUT_MS / 4,
        config.RUNNEL_VIEWER_STALL_MS / 4,
        config.RUNNEL_HELLO_MS / 4,
      ),
      ...[sockets, events, door, answers].map((swept) => () => swept.sweep()),
    ),
    every(2_000, () => {
      rooms.compare().catch((err: unknown) => log.warn({ err }, 'documents could not be compared with their logs'))
    }),
    every(
      1_000,
      () => rooms.sweep(),
      () => tasks.sweep(),
      () => ends?.sweep(),
      sweepLog,
    ),
    every(config.RUNNEL_LEASE_MS / 3, () => tasks.sweepNodes()),
    every(3_600_000, () => {
      void dropExpired()
      void deletion.leftBytes().catch(notRemoved)
      store.dropClaims(now() - dayMs).catch((err: unknown) => log.error({ err }, 'old claims could not be dropped'))
      store
        .dropUnattachedFiles(now() - dayMs)
        .then((ids) => deletion.bytes(ids))
        .catch((err: unknown) => log.error({ err }, 'files of no message could not be dropped'))
    }),
  ]

  const stats = () =>
    readStats({
      rooms,
      tasks,
      sockets,
      events,
      door,
      answers,
      admission,
      storeBytes: () => (options.store ? 0 : storeBytes(config.DATABASE_URL)),
    })

  let metricsServer: ReturnType<typeof metrics.listen> | undefined
  /** Its address, where a port is set; once, whoever asks. */
  const listenForScrapers = async (): Promise<{ metricsUrl?: string }> => {
    const { RUNNEL_METRICS_PORT: port, HOST: host } = config
    if (port === undefined) return {}
    metricsServer ??= metrics
      .listen(port, host, (...answer) => answers.take(...answer))
      .catch((error: unknown) => {
        metricsServer = undefined
        throw error
      })
    return { metricsUrl: (await metricsServer).url }
  }
  let closing: Promise<void> | undefined
  const close = async () => {
    const drainedAt = now() + config.RUNNEL_DRAIN_MS
    let closeServer = async () => {}
    await closeAll([
      // While runs end it listens on: who asks is told to come again, who follows sees the end.
      () => tasks.close(config.RUNNEL_DRAIN_MS),
      () => patience.end(),
      () => ends?.close(Math.max(0, drainedAt - now())),
      () => {
        closeServer = serving.stop()
      },
      () => events.close(),
      () => sockets.close(),
      () => html.close(),
      () => closeServer(),
      ...sweeps,
      () => limits.close(),
      async () => (await metricsServer?.catch(() => undefined))?.close(),
      () => metrics.close(),
      () => rooms.close(),
      ...(options.tools ?? []).map((tool) => () => 'close' in tool && closeTool(tool)),
      () => cluster.close(),
      () => files.close(),
      () => store.close(),
    ])
  }

  return {
    config,
    log,
    handler: serving.handler,
    attach: async (server) => {
      await serving.attach(server)
      return await listenForScrapers()
    },
    listen: async () => {
      const url = await serving.listen(config.PORT, config.HOST)
      return { url, ...(await listenForScrapers()) }
    },
    stats,
    metrics: () => metrics.text(),
    close: () => (closing ??= close()),
  }
}

async function closeTool(tool: { name: string; close: () => unknown }): Promise<void> {
  const late = () => new Error(`The tool ${tool.name} has not closed within ${closeToolMs / 1_000} s.`)
  await within(closeToolMs, late, async () => await tool.close())
}
