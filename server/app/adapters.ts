/** Which adapters the settings ask for. The only file that names one. */
import { existsSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { RunnelError } from '../../shared/errors.ts'
import type { JsonObject } from '../../shared/schema.ts'
import type { Auth } from '../auth/auth.ts'
import { epochMsOf } from '../auth/epoch.ts'
import { jwksWarnings, jwtAuth, type JwtOptions } from '../auth/jwt.ts'
import { localAuth } from '../auth/local.ts'
import { checkUsers } from '../auth/user.ts'
import type { Cluster, OnUnreadable, UpdateLog } from '../cluster/cluster.ts'
import { localCluster } from '../cluster/local.ts'
import { redisCluster } from '../cluster/redis.ts'
import type { Config } from '../config/config.ts'
import type { ReadUpstream } from '../config/providers.ts'
import type { Files } from '../files/files.ts'
import { folderFiles } from '../files/folder.ts'
import type { Authenticate, RunnelOptions } from './options.ts'
import { ownCluster, ownStore } from './ports.ts'
import { Patience } from '../waiting/patience.ts'
import { demoProvider } from '../provider/demo.ts'
import type { DescribedProvider, Provider } from '../provider/events.ts'
import { openaiProvider } from '../provider/openai.ts'
import { filesFolder, signsIn } from '../config/read-config.ts'
import { isPostgres } from '../config/setting-values.ts'
import { memoryStore } from '../store/memory/memory.ts'
import { openPostgresStore } from '../store/postgres/postgres.ts'
import { openSqliteStore } from '../store/sqlite/sqlite.ts'
import type { Store } from '../store/store.ts'

export { localCluster, memoryStore }

const dayMs = 24 * 3_600_000

/** A program's own store and cluster, where it brings them. */
type OwnPorts = Pick<RunnelOptions, 'store' | 'cluster'>

/** A file of this process is not away: what it is short of does not come back by itself. */
export function pickPatience(
  { DATABASE_URL: url, REDIS_URL: redisUrl, RUNNEL_STORE_PATIENCE_MS: ms }: Config,
  { store, cluster }: OwnPorts,
): Patience {
  const isElsewhere = store !== undefined || cluster !== undefined || isPostgres(url) || redisUrl !== undefined
  return new Patience(isElsewhere ? ms : 0)
}

export function openStore(
  { DATABASE_URL: url, REDIS_URL: redisUrl }: Config,
  { store: own }: OwnPorts,
  patience: Patience,
): Store {
  if (own) return ownStore(own, memoryStore())
  if (url === 'memory:') return memoryStore()
  return isPostgres(url)
    ? openPostgresStore(url, redisUrl === undefined ? 'alone' : 'together', patience)
    : openSqliteStore(url.slice('sqlite:'.length))
}

/** `onRefused` is told of users whom a login names and the server does not take. */
export function pickAuth(
  config: Config,
  authenticate: Authenticate | undefined,
  onRefused: (userId: string, sentence: string) => void = () => {},
): Auth {
  if (authenticate) return checkUsers(byHook(authenticate), onRefused)
  return signsIn(config) ? checkUsers(jwtAuth(jwtOptions(config)), onRefused) : localAuth
}

/** What an operator should hear at the start. */
export function authWarnings(config: Config, authenticate: Authenticate | undefined): string[] {
  return authenticate ? [] : jwksWarnings(jwtOptions(config))
}

function byHook(authenticate: Authenticate): Auth {
  return {
    authenticate: async (token, request) => {
      const user = await authenticate(token, request)
      if (!user) throw new RunnelError('unauthenticated', 'Sign in first.')
      const { id, name, expiresAt, models } = user
      const until = epochMsOf(expiresAt)
      if (until === null && expiresAt !== undefined && expiresAt !== null)
        throw new RunnelError('internal', 'The option `authenticate` gave an `expiresAt` that is no time.')
      if (models !== undefined && !(Array.isArray(models) && models.every((model) => typeof model === 'string')))
        throw new RunnelError('internal', 'The option `authenticate` gave `models` that are no list of names.')
      return { user: { id, name }, expiresAt: until, ...(models && { models: [...models] }) }
    },
  }
}

function jwtOptions(config: Config): JwtOptions {
  return {
    secret: config.RUNNEL_AUTH_SECRET,
    jwksUrl: config.RUNNEL_AUTH_JWKS_URL,
    algorithms: config.RUNNEL_AUTH_ALGORITHMS,
    issuer: config.RUNNEL_AUTH_ISSUER,
    audience: config.RUNNEL_AUTH_AUDIENCE,
    modelsClaim: config.RUNNEL_AUTH_MODELS_CLAIM,
  }
}

/** Undefined: no setting names a provider. */
export function shortUpstream(config: Config): ReadUpstream | undefined {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl, RUNNEL_OPENAI_API: api } = config
  if (apiKey === undefined && baseUrl === undefined) return undefined
  return { apiKey, baseUrl, api }
}

