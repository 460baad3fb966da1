/** The option `providers`: what it may be, and what is wrong with it and with what stands beside it. */
import type { OfferOptions, UpstreamOptions } from '../config/provider-options.ts'
import { fallbackFaults, readProviders, type ReadProvider } from '../config/providers.ts'
import { builtFields, fieldFinder } from '../provider/params.ts'
import type { DescribedProvider, Provider } from '../provider/events.ts'
import { isPattern } from '../provider/model-patterns.ts'
import { Models, type NamedProvider } from '../provider/models.ts'

/** One of several upstreams: a server that speaks the OpenAI API, or a provider of the program's own. */
export type ProviderOptions = Provider | ({ provider: Provider } & OfferOptions) | (UpstreamOptions & OfferOptions)

export type Named = ReadProvider<DescribedProvider>

/** Settings that say something about providers, as they were given. */
interface Given {
  providers?: unknown
  provider?: unknown
  OPENAI_API_KEY?: unknown
  OPENAI_API_KEY_FILE?: unknown
  OPENAI_BASE_URL?: unknown
  RUNNEL_OPENAI_API?: unknown
  RUNNEL_MODEL?: unknown
  RUNNEL_MODELS?: unknown
}

/** The name of the provider that OPENAI_… makes. */
export const shortName = 'openai'

/** What is wrong with the option, a line each. */
export function providerFaults(given: Given): string[] {
  if (given.providers === undefined) return []
  const { providers, faults } = readProviders<DescribedProvider>(given.providers)
  return [
    ...(given.provider === undefined ? [] : ['provider, providers: set one of the two']),
    ...faults,
    ...providers.flatMap(paramFaults),
    ...providers.flatMap(listFaults),
    ...fallbackFaults(providers, hasShort(given) ? [shortName] : []),
    ...shortFaults(given, providers),
    ...(faults.length === 0 ? modelFaults(given, providers) : []),
  ]
}

const builtField = fieldFinder(builtFields)

/** What the server makes of a body itself is no parameter: it would not go upstream. */
function paramFaults(provider: Named): string[] {
  if (!('upstream' in provider)) return []
  return Object.keys(provider.upstream.params ?? {}).flatMap((name) =>
    builtField(name) === undefined
      ? []
      : [`providers.${provider.name}.params.${name.slice(0, 60)}: is decided by the server`],
  )
}

function listFaults(provider: Named): string[] {
  if (!('own' in provider) || provider.own.list || !provider.models?.some(({ id }) => isPattern(id))) return []
  return [`providers.${provider.name}.models: this provider lists none: name its models`]
}

/** OPENAI_… and an entry of that name are one provider: what both say must be the same. */
function shortFaults(given: Given, providers: readonly Named[]): string[] {
  const entry = providers.find(({ name }) => name === shortName)
  if (!entry) return []
  if ('own' in entry)
    return hasShort(given)
      ? [
          `providers.${shortName}: OPENAI_API_KEY and OPENAI_BASE_URL make a provider of this name, too: give it another`,
        ]
      : []
  const { baseUrl, apiKey } = entry.upstream
  return [
    ...(isSet(given.OPENAI_BASE_URL) && baseUrl !== undefined && baseUrl !== given.OPENAI_BASE_URL
      ? [
          `providers.${shortName}.baseUrl: OPENAI_BASE_URL says another one, and both are of the provider ${shortName}: set one of the two`,
        ]
      : []),
    ...(isSet(given.OPENAI_API_KEY) && apiKey !== undefined && apiKey !== given.OPENAI_API_KEY
      ? [
          `providers.${shortName}.apiKey: OPENAI_API_KEY says another one, and both are of the provider ${shortName}: set one of the two`,
        ]
      : []),
  ]
}

/** Names that no provider can have. What stands in a list only is found out when it was read. */
function modelFaults(given: Given, providers: readonly Named[]): string[] {
  const names = (value: unknown): string[] =>
    (Array.isArray(value) ? value.map(String) : typeof value === 'string' ? value.split(',') : [])
      .map((name) => name.trim())
      .filter((name) => name !== '' && !isPattern(name))
  if (hasShort(given) || providers.some(({ models }) => models?.some(({ id }) => isPattern(id)))) return []
  const models = new Models({
    providers: providers.map(({ name, models, fallback }) => withoutProvider(name, models, fallback)),
    alone: false,
    preferred: '',
    allowed: undefined,
  })
  return [
    ...names(given.RUNNEL_MODEL).flatMap((name) => {
      const count = models.count(name)
      if (count === 1) return []
      return [
        `RUNNEL_MODEL: ${count === 0 ? `no provider has the model ${name}` : `several providers have the model ${name}: name one`}`,
      ]
    }),
    ...names(given.RUNNEL_MODELS).flatMap((name) =>
      models.count(name) > 0 ? [] : [`RUNNEL_MODELS: no provider has the model ${name}`],
    ),
  ]
}

function withoutProvider(name: string, models: Named['models'], fallback: readonly string[]): NamedProvider {
  const ask: Provider = () => {
    throw new Error('It is asked for names only.')
  }
  return { name, ask, models: (models ?? []) as NamedProvider['models'], takesAny: models === undefined, fallback }
}

/** OPENAI_… makes a provider. */
function hasShort(given: Given): boolean {
  return isSet(given.OPENAI_API_KEY) || isSet(given.OPENAI_API_KEY_FILE) || isSet(given.OPENAI_BASE_URL)
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== ''
}
