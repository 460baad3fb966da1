/** What an MCP server lists, read tool by tool: one that is odd is left out and said, the others stay. */
import { isDeeper } from '../../shared/json-depth.ts'
import { isObject, type Json, type JsonObject } from '../../shared/json.ts'
import { argumentsFault } from './json-schema.ts'
import { ErrorAnswer } from './mcp-errors.ts'
import type { LeftOut } from './tool.ts'

/** A tool as far as it is used; the rest of what its server says of it is not looked at. */
export interface ListedTool {
  /** Its server's own. */
  name: string
  title?: string
  description: string
  schema: JsonObject
  readOnly: boolean
}

export interface Listing {
  tools: ListedTool[]
  leftOut: LeftOut[]
}

const maxTools = 512
const maxPages = 100
/** A definition goes to the model with each request. */
const maxToolChars = 256 * 1024
const maxListChars = 8 * 1024 * 1024
const maxToolDepth = 64
const maxDescriptionChars = 16 * 1024
/** What is left out is said so often. */
const maxLeftOut = 100
const maxShownChars = 80

/** Reads page by page; `page` gives whatever the server sent. Throws what the first page throws; an error in place of a later one ends the list, and is said. */
export async function readList(page: (cursor: string | undefined) => Promise<JsonObject>): Promise<Listing> {
  const reader = new ListReader()
  const seen = new Set<string>()
  let cursor: string | undefined
  for (let pages = 1; ; pages++) {
    let given: JsonObject
    try {
      given = await page(cursor)
    } catch (error) {
      if (pages === 1 || !(error instanceof ErrorAnswer)) throw error
      reader.say(`does not list all its tools, as page ${pages} is an error (${error.message}).`)
      break
    }
    reader.take(given['tools'])
    const next = given['nextCursor']
    // Any other than a text that is new is the end.
    if (reader.isFull || next === undefined || next === null || next === '') break
    if (typeof next !== 'string') {
      reader.say('may have more tools: its cursor is no text.')
      break
    }
    if (seen.has(next)) break
    if (pages === maxPages) {
      reader.say(`goes on listing after ${maxPages} pages: the rest is not read.`)
      break
    }
    seen.add(next)
    cursor = next
  }
  return reader.listing
}

class ListReader {
  readonly #tools = new Map<string, ListedTool>()
  readonly #leftOut: LeftOut[] = []
  #chars = 0
  isFull = false

  get listing(): Listing {
    return { tools: [...this.#tools.values()], leftOut: this.#leftOut }
  }

  take(entries: Json | undefined): void {
    if (!Array.isArray(entries)) {
      if (entries !== undefined && entries !== null) this.say('gave something that is no list of tools.')
      return
    }
    const before = new Set(this.#tools.keys())
    for (const entry of entries) {
      // A page may give again what an earlier one gave.
      if (isObject(entry) && before.has(entry['name'] as string)) continue
      if (this.#tools.size === maxTools || this.#chars > maxListChars) {
        this.isFull = true
        this.say(`has more tools than are taken: only its first ${this.#tools.size} are there.`)
        return
      }
      this.#takeTool(entry)
    }
  }

  /** Of the server itself: a sentence that goes on behind its name. */
  say(reason: string): void {
    if (this.#leftOut.length < maxLeftOut) this.#leftOut.push({ reason })
  }

  #takeTool(entry: Json): void {
    const name = isObject(entry) && typeof entry['name'] === 'string' ? entry['name'] : undefined
    const tool = name === undefined ? '(without a name)' : shown(name)
    const leaveOut = (reason: string, isLimit = false) => {
      if (this.#leftOut.length < maxLeftOut) this.#leftOut.push({ tool, reason, ...(isLimit && { isLimit }) })
    }
    if (!isObject(entry)) return leaveOut('it is no object')
    if (name === undefined || name.trim() === '') return leaveOut('it has no name')
    if (this.#tools.has(name)) return leaveOut('another stands before it with the same name')
    if (isDeeper(entry, maxToolDepth)) return leaveOut(`it is nested deeper than ${maxToolDepth} levels`)
    // An experiment of the protocol: such a tool refuses a plain call.
    if (isObject(entry['execution']) && entry['execution']['taskSupport'] === 'required')
      return leaveOut('it can only be called as a task', true)
    const schema = entry['inputSchema']
    const chars = JSON.stringify(schema ?? null).length
    if (chars > maxToolChars) return leaveOut(`its inputSchema has more than ${maxToolChars} characters`)
    const fault = argumentsFault(schema)
    if (fault !== null) return leaveOut(fault)
    const { title, description } = wordsOf(entry)
    if (description.length > maxDescriptionChars)
      this.say(
        `describes its tool ${shown(name)} at length: ${maxDescriptionChars} characters of it are told to the model.`,
      )
    this.#chars += chars + name.length + Math.min(description.length, maxDescriptionChars)
    this.#tools.set(name, {
      name,
      ...(title !== undefined && { title }),
      description: beginning(description, maxDescriptionChars),
      schema: schema as JsonObject,
      readOnly: isObject(entry['annotations']) && entry['annotations']['readOnlyHint'] === true,
    })
  }
}

/** What is no text says nothing. */
function wordsOf({ title, description, annotations }: JsonObject): { title: string | undefined; description: string } {
  const titles = [title, isObject(annotations) ? annotations['title'] : undefined]
  const text = titles.find((value) => typeof value === 'string')
  return { title: text, description: typeof description === 'string' ? description : (text ?? '') }
}

function shown(name: string): string {
  const text = JSON.stringify(beginning(name, maxShownChars))
  return name.length > maxShownChars ? `${text.slice(0, -1)}…"` : text
}

/** Splits no surrogate pair. */
function beginning(text: string, chars: number): string {
  return text.slice(0, chars).replace(text.length > chars ? /[\ud800-\udbff]$/ : /$^/, '')
}
