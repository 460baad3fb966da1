/** The composition root: picks the adapters, wires the parts. The only file that names an adapter. */
import { existsSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { Access } from './auth/access.ts'
import type { Auth } from './auth/auth.ts'
import { localAuth } from './auth/local.ts'
import { Origins } from './auth/origins.ts'
import { localCluster } from './cluster/local.ts'
import { loadConfig, type Config, type ConfigInput } from './config.ts'
import { createHttp } from './http/app.ts'
import { createLogger, type Logger } from './log.ts'
import { demoProvider } from './provider/demo.ts'
import type { Provider } from './provider/events.ts'
import { openaiProvider } from './provider/openai.ts'
import { Rooms } from './room/rooms.ts'
import { Sockets } from './socket/sockets.ts'
import { memoryStore } from './store/memory.ts'
import { openSqliteStore } from './store/sqlite.ts'
import type { Store } from './store/store.ts'
import { ChatDocuments } from './task/chat-documents.ts'
import { MessageReader } from './task/message-reader.ts'
import { Tasks } from './task/tasks.ts'

/** Claims of idempotency keys live for a day. */
const claimMs = 24 * 3_600_000

export interface RunnelOptions extends ConfigInput {
  /** A model of one's own, instead of what OPENAI_… names. */
  provider?: Provider
  logger?: Logger
}

export interface Runnel {
  readonly config: Config
  readonly server: Server
  /** Recovers what a crash left, then listens. Resolves with the address, `http://127.0.0.1:8787`. Throws where the port is taken. */
  listen(): Promise<{ url: string }>
  /** What the parts are doing now. */
  stats(): RunnelStats
  /** Interrupts what runs, saves it, closes all sockets and the store. Idempotent. */
  close(): Promise<void>
}

/** A look inside, for tests and metrics. Sizes in bytes. */
export interface RunnelStats {
  rooms: number
  connections: number
  laggingConnections: number
  outboxBytes: number
  catchUpPendingBytes: number
  catchUpWaiting: number
  tickMs: number
}

/**
 * Makes a server from settings (`docs`: the configuration table). Throws
 * `bad_request` for a wrong setting, `store_unavailable` where the store
 * cannot be opened.
 */
export function createRunnel(options: RunnelOptions = {}): Runnel {
  const config = loadConfig(options)
  const log = options.logger ?? createLogger(config.LOG_LEVEL)
  const now = Date.now
  const store = openStore(config.DATABASE_URL)
  const cluster = localCluster(store.log)
  const auth: Auth = localAuth
  const access = new Access(store)
  const origins = new Origins(config.RUNNEL_ALLOWED_ORIGINS ?? [])
  const rooms = new Rooms({
    log: cluster.log, flushMs: config.RUNNEL_FLUSH_MS, now,
    onEvict: (doc, writer) => store.releaseEpoch(doc, writer.epoch),
  })
  const chats = new ChatDocuments(rooms, store)
  const messages = new MessageReader(rooms)
  const tasks = new Tasks({
    rooms, store, chats, messages, now,
    provider: options.provider ?? pickProvider(config, log),
    system: config.RUNNEL_SYSTEM_PROMPT,
    maxHistoryChars: config.RUNNEL_MAX_HISTORY_CHARS,
    maxMessageBytes: config.RUNNEL_MAX_MESSAGE_BYTES,
    maxTasks: config.RUNNEL_MAX_TASKS,
    maxTasksPerUser: config.RUNNEL_MAX_TASKS_PER_USER,
    taskMaxMs: config.RUNNEL_TASK_MAX_MS,
    onError: (err, context) => log.error({ err, ...context }, 'a run met an error'),
  })
  const sockets = new Sockets({
    auth, access, origins, rooms, now,
    catchUpMaxBytes: config.RUNNEL_CATCHUP_MAX_BYTES,
    limits: {
      heartbeatMs: config.RUNNEL_HEARTBEAT_MS,
      heartbeatTimeoutMs: config.RUNNEL_HEARTBEAT_TIMEOUT_MS,
      highWaterBytes: config.RUNNEL_VIEWER_HIGH_WATER_BYTES,
      stallMs: config.RUNNEL_VIEWER_STALL_MS,
    },
  })
  const server = createServer(createHttp({
    auth, access, origins, store, chats, tasks, log, now,
    messages,
    defaultModel: config.RUNNEL_MODEL,
    models: config.RUNNEL_MODELS,
    ready: async () => { await store.getChat('chat_readiness') },
    pageFolder: findPage(),
  }))
  const detach = sockets.attach(server)
  const sweeps = [
    // Timeouts are seen a quarter of their length late at the most.
    every(Math.min(1_000, config.RUNNEL_HEARTBEAT_TIMEOUT_MS / 4, config.RUNNEL_VIEWER_STALL_MS / 4), () => sockets.sweep()),
    every(1_000, () => { rooms.sweep(); tasks.sweep() }),
    every(3_600_000, () => { store.dropClaims(now() - claimMs).catch((err: unknown) => log.error({ err }, 'old claims could not be dropped')) }),
  ]

  let closing: Promise<void> | undefined
  const close = async () => {
    const listening = server.listening
    const closed = new Promise(resolve => server.close(resolve))
    server.closeIdleConnections()
    await tasks.close()
    await sockets.close()
    detach()
    server.closeAllConnections()
    if (listening) await closed
    for (const stop of sweeps) stop()
    await rooms.close()
    await cluster.close()
    await store.close()
  }

  return {
    config,
    server,
    listen: async () => {
      await tasks.recover()
      await new Promise<void>((resolve, reject) => {
        server.once('error', reject)
        server.listen(config.PORT, config.HOST, () => {
          server.off('error', reject)
          resolve()
        })
      })
      const { address, port, family } = server.address() as AddressInfo
      return { url: `http://${family === 'IPv6' ? `[${address}]` : address}:${port}` }
    },
    stats: () => {
      const connections = [...sockets.connections]
      return {
        rooms: rooms.size,
        connections: connections.length,
        laggingConnections: connections.filter(({ outbox }) => outbox.lagging).length,
        outboxBytes: connections.reduce((sum, { outbox }) => sum + outbox.bytes, 0),
        catchUpPendingBytes: sockets.catchUp.pendingBytes,
        catchUpWaiting: sockets.catchUp.waiting,
        tickMs: rooms.flusher.tickMs,
      }
    },
    close: () => (closing ??= close()),
  }
}

function openStore(url: string): Store {
  return url === 'memory:' ? memoryStore() : openSqliteStore(url.slice('sqlite:'.length))
}

function pickProvider(config: Config, log: Logger): Provider {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL, RUNNEL_OPENAI_API: api } = config
  if (apiKey === undefined && baseURL === undefined) return demoProvider()
  return openaiProvider({
    apiKey, baseURL, api, idleMs: config.RUNNEL_PROVIDER_IDLE_MS,
    onUnknownEvent: event => log.warn({ event }, 'the provider sent an event of an unknown type'),
  })
}

/** Beside the built server, or in `dist` where the sources run as they are. */
function findPage(): string | undefined {
  return ['../page/', '../dist/page/'].map(path => fileURLToPath(new URL(path, import.meta.url))).find(folder => existsSync(folder))
}

function every(ms: number, work: () => void): () => void {
  const timer = setInterval(work, ms)
  return () => clearInterval(timer)
}
