import type { IncomingMessage } from 'node:http'
import type { User } from '../auth/auth.ts'
import type { Cluster, MaybePromise, UpdateLog } from '../cluster/cluster.ts'
import type { ConfigInput } from '../config/config.ts'
import type { Filter } from '../extension/filter.ts'
import type { Tool, ToolSource } from '../extension/tool.ts'
import type { Logger } from '../operation/log.ts'
import type { Provider } from '../provider/events.ts'
import type { Store } from '../store/store.ts'
import type { OnMessageEnd } from '../task/ends.ts'
import { providerFaults, type ProviderOptions } from './named-providers.ts'

/**
 * A login of one's own, instead of RUNNEL_AUTH_…: who is it that calls? `token` is what came as a bearer token, `request`
 * the HTTP request or the upgrade of a socket, for those whose login is a cookie. Null, or a thrown `unauthenticated`:
 * nobody who may. After `expiresAt` (epoch ms) it is asked again. `models`: ids and patterns of the models that this user
 * may ask; absent: all that there are.
 */
export type Authenticate = (
  token: string | undefined,
  request: IncomingMessage,
) => MaybePromise<(User & { expiresAt?: number; models?: readonly string[] }) | null>

/** Settings by their names, and what only a program can give. */
export interface RunnelOptions extends ConfigInput {
  /** A model of one's own, instead of what OPENAI_… names. */
  provider?: Provider
  /** Several upstreams, each under a name: a model is `name/model`, or a plain name that one of them lists. See docs/PROVIDERS.md. */
  providers?: Readonly<Record<string, ProviderOptions>>
  /** What the model may call: tools, and sources that list them (MCP servers). */
  tools?: readonly (Tool | ToolSource)[]
  /** What stands between the model and its messages, in this order. */
  filters?: readonly Filter[]
  authenticate?: Authenticate
  /** Told of each answer that has ended, at least once, also after a restart. See docs/EMBEDDING.md. */
  onMessageEnd?: OnMessageEnd
  logger?: Logger
  /** A store of one's own, instead of what DATABASE_URL names; closed with the server. See docs/EMBEDDING.md. */
  store?: Store
  /** What connects several nodes, instead of what REDIS_URL names, or what makes it on the log of the store; closed with the server. */
  cluster?: Cluster | ((log: UpdateLog) => Cluster)
}

/** The default export of a configuration module; it gives completion in an editor. */
export function defineConfig(options: RunnelOptions): RunnelOptions {
  return options
}

/** What an option that is no setting must be, in words. */
const shapes: Record<
  Exclude<keyof RunnelOptions, keyof ConfigInput>,
  { words: string; fits: (value: unknown) => boolean }
> = {
  provider: { words: 'must be a function (request, signal) => events', fits: isFunction },
  // What is in it is told apart.
  providers: { words: '', fits: () => true },
  tools: {
    words: 'must be a list of tools (defineTool) and sources of tools (mcpServer)',
    fits: (value) => isListOf(value, (entry) => hasName(entry) && ('list' in entry || 'parameters' in entry)),
  },
  filters: {
    words: 'must be a list of filters (defineFilter), each with a name',
    fits: (value) => isListOf(value, hasName),
  },
  authenticate: { words: 'must be a function (token, request) => user', fits: isFunction },
  onMessageEnd: { words: 'must be a function (message) => …', fits: isFunction },
  store: { words: 'must be a store: an object with the methods of `Store`', fits: isObject },
  cluster: {
    words: 'must be a cluster: an object with the methods of `Cluster`, or a function (log) => cluster',
    fits: (value) => isObject(value) || isFunction(value),
  },
  logger: {
    words: 'must have the methods debug, info, warn and error',
    fits: (value) =>
      isObject(value) &&
      ['debug', 'info', 'warn', 'error'].every((name) => isFunction((value as Record<string, unknown>)[name])),
  },
}

/** Names of options that are no settings. */
export const optionNames = Object.keys(shapes)

/** What is wrong with the options that are no settings, a line each. */
export function optionFaults(options: RunnelOptions): string[] {
  return [
    ...Object.entries(shapes).flatMap(([name, { words, fits }]) => {
      const value = options[name as keyof RunnelOptions]
      return value === undefined || fits(value) ? [] : [`${name}: ${words}`]
    }),
    ...providerFaults(options),
  ]
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function'
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null
}

function hasName(value: unknown): value is { name: string } {
  return isObject(value) && 'name' in value && typeof value.name === 'string'
}

function isListOf(value: unknown, fits: (entry: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits)
}
