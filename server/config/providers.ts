/** The option `providers`: several upstreams at once, each under a name of its own. What is wrong with it is said in words. */
import type { z } from 'zod'
import { modelOptions, named, ownNamed, upstream, type models, type offer } from './provider-options.ts'
import { readSecretFile } from './secret-file.ts'
import { nearestName } from './setting-names.ts'

export type ReadUpstream = Omit<z.output<typeof upstream>, 'apiKeyFile'>
type ReadModel = z.output<typeof modelOptions>
interface ReadOffer {
  /** Undefined: any name is passed on. */
  models: readonly ReadModel[] | undefined
  listMs: number
  fallback: readonly string[]
}

/** One of several, checked: what it is asked by, and what it offers. */
export type ReadProvider<Own> = { name: string } & ReadOffer & ({ upstream: ReadUpstream } | { own: Own })

/** No `/`, which ends it in `name/model`, and nothing that a pattern or a header could take for something else. */
const nameShape = /^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$/
const defaultListMs = 600_000

/** Every provider, or what is wrong with the option, a line each. */
export function readProviders<Own>(given: unknown): { providers: ReadProvider<Own>[]; faults: string[] } {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    return { providers: [], faults: ['providers: must be an object: { name: { baseUrl, apiKey, models, … }, … }'] }
  const faults: string[] = []
  const providers: ReadProvider<Own>[] = []
  for (const [name, entry] of Object.entries(given)) {
    const path = `providers.${name.slice(0, 60)}`
    if (!nameShape.test(name))
      faults.push(
        `${path}: a name has letters, digits, ".", "_" and "-", 40 at the most, and begins with a letter or a digit`,
      )
    const read = readOne<Own>(path, name, entry)
    faults.push(...read.faults)
    if (read.provider) providers.push(read.provider)
  }
  if (Object.keys(given).length === 0) faults.push('providers: names none')
  return { providers, faults }
}

/** The options of one upstream, or what is wrong with them, a line each. */
export function readUpstream(path: string, given: unknown): { upstream?: ReadUpstream; faults: string[] } {
  const parsed = upstream.safeParse(given)
  return parsed.success
    ? withKey(path, parsed.data)
    : { faults: wordsOf(path, parsed.error, Object.keys(upstream.shape), given) }
}

function readOne<Own>(path: string, name: string, given: unknown): { provider?: ReadProvider<Own>; faults: string[] } {
  const entry = typeof given === 'function' ? { provider: given } : given
  if (typeof entry !== 'object' || entry === null)
    return { faults: [`${path}: must be an object ({ baseUrl, apiKey, models, … }) or a provider`] }
  if ('provider' in entry) {
    const parsed = ownNamed.safeParse(entry)
    if (!parsed.success) return { faults: wordsOf(path, parsed.error, Object.keys(ownNamed.shape), entry) }
    const { provider, ...rest } = parsed.data
    return { provider: { name, ...offerOf(rest), own: provider as Own }, faults: repeatedModels(path, rest.models) }
  }
  const parsed = named.safeParse(entry)
  if (!parsed.success) return { faults: wordsOf(path, parsed.error, Object.keys(named.shape), entry) }
  const { models, listMs, fallback, ...rest } = parsed.data
  const read = withKey(path, rest)
  const faults = [...read.faults, ...repeatedModels(path, models)]
  if (!read.upstream) return { faults }
  return { provider: { name, ...offerOf({ models, listMs, fallback }), upstream: read.upstream }, faults }
}

function offerOf({ models, listMs = defaultListMs, fallback = [] }: z.output<typeof offer>): ReadOffer {
  return {
    models:
      models === 'listed' ? [{ id: '*' }] : models?.map((model) => (typeof model === 'string' ? { id: model } : model)),
    listMs,
    fallback,
  }
}

function withKey(
  path: string,
  { apiKeyFile, ...rest }: z.output<typeof upstream>,
): { upstream?: ReadUpstream; faults: string[] } {
  const faults: string[] = []
  if (
    rest.apiKey !== undefined &&
    Object.keys(rest.headers ?? {}).some((name) => name.toLowerCase() === 'authorization')
  )
    faults.push(`${path}.headers: Authorization is made of apiKey: set one of the two`)
  if (apiKeyFile === undefined) return { upstream: rest, faults }
  if (rest.apiKey !== undefined) return { faults: [...faults, `${path}: apiKey, apiKeyFile: set one of the two`] }
  const read = readSecretFile(apiKeyFile)
  if ('fault' in read) return { faults: [...faults, `${path}.apiKeyFile: ${read.fault}`] }
  return { upstream: { ...rest, apiKey: read.value }, faults }
}

