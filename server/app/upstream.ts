/** Who answers: the providers that a program or the settings name. What is asked of one is asked here. */
import type { Config } from '../config/config.ts'
import { readProviders, type ReadUpstream } from '../config/providers.ts'
import type { Logger } from '../operation/log.ts'
import type { Metrics } from '../operation/metrics.ts'
import type { DescribedProvider, Provider } from '../provider/events.ts'
import { askingProvider } from '../provider/fallback.ts'
import { ModelList } from '../provider/model-list.ts'
import { isPattern } from '../provider/model-patterns.ts'
import { Models, type NamedProvider, type OfferedModel } from '../provider/models.ts'
import { ownProvider } from '../provider/own-provider.ts'
import { demo, openaiUpstream, providerName, shortUpstream } from './adapters.ts'
import { shortName, type Named } from './named-providers.ts'
import type { RunnelOptions } from './options.ts'
import type { QuietLines } from './quiet-lines.ts'

type Own = Pick<RunnelOptions, 'provider' | 'providers'>

export interface Upstreams {
  /** Asks whoever has the model of a request. */
  provider: Provider
  models: Models
  close: () => void
}

export interface UpstreamNews {
  log: Logger
  quiet: QuietLines
  metrics: Metrics
  onUnknownEvent: (type: string) => void
}

/** What numbers are told apart by. */
export function upstreamLabels(config: Config, own: Own) {
  const named = namedProviders(config, own)
  const names = new Set(named?.map(({ name }) => name))
  const alone = own.provider ? 'custom' : providerName(config)
  return {
    providerOf: (model: string) => {
      if (!named) return alone
      const [name = ''] = model.split('/', 1)
      return names.has(name) ? name : 'none'
    },
    models: [
      ...(named ?? []).flatMap(({ name, models = [] }) => models.map(({ id }) => `${name}/${id}`)),
      config.RUNNEL_MODEL,
      ...(config.RUNNEL_MODELS ?? []),
    ],
  }
}

/** Every key that providers were given. */
export function upstreamSecrets(config: Config, own: Own): string[] {
  const unheard = () => {}
  return [
    ...((own.provider as DescribedProvider | undefined)?.secrets ?? []),
    ...(namedProviders(config, own) ?? []).flatMap((named) => opened(config, named, unheard).secrets ?? []),
  ]
}

export function openUpstreams(config: Config, own: Own, news: UpstreamNews): Upstreams {
  const named = namedProviders(config, own)
  if (!named) return openAlone(config, own, news)
  const { log, quiet, metrics, onUnknownEvent } = news
  const providers = named.map((entry): NamedProvider => {
    const { name, models = [], fallback, listMs } = entry
    const provider = opened(config, entry, onUnknownEvent)
    const list = provider.list && models.some(({ id }) => isPattern(id)) && listOf(name, provider.list, listMs, log)
    return {
      name,
      ask: 'own' in entry && !provider.secrets ? ownProvider(name, provider) : provider,
      models: models as readonly OfferedModel[],
      takesAny: entry.models === undefined || entry.takesAny === true,
      fallback,
      ...(list && { list }),
    }
  })
  const models = new Models({ providers, alone: false, preferred: config.RUNNEL_MODEL, allowed: config.RUNNEL_MODELS })
  const provider = askingProvider({
    target: (model) => models.target(model),
    onOutcome: ({ id, provider: { name } }, outcome) => {
      metrics.asked(name, outcome)
      // What the request itself is refused for is no news of its provider.
      if (outcome !== 'answering' && outcome !== 'provider_rejected' && quiet.mayBeSaid(`provider ${name} ${outcome}`))
        log.warn({ provider: name, model: id, code: outcome }, 'a provider did not answer')
    },
  })
  return {
    provider,
    models,
    close: () => {
      for (const { list } of providers) list?.close()
    },
  }
}

/** The one that there is: its models are called as they are. */
function openAlone(config: Config, { provider: own }: Own, { onUnknownEvent }: UpstreamNews): Upstreams {
  const { RUNNEL_MODEL: preferred, RUNNEL_MODELS: allowed } = config
  const short = shortUpstream(config)
  const ask = own ?? (short ? openaiUpstream(config, short, onUnknownEvent) : demo())
  const known = new Set([...(allowed ?? []).filter((id) => !isPattern(id)), preferred])
  const provider: NamedProvider = {
    name: own ? 'custom' : short ? shortName : 'demo',
    ask,
    models: [...known].map((id) => ({ id })),
    takesAny: true,
    fallback: [],
  }
  return {
    provider: ask,
    models: new Models({ providers: [provider], alone: true, preferred, allowed }),
    close: () => {},
  }
}

type Entry = Named & { takesAny?: true }

/** Those of the option, and that of OPENAI_… beside them; undefined where there is no such option. */
function namedProviders(config: Config, { providers: given }: Own): Entry[] | undefined {
  if (given === undefined) return undefined
  const { providers } = readProviders<DescribedProvider>(given)
  const short = shortUpstream(config)
  if (!short) return providers
  if (providers.some(({ name }) => name === shortName))
    return providers.map((entry) =>
      entry.name === shortName && 'upstream' in entry
        ? { ...entry, upstream: completed(entry.upstream, short) }
        : entry,
    )
  const isElsewhere = providers.some(
    ({ name, models }) =>
      config.RUNNEL_MODEL.startsWith(`${name}/`) || models?.some(({ id }) => id === config.RUNNEL_MODEL),
  )
  const preferred = config.RUNNEL_MODEL.replace(`${shortName}/`, '')
  const entry: Entry = {
    name: shortName,
    upstream: short,
    models: isElsewhere ? [] : [{ id: preferred }],
    takesAny: true,
    listMs: 0,
    fallback: [],
  }
  return [entry, ...providers]
}

/** What an entry does not say itself, OPENAI_… says. */
function completed(entry: ReadUpstream, { apiKey, baseUrl, api }: ReadUpstream): ReadUpstream {
  return { ...entry, apiKey: entry.apiKey ?? apiKey, baseUrl: entry.baseUrl ?? baseUrl, api: entry.api ?? api }
}

function opened(config: Config, entry: Entry, onUnknownEvent: (type: string) => void): DescribedProvider {
  return 'own' in entry ? entry.own : openaiUpstream(config, entry.upstream, onUnknownEvent)
}

function listOf(name: string, read: NonNullable<DescribedProvider['list']>, listMs: number, log: Logger): ModelList {
  return new ModelList({
    read,
    listMs,
    onFailure: (err) =>
      log.warn({ err, provider: name }, 'the models of a provider could not be listed; its last list counts on'),
    onRecovered: () => log.info({ provider: name }, 'the models of a provider can be listed again'),
  })
}
