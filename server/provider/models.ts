/** Which models there are, who has them, and which of them a caller may ask: one rule for every road. */
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import { within } from '../waiting/race.ts'
import type { ListedModel, ModelFacts, Provider } from './events.ts'
import type { ModelList } from './model-list.ts'
import { isPattern, matchesPattern } from './model-patterns.ts'

/** A model that a provider is configured with; with `*` in its id: all of the provider's list that fit. */
export interface OfferedModel extends ModelFacts {
  id: string
  fallback?: readonly string[] | undefined
}

export interface NamedProvider {
  name: string
  ask: Provider
  models: readonly OfferedModel[]
  /** Other names are passed on, too. */
  takesAny: boolean
  /** For all its models that say nothing else. */
  fallback: readonly string[]
  /** Where it is asked which models it has. */
  list?: ModelList
}

interface ModelsOptions {
  providers: readonly NamedProvider[]
  /** There is one provider, and nobody calls it by a name: its models are called as they are. Else they are `name/model`. */
  alone: boolean
  /** The model where a request names none. */
  preferred: string
  /** Ids and patterns of what requests may name; undefined: all. */
  allowed: readonly string[] | undefined
}

/** What is told of a model. */
export interface ModelInfo extends ModelFacts {
  id: string
  provider: string
  isDefault?: true
}

/** A model of a provider. */
export interface Target {
  id: string
  provider: NamedProvider
  /** As the provider calls it. */
  model: string
}

/** What a run asks. */
interface Choice {
  model: string
  fallback?: string[]
}

/** For a caller who may ask all. */
type May = readonly string[] | undefined

/** A request that names what a list may have waits so long for one that was never read. */
const firstListMs = 3_000
const maxNamed = 10
const maxNameChars = 64

export class Models {
  readonly #options: ModelsOptions

  constructor(options: ModelsOptions) {
    this.#options = options
  }

  /** The models that a caller may ask, in the order of the configuration. `may`: ids and patterns that narrow it. */
  list(may: May): ModelInfo[] {
    const first = this.#defaultOf(may)?.id
    return this.#targets(may).map(({ id, provider, model }) => ({
      id,
      provider: provider.name,
      ...factsOf(provider, model),
      ...(id === first && { isDefault: true as const }),
    }))
  }

  /**
   * The model that a request names, or the first that its caller may ask, with those that are asked in its place.
   * Throws `bad_request` for one that is not there, `forbidden` for one that is not for this caller.
   */
  async choose(named: string | undefined, may: May): Promise<Choice> {
    let target = this.#chosen(named, may)
    // A list may be on its way, just after the start.
    if (isRunnelError(target) && (await this.#listsTried())) target = this.#chosen(named, may)
    if (isRunnelError(target)) throw target
    const fallback = this.#fallbackOf(target, may)
    return { model: target.id, ...(fallback.length > 0 && { fallback }) }
  }

  /** Who is asked for a model of a request, whoever chose it. Throws `bad_request`. */
  target(name: string): Target {
    const found = this.#find(name, () => true)
    if (found.length === 1) return found[0]!
    throw found.length === 0 ? this.#noModel(name, undefined) : severalHave(name, found)
  }

  /** So many providers may be meant by this name. */
  count(name: string): number {
    return this.#find(name, () => true).length
  }

  #chosen(named: string | undefined, may: May): Target | RunnelError {
    if (named === undefined) return this.#defaultOf(may) ?? this.#nothingFor(may)
    const found = this.#find(named, (target) => this.#isAllowed(target) && this.#isIn(target, may))
    if (found.length === 1) return found[0]!
    if (found.length > 1) return severalHave(named, found)
    const isThere = this.#find(named, (target) => this.#isAllowed(target)).length > 0
    return isThere ? this.#forbidden(named, may) : this.#noModel(named, may)
  }

  #defaultOf(may: May): Target | undefined {
    const preferred = this.#find(
      this.#options.preferred,
      (target) => this.#isAllowed(target) && this.#isIn(target, may),
    )
    return preferred.length === 1 ? preferred[0] : this.#targets(may)[0]
  }

  /** Everything that has a name, without repetition. */
  #targets(may: May): Target[] {
    const { providers, allowed = [] } = this.#options
    const found = new Map<string, Target>()
    for (const provider of providers)
      for (const model of namesOf(provider)) found.set(this.#idOf(provider, model), this.#target(provider, model))
    // A provider that takes any name lists none: what is named by who narrows it, is there.
    for (const name of [...allowed, ...(may ?? [])].filter((name) => !isPattern(name)))
      for (const target of this.#find(name, ({ provider }) => provider.takesAny))
        if (!found.has(target.id)) found.set(target.id, target)
    return [...found.values()].filter((target) => this.#isAllowed(target) && this.#isIn(target, may))
  }

  /**
   * The model of a name: the provider's own name comes first, then whoever lists the plain name. None: there is none;
   * several: nobody has said which comes first.
   */
  #find(name: string, fits: (target: Target) => boolean): Target[] {
    const { providers, alone } = this.#options
    if (alone) return [this.#target(providers[0]!, name)].filter((target) => has(target.provider, name) && fits(target))
    const slash = name.indexOf('/')
    const prefixed = slash > 0 ? providers.find((provider) => provider.name === name.slice(0, slash)) : undefined
    const model = name.slice(slash + 1)
    if (prefixed && model !== '' && has(prefixed, model)) {
      const target = this.#target(prefixed, model)
      if (fits(target)) return [target]
    }
    const found = providers
      .filter((provider) => isListed(provider, name))
      .map((provider) => this.#target(provider, name))
      .filter(fits)
    // Where the fallback of one has all the others, its order is known.
    const first = found.find((target) => {
      const order = fallbackNames(target)
      return found.every((other) => other === target || order.includes(other.id))
    })
    return first ? [first] : found
  }

  #fallbackOf(target: Target, may: May): string[] {
    const found = fallbackNames(target).flatMap((name) =>
      this.#find(name, (other) => other.id !== target.id && this.#isIn(other, may)),
    )
    return [...new Set(found.map(({ id }) => id))]
  }

  #isAllowed(target: Target): boolean {
    return this.#isIn(target, this.#options.allowed)
  }

  #isIn(target: Target, patterns: May): boolean {
    return patterns === undefined || patterns.some((pattern) => this.#matches(target, pattern))
  }

  /** A pattern that begins with a provider's name is about that provider; another is about models of that name at any of them. */
  #matches({ id, model }: Target, pattern: string): boolean {
    if (matchesPattern(pattern, id)) return true
    const { providers, alone } = this.#options
    const prefix = pattern.slice(0, Math.max(0, pattern.indexOf('/')))
    return !alone && !providers.some(({ name }) => name === prefix) && matchesPattern(pattern, model)
  }

  #target(provider: NamedProvider, model: string): Target {
    return { id: this.#idOf(provider, model), provider, model }
  }

  #idOf({ name }: NamedProvider, model: string): string {
    return this.#options.alone ? model : `${name}/${model}`
  }

  /** Every list was read, or could not be; false where there was nothing to wait for. */
  async #listsTried(): Promise<boolean> {
    const open = this.#options.providers.flatMap(({ list }) => (list && !list.tried ? [list.firstTry] : []))
    await within(firstListMs, () => new Error('The lists take too long.'), Promise.all(open)).catch(() => {})
    return open.length > 0
  }

  #noModel(named: string, may: May): RunnelError {
    const missing = this.#options.providers
      .filter(({ list }) => list && list.models === undefined)
      .map(({ name }) => name)
    const unread = missing.length === 0 ? '' : ` The list of ${missing.join(', ')} could not be read yet.`
    return refused(
      'bad_request',
      `there is no model ${quoted(named)} here. ${this.#thereAre(may)}${unread}`,
      'is not known',
    )
  }

  #forbidden(named: string, may: May): RunnelError {
    return refused('forbidden', `${quoted(named)} is not for you. ${this.#thereAre(may)}`, 'is not allowed')
  }

  #nothingFor(may: May): RunnelError {
    return may === undefined
      ? refused('bad_request', 'no provider has a model. Name one.', 'is missing')
      : refused('forbidden', 'there is no model that you may ask.', 'is not allowed')
  }

  #thereAre(may: May): string {
    const ids = this.#targets(may).map(({ id }) => id)
    if (ids.length === 0) return may === undefined ? 'None is listed.' : 'You may ask none.'
    const shown = ids.slice(0, maxNamed).join(', ')
    const others = ids.length - maxNamed
    return `${may === undefined ? 'There are' : 'You may ask'} ${shown}${others > 0 ? ` and ${others} more (GET /api/models)` : ''}.`
  }
}