/** What the settings say for each provider that says nothing else. */
export type UpstreamDefaults = Pick<
  Config,
  | 'RUNNEL_STRICT_TURNS'
  | 'RUNNEL_SEND_REASONING'
  | 'RUNNEL_PROVIDER_IDLE_MS'
  | 'RUNNEL_PROVIDER_COMMENT_MS'
  | 'RUNNEL_THINK_TAGS'
  | 'RUNNEL_MAX_MESSAGE_BYTES'
>

export function openaiUpstream(
  config: UpstreamDefaults,
  given: ReadUpstream,
  onUnknownEvent: (type: string) => void,
): DescribedProvider {
  const { user = false } = given
  return openaiProvider({
    apiKey: given.apiKey,
    baseURL: given.baseUrl,
    api: given.api ?? 'auto',
    idleMs: given.idleMs ?? config.RUNNEL_PROVIDER_IDLE_MS,
    commentMs: given.commentMs ?? config.RUNNEL_PROVIDER_COMMENT_MS,
    thinkTags: given.thinkTags ?? config.RUNNEL_THINK_TAGS,
    maxRetries: given.maxRetries,
    maxHeldBytes: config.RUNNEL_MAX_MESSAGE_BYTES,
    headers: given.headers,
    params: given.params as JsonObject | undefined,
    userField: user === true ? 'user' : user || undefined,
    userHeader: given.userHeader,
    strictTurns: given.strictTurns ?? config.RUNNEL_STRICT_TURNS,
    sendReasoning: given.sendReasoning ?? config.RUNNEL_SEND_REASONING,
    onUnknownEvent,
  })
}

/** Somebody answers who is more than the demo provider. */
export function hasModel(
  config: Config,
  { provider, providers }: Pick<RunnelOptions, 'provider' | 'providers'>,
): boolean {
  return provider !== undefined || providers !== undefined || shortUpstream(config) !== undefined
}

/** The provider where nothing names one. */
export function demo(): Provider {
  return demoProvider()
}

/** In a word, for whoever counts. */
export function providerName({ OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL }: Config): string {
  if (baseURL !== undefined) return new URL(baseURL).hostname
  return apiKey === undefined ? 'demo' : 'api.openai.com'
}

/** Of the database and its write-ahead log, where they are files of this process. */
export function storeBytes(url: string): number {
  if (!url.startsWith('sqlite:')) return 0
  const path = url.slice('sqlite:'.length)
  return [path, `${path}-wal`].reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0)
}

/** Beside the built server, or in `dist` where the sources run as they are. */
export function findPage(): string | undefined {
  return ['../../page/', '../../dist/page/']
    .map((path) => fileURLToPath(new URL(path, import.meta.url)))
    .find((folder) => existsSync(folder))
}

export function openFiles(config: Config): Files {
  return folderFiles(filesFolder(config))
}

export function openCluster(
  { REDIS_URL: url, RUNNEL_LEASE_MS: leaseMs, RUNNEL_APPROVAL_MAX_MS: approvalMaxMs }: Config,
  { cluster: own }: OwnPorts,
  log: UpdateLog,
  patience: Patience,
  onUnreadable: OnUnreadable,
): Cluster {
  if (own) return ownCluster(typeof own === 'function' ? own(log) : own, localCluster(log))
  if (url === undefined) return localCluster(log)
  // A run that waits for people writes nothing meanwhile.
  return redisCluster({ url, base: log, leaseMs, ttlMs: approvalMaxMs + dayMs, patience, onUnreadable })
}
