/**
 * JSON-RPC messages of MCP servers, made such as the SDK takes them: it drops a
 * message as a whole where one field is odd, and the call then waits for ever.
 * Null counts as absent, as many servers write what they do not use.
 */
import { isDeeper } from '../../shared/json-depth.ts'
import { isObject, parsed as parsedJson, type Json, type JsonObject } from '../../shared/json.ts'

type Id = string | number

const internalError = -32603
/** Far more than is taken of a tool or a result, and so little that it can be written again. */
const maxDepth = 1_000
/** Of errors that no server sent: its answer is missing. Outside of what JSON-RPC and MCP use. */
export const noAnswer = -31_999

/** Null: it is no message, but a line of a log or the like. */
export function repairedMessage(value: unknown): JsonObject | null {
  if (!isObject(value)) return null
  const { id, method, params, result, error } = value
  if (typeof method === 'string') {
    return {
      jsonrpc: '2.0',
      ...(isId(id) && { id }),
      method,
      ...(isObject(params) && { params: withMeta(params) }),
    }
  }
  const known: JsonObject = isId(id) ? { id } : {}
  if (error !== undefined && error !== null && !(isEmpty(error) && isObject(result)))
    return { jsonrpc: '2.0', ...known, error: repairedError(error) }
  if (!isId(id) || (result === undefined && value['jsonrpc'] !== '2.0')) return null
  return { jsonrpc: '2.0', ...known, result: repairedResult(result) }
}

/**
 * The messages of a line, an event or a body: one, a list of them, or none.
 * What stands before the first falls away: a word of a log without an end of its line.
 */
export function messagesIn(text: string): JsonObject[] {
  const start = text.search(/[[{]/)
  const value = start === -1 ? undefined : (parsed(text.slice(start)) ?? parsed(text.slice(text.indexOf('{'))))
  return (Array.isArray(value) ? value : [value]).map(repairedMessage).filter((message) => message !== null)
}

function parsed(text: string): Json | undefined {
  const value = parsedJson(text) as Json | undefined
  return value !== undefined && isDeeper(value, maxDepth) ? flattened(value, maxDepth) : value
}

/** Without what is nested deeper. */
function flattened(value: Json, levels: number): Json {
  if (typeof value !== 'object' || value === null) return value
  if (levels === 0) return null
  if (Array.isArray(value)) return value.map((entry) => flattened(entry, levels - 1))
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, flattened(entry, levels - 1)]))
}

/** In place of an answer that does not come: says why. */
export function missingAnswer(id: Id, message: string): JsonObject {
  return { jsonrpc: '2.0', id, error: { code: noAnswer, message } }
}

/** Of a request that wants an answer. */
export function requestIdOf(message: unknown): Id | undefined {
  return isObject(message) && typeof message['method'] === 'string' && isId(message['id']) ? message['id'] : undefined
}

/** Is it the answer to this request? One that names no request, to what was asked alone, is. */
export function answers(message: JsonObject, id: Id): boolean {
  if ('method' in message) return false
  return message['id'] === undefined ? 'error' in message : String(message['id']) === String(id)
}

function isEmpty(value: Json): boolean {
  return typeof value !== 'object' ? !value : Object.keys(value!).length === 0
}

function isId(value: unknown): value is Id {
  return typeof value === 'string' || Number.isSafeInteger(value)
}

function repairedError(error: Json): JsonObject {
  if (!isObject(error))
    return { code: internalError, message: typeof error === 'string' ? error : JSON.stringify(error) }
  const { code, message, data } = error
  return {
    code: Number.isSafeInteger(code) ? code! : internalError,
    message: typeof message === 'string' ? message : JSON.stringify(message ?? error),
    ...(data !== undefined && { data }),
  }
}

function repairedResult(result: Json | undefined): JsonObject {
  if (result === undefined || result === null) return {}
  if (!isObject(result)) return { result }
  return withMeta('protocolVersion' in result ? repairedWelcome(result) : result)
}

/** The answer to `initialize`, with what is used of it. */
function repairedWelcome({ protocolVersion, capabilities, serverInfo }: JsonObject): JsonObject {
  const { name, version } = isObject(serverInfo) ? serverInfo : {}
  // One that says nothing of what it can is asked.
  const tools = isObject(capabilities) ? capabilities['tools'] : {}
  return {
    protocolVersion: protocolVersion!,
    capabilities: tools === undefined || tools === null || tools === false ? {} : { tools: {} },
    serverInfo: {
      name: typeof name === 'string' ? name : 'unknown',
      version: typeof version === 'string' ? version : 'unknown',
    },
  }
}

const tokenKey = 'progressToken'
const taskKey = 'io.modelcontextprotocol/related-task'

function withMeta(params: JsonObject): JsonObject {
  if (!('_meta' in params)) return params
  const { _meta: meta, ...rest } = params
  if (!isObject(meta)) return rest
  const { [tokenKey]: token, [taskKey]: task, ...others } = meta
  return {
    ...rest,
    _meta: {
      ...others,
      ...(isId(token) && { [tokenKey]: token }),
      ...(isObject(task) && typeof task['taskId'] === 'string' && { [taskKey]: task }),
    },
  }
}
