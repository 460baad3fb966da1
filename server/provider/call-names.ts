/** Names and ids of calls as every server takes them. What they are called here stays in the document. */
import { createHash } from 'node:crypto'
import type { Json, JsonObject } from '../../shared/schema.ts'
import { isFields } from './frames.ts'

const maxNameChars = 64
const fittingName = /^[A-Za-z0-9_-]{1,64}$/
/** As long as OpenAI takes them from others, and as any server takes those that it gave itself: `functions.add:0` says something to its model. */
const fittingId = /^[A-Za-z0-9_.:-]{1,40}$/
const fittingOwnId = /^[A-Za-z0-9_.:-]{1,64}$/

/** One that does not fit is made to, the same way each time; names that differ stay different. */
export function fittedName(name: string): string {
  if (fittingName.test(name)) return name
  const mark = `_${hashed(name).slice(0, 12)}`
  const shown = name
    .slice(0, 2 * maxNameChars)
    .replace(/[^A-Za-z0-9-]+/g, '_')
    .replace(/^_|_$/g, '')
  return (shown === '' ? 'unnamed' : shown).slice(0, maxNameChars - mark.length) + mark
}

function hashed(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** The ids of the calls of one request, no two of them the same. */
export class CallIds {
  readonly #taken = new Set<string>()

  /** For ids that go as they are. */
  take(id: unknown): void {
    if (typeof id === 'string') this.#taken.add(id)
  }

  /** `isOwn`: whom it goes to gave it. */
  next(id: string, isOwn: boolean): string {
    const fitted = (isOwn ? fittingOwnId : fittingId).test(id) ? id : `call_${hashed(id).slice(0, 24)}`
    let own = fitted
    for (let count = 2; this.#taken.has(own); count++) own = `${fitted.slice(0, 32)}_${count}`
    this.#taken.add(own)
    return own
  }
}

/** A tool, or a `tool_choice`, with the name under which it goes out: flat, or in a member that its type names. */
export function renamed<Named extends Json>(named: Named): Named {
  if (Array.isArray(named)) return named.map((one) => renamed(one)) as Named
  if (!isFields(named)) return named
  const given = named as JsonObject
  // A choice among several, which stand in it, or in a member of it.
  if (given.type === 'allowed_tools') {
    const name = isFields(given.allowed_tools) ? 'allowed_tools' : 'tools'
    const inner = given[name]
    return {
      ...given,
      [name]: isFields(inner) ? { ...inner, tools: renamed((inner as JsonObject).tools ?? []) } : renamed(inner ?? []),
    } as Named
  }
  const nested = typeof given.type === 'string' ? given.type : undefined
  const inner = nested === undefined ? undefined : given[nested]
  return {
    ...given,
    ...(isNamed(given) && typeof given.name === 'string' && { name: fittedName(given.name) }),
    ...(nested !== undefined &&
      isNamed(given) &&
      isFields(inner) &&
      typeof inner.name === 'string' && { [nested]: { ...inner, name: fittedName(inner.name) } }),
  } as Named
}

/** The name by which a model calls a tool; undefined for one of the provider's. */
export function nameOf(tool: JsonObject): string | undefined {
  if (!isNamed(tool)) return undefined
  const inner = tool[String(tool.type)]
  const name = isFields(inner) ? inner.name : tool.name
  return typeof name === 'string' ? name : undefined
}

/** The names of tools that went out under another one, by that. */
export function originalNames(tools: readonly JsonObject[] | undefined): Map<string, string> {
  const names = (tools ?? []).flatMap((tool) => nameOf(tool) ?? [])
  return new Map(names.filter((name) => !fittingName.test(name)).map((name) => [fittedName(name), name]))
}

/** What the model calls by a name; other tools are the provider's, and named as it likes. */
function isNamed({ type }: JsonObject): boolean {
  return type === 'function' || type === 'custom'
}