/** The models that a provider lists, by the configuration and by what it says itself. */
function namesOf({ models, list }: NamedProvider): string[] {
  const names = models.flatMap(({ id }) =>
    isPattern(id) ? [...(list?.models?.keys() ?? [])].filter((name) => matchesPattern(id, name)) : [id],
  )
  return [...new Set(names)]
}

function isListed({ models, list }: NamedProvider, model: string): boolean {
  return models.some(
    ({ id }) =>
      (id === model && !isPattern(id)) ||
      (isPattern(id) && list?.models?.has(model) === true && matchesPattern(id, model)),
  )
}

/** One whose list was never read is asked for what it may have: it says itself that it has not. */
function has(provider: NamedProvider, model: string): boolean {
  if (provider.takesAny || isListed(provider, model)) return true
  if (isPattern(model)) return false
  return (
    provider.list?.models === undefined && provider.models.some(({ id }) => isPattern(id) && matchesPattern(id, model))
  )
}

function entriesOf({ models }: NamedProvider, model: string): OfferedModel[] {
  const fitting = models.filter(({ id }) => matchesPattern(id, model))
  return [...fitting.filter(({ id }) => isPattern(id)), ...fitting.filter(({ id }) => !isPattern(id))]
}

/** What the configuration says stands over what the provider says, an exact name over a pattern. */
function factsOf(provider: NamedProvider, model: string): ModelFacts {
  const listed: Partial<ListedModel> = provider.list?.models?.get(model) ?? {}
  const { name, images, tools, reasoning, contextTokens } = Object.assign(
    {},
    listed,
    ...entriesOf(provider, model),
  ) as ModelFacts
  return {
    ...(name !== undefined && { name }),
    ...(images !== undefined && { images }),
    ...(tools !== undefined && { tools }),
    ...(reasoning !== undefined && { reasoning }),
    ...(contextTokens !== undefined && { contextTokens }),
  }
}

function fallbackNames({ provider, model }: Target): readonly string[] {
  return entriesOf(provider, model).findLast(({ fallback }) => fallback !== undefined)?.fallback ?? provider.fallback
}

function severalHave(named: string, found: readonly Target[]): RunnelError {
  return refused(
    'bad_request',
    `${quoted(named)} is a model of several providers. Name one of ${found.map(({ id }) => id).join(', ')}.`,
    'is not clear',
  )
}

function refused(code: 'bad_request' | 'forbidden', words: string, message: string): RunnelError {
  return new RunnelError(code, `model: ${words}`, { details: { fields: [{ field: 'model', message }] } })
}

function quoted(name: string): string {
  return JSON.stringify(name.length > maxNameChars ? `${name.slice(0, maxNameChars).toWellFormed()}…` : name)
}
