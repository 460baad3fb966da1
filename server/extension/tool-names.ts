/** Names of tools as providers take them, each its own. */

const maxNameChars = 64
/** Names that are kept for tools that are not there now. */
const maxKept = 4_096

/** Other characters become `_`, and what is too long is cut. */
export function fittingName(text: string): string {
  return text.replace(/[^A-Za-z0-9_-]+/g, '_').slice(0, maxNameChars) || '_'
}

export interface Named {
  /** Whose name it is, the same each time. */
  key: string
  /** In the order in which they are liked; each fits. */
  wanted: readonly string[]
}

/**
 * Gives each tool the first name that it wants and nobody else has, or a number
 * behind the last. Who has a name keeps it for as long as this lives, whatever
 * comes and goes beside it: the calls of a chat then still name what they meant.
 */
export class ToolNames {
  #nameOf = new Map<string, string>()

  of(tools: readonly Named[]): string[] {
    if (this.#nameOf.size > maxKept) this.#nameOf = new Map(tools.flatMap(({ key }) => this.#entry(key)))
    const taken = new Set(this.#nameOf.values())
    return tools.map(({ key, wanted }) => {
      const known = this.#nameOf.get(key)
      if (known !== undefined) return known
      const name = wanted.find((one) => !taken.has(one)) ?? numbered(wanted.at(-1)!, taken)
      taken.add(name)
      this.#nameOf.set(key, name)
      return name
    })
  }

  #entry(key: string): [string, string][] {
    const name = this.#nameOf.get(key)
    return name === undefined ? [] : [[key, name]]
  }
}

function numbered(name: string, taken: ReadonlySet<string>): string {
  for (let count = 2; ; count++) {
    const end = `_${count}`
    const one = name.slice(0, maxNameChars - end.length) + end
    if (!taken.has(one)) return one
  }
}