function repeatedModels(path: string, given: z.output<typeof models> | undefined): string[] {
  if (given === undefined || given === 'listed') return []
  const ids = given.map((model) => (typeof model === 'string' ? model : model.id))
  const twice = new Set(ids.filter((id, index) => ids.indexOf(id) !== index))
  return [...twice].map((id) => `${path}.models: ${id} stands there twice`)
}

/**
 * Whoever is named by `name/model` must be there; what only a list of a provider tells is found out later. `others`: names
 * of providers that take any model and stand elsewhere.
 */
export function fallbackFaults(named: readonly ReadProvider<unknown>[], others: readonly string[] = []): string[] {
  const providers: Pick<ReadProvider<unknown>, 'name' | 'models' | 'fallback'>[] = [
    ...named,
    ...others.map((name) => ({ name, models: undefined, fallback: [] })),
  ]
  const known = providers.map(({ name }) => name)
  const exact = (models: readonly ReadModel[] = []) => models.map(({ id }) => id)
  const mayHave = (plain: string) =>
    providers.some(({ models }) => exact(models).some((id) => id === plain || id.includes('*')))
  return providers.flatMap(({ name, fallback, models = [] }) => {
    const lists: [path: string, list: readonly string[], own: string | undefined][] = [
      [`providers.${name}.fallback`, fallback, undefined],
      ...models.map((model): [string, readonly string[], string] => [
        `providers.${name}.models: ${model.id}: fallback`,
        model.fallback ?? [],
        `${name}/${model.id}`,
      ]),
    ]
    return lists.flatMap(([path, list, own]) =>
      list.flatMap((target) => {
        if (target === own) return [`${path}: ${target} is the model itself`]
        const [prefix = ''] = target.split('/', 1)
        const to = target.includes('/') ? providers.find((provider) => provider.name === prefix) : undefined
        const rest = target.slice(prefix.length + 1)
        const has = to
          ? to.models === undefined || exact(to.models).some((id) => id === rest || id.includes('*'))
          : mayHave(target)
        if (has || mayHave(target)) return []
        const near = target.includes('/') && !to ? nearestName(prefix, known) : undefined
        return [
          `${path}: there is no model ${target}${near === undefined ? '' : `: ${near}/${rest} is meant, perhaps`}`,
        ]
      }),
    )
  })
}

/** What zod found, without any value: those may be secret. */
function wordsOf(path: string, { issues }: z.ZodError, known: readonly string[], given: unknown): string[] {
  return issues.flatMap((issue): string[] => {
    const place = [path, ...issue.path.map(String)].join('.')
    if (issue.code === 'unrecognized_keys') {
      const there = issue.path.length === 0 ? known : Object.keys(modelOptions.shape)
      return issue.keys.map((key) => {
        const near = nearestName(key, there)
        return `${place}.${key.slice(0, 60)}: there is no such field${near === undefined ? '' : `: ${near} is meant, perhaps`}`
      })
    }
    if (issue.code === 'invalid_union' && issue.path[0] === 'models')
      return modelWords(path, (given as { models: unknown }).models)
    if (issue.code === 'invalid_key') return issue.issues.map(({ message }) => `${place}: ${message}`)
    return [`${place}: ${issue.message}`]
  })
}

/** A union says only that none fits: what each entry lacks is looked up. */
function modelWords(path: string, given: unknown): string[] {
  if (!Array.isArray(given))
    return [
      `${path}.models: must be 'listed', or a list of models: their names, or { id, name, images, tools, reasoning, contextTokens, fallback }`,
    ]
  return given.flatMap((model: unknown, index) => {
    const parsed = (typeof model === 'object' ? modelOptions : modelOptions.shape.id).safeParse(model)
    return parsed.success
      ? []
      : wordsOf(`${path}.models.${index}`, parsed.error, Object.keys(modelOptions.shape), model)
  })
}
