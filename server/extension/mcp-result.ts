/** What an MCP tool answers with, as the output of a call: text for the model, files and sources for the reader. */
import { isDeepStrictEqual } from 'node:util'
import { isDeeper } from '../../shared/json-depth.ts'
import { isObject, type Json, type JsonObject } from '../../shared/json.ts'
import type { Redact } from '../secrets/secrets.ts'
import type { ToolContext } from './tool.ts'

/** What is nested deeper cannot be written as JSON. */
const maxDepth = 200

/** Fields of a result that are read, or are none of the tool's. */
const knownFields = new Set(['content', 'structuredContent', 'isError', 'is_error', '_meta'])

/**
 * Takes what is known of a result, whatever else is in it. Throws an Error with
 * the tool's own words, but for secrets, where it says that it failed.
 */
export async function outputOf(given: object, tool: string, context: ToolContext, redact: Redact): Promise<string> {
  if (isDeeper(given, maxDepth))
    throw new Error(`The tool ${tool} answered with data nested deeper than ${maxDepth} levels.`)
  const result = given as JsonObject
  const { structuredContent: structured = null } = result
  const texts: string[] = []
  const parts: string[] = []
  for (const item of listOf(result['content'])) {
    const text = textOf(item)
    if (text !== undefined) texts.push(text)
    parts.push(...(text === undefined ? await shownPart(item, tool, context) : [text]))
  }
  if (structured !== null && !says(texts, structured) && !(parts.length > 0 && isEmpty(structured)))
    parts.push(JSON.stringify(structured))
  const rest = Object.entries(result).filter(([field]) => !knownFields.has(field))
  // Of a protocol that is not ours: it may be all that there is.
  if (parts.length === 0 && rest.length > 0) parts.push(JSON.stringify(Object.fromEntries(rest)))
  const output = parts.join('\n')
  if (hasFailed(result['isError'] ?? result['is_error']))
    throw new Error(redact(output) || `The tool ${tool} failed and does not say why.`)
  return output
}

function listOf(content: Json | undefined): Json[] {
  return Array.isArray(content) ? content.flatMap(listOf) : content === undefined || content === null ? [] : [content]
}

/** Also in a word or a number. */
function hasFailed(isError: Json | undefined): boolean {
  return isError === true || isError === 1 || (typeof isError === 'string' && /^(?:true|yes|1)$/i.test(isError))
}

function isEmpty(value: Json): boolean {
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0
}

/** Where the texts are the structured content written out, it need not be said again; where they are words about it, it must. */
function says(texts: readonly string[], structured: Json): boolean {
  if (texts.length === 0) return false
  const all = [...texts, texts.join('\n')].map(valueOf)
  // Libraries put what is no object into one with the field `result`, and write lists as a text an item.
  const bare = isObject(structured) && Object.keys(structured).length === 1 ? structured['result'] : undefined
  const wanted = bare === undefined ? [structured] : [structured, bare]
  return wanted.some(
    (value) =>
      all.some((said) => isDeepStrictEqual(said, value)) ||
      isDeepStrictEqual(texts.map(valueOf), value) ||
      (typeof value !== 'object' && texts.includes(String(value))),
  )
}

function valueOf(text: string): Json {
  try {
    return JSON.parse(text) as Json
  } catch {
    return text
  }
}

/** Of a text, or of anything that has one. */
function textOf(item: Json): string | undefined {
  if (typeof item === 'string') return item
  if (!isObject(item)) return undefined
  const { text, resource } = item
  if (typeof text === 'string') return text
  if (isObject(resource) && typeof resource['text'] === 'string') return resource['text']
  return item['type'] === 'text' && text !== undefined && text !== null ? JSON.stringify(text) : undefined
}

/** By what it has rather than by its type: bytes are kept, an address is a source, and what is neither goes to the model as it is. */
async function shownPart(item: Json, tool: string, context: ToolContext): Promise<string[]> {
  if (item === null) return []
  if (!isObject(item)) return [JSON.stringify(item)]
  for (const place of placesIn(item)) {
    const [base64, uri] = [textIn(place, bytesFields), textIn(place, addressFields)]
    const mimeType = textIn(place, typeFields) ?? textIn(item, typeFields)
    if (base64 !== undefined) return [await keep({ uri, mimeType, base64 }, tool, context)]
    if (uri?.startsWith('data:')) return [await keep({ mimeType, base64: uri }, tool, context)]
    if (uri !== undefined) return [linked(uri, { ...item, ...place }, context)]
  }
  return item['type'] === 'text' ? [] : [JSON.stringify(item)]
}

/** Bytes and addresses stand in the part itself, or in an object of it, in the ways of several protocols. */
const bytesFields = ['data', 'blob', 'base64', 'b64_json']
const addressFields = ['uri', 'url']
const typeFields = ['mimeType', 'media_type', 'mime_type']
const innerFields = ['resource', 'source', 'image_url', 'image', 'audio', 'file']

function placesIn(item: JsonObject): JsonObject[] {
  const inner = innerFields.map((field) => {
    const value = item[field]
    return typeof value === 'string' ? { url: value } : value
  })
  return [item, ...inner].filter(isObject)
}

function textIn(place: JsonObject, fields: readonly string[]): string | undefined {
  return fields.map((field) => place[field]).find((value) => typeof value === 'string') as string | undefined
}

function linked(uri: string, { title, name, description }: JsonObject, context: ToolContext): string {
  const words = [title, name].find((value) => typeof value === 'string' && value !== '') as string | undefined
  // Other schemes mean something to the server only.
  const isWeb = /^https?:/i.test(uri)
  context.addSource({
    title: words ?? uri,
    ...(isWeb ? { url: uri } : { sourceType: 'document' }),
    ...(typeof description === 'string' && { snippet: description }),
  })
  return words === undefined ? uri : `${words}: ${uri}`
}

interface Bytes {
  base64: string
  mimeType: string | undefined
  uri?: string | undefined
}

/** Tells the model as well, that would call again for an answer that looks empty. A file that cannot be kept does not lose the rest. */
async function keep(bytes: Bytes, tool: string, context: ToolContext): Promise<string> {
  // Some write an address in place of the bytes.
  const [, written, base64 = bytes.base64] = /^data:([^;,]*);base64,(.*)$/s.exec(bytes.base64) ?? []
  const mimeType = bytes.mimeType ?? (written || 'application/octet-stream')
  const name = (bytes.uri !== undefined && nameOf(bytes.uri)) || `${tool}.${extensionOf(mimeType)}`
  const data = Buffer.from(base64, 'base64')
  if (data.length === 0) return `(The file ${name}, ${mimeType}, holds nothing that can be read.)`
  try {
    await context.addFile({ name, mimeType, data })
    return `(The file ${name}, ${mimeType}, is shown to the reader.)`
  } catch (error) {
    return `(The file ${name}, ${mimeType}, could not be kept: ${error instanceof Error ? error.message : 'unknown reason'})`
  }
}

/** `image/svg+xml` → `svg` */
function extensionOf(mimeType: string): string {
  return /\/(?:x-)?([a-z0-9]+)/i.exec(mimeType)?.[1]?.toLowerCase() ?? 'bin'
}

/** The last part of the path, if it says anything. */
function nameOf(uri: string): string | null {
  const path = uri.split(/[?#]/, 1)[0]!
  const name = path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf(':')) + 1)
  return name === '' ? null : name
}
