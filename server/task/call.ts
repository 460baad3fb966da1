import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import { isDeeper } from '../../shared/json-depth.ts'
import type { By, Json, JsonObject } from '../../shared/schema.ts'
import type { MaybePromise } from '../cluster/cluster.ts'
import type { Tool, ToolContext } from '../extension/tool.ts'
import type { Redact } from '../secrets/secrets.ts'
import { unlessAborted } from '../waiting/race.ts'

/** What is nested deeper is nobody's argument, and overflows the stack of whoever walks it. */
const maxDepth = 64

/** A call that went wrong in a way that the model, and a person, can act on. */
export class CallFault extends Error {}

/** A call's time: `signal` is aborted when it is over, and with the run. */
export interface CallTime {
  signal: AbortSignal
  maxMs: number
}

/** Throws CallFault for arguments that are no JSON or do not fit, or the reason of the signal. */
export async function checkedArguments(tool: Tool, text: string, time: CallTime): Promise<unknown> {
  let args: Json
  try {
    // A tool without parameters is often called with nothing at all.
    args = text.trim() === '' ? {} : (JSON.parse(text) as Json)
  } catch (error) {
    throw new CallFault(`The arguments are no JSON: ${(error as Error).message}`)
  }
  if (isDeeper(args, maxDepth)) throw new CallFault(`The arguments are nested deeper than ${maxDepth} levels.`)
  return await inTime(time, () => tool.check(args))
}

export interface ExecuteOptions {
  tool: Tool
  args: unknown
  context: ToolContext
  maxMs: number
  maxOutputBytes: number
  /** Takes the output, piece by piece, while the call lives. */
  write: (text: string) => void
}

/** Runs a tool until it is done, fails, or its signal is aborted. Throws CallFault, or the reason of the signal. */
export async function execute({ tool, args, context, maxMs, maxOutputBytes, write }: ExecuteOptions): Promise<void> {
  const { signal } = context
  let bytes = 0
  const take = (piece: unknown) => {
    signal.throwIfAborted()
    const text = outputText(piece)
    const kept = firstBytes(text, maxOutputBytes - bytes)
    bytes += Buffer.byteLength(kept)
    if (kept !== '') write(kept)
    if (kept.length < text.length)
      throw new CallFault(
        `The output is larger than ${maxOutputBytes} bytes (RUNNEL_MAX_TOOL_OUTPUT_BYTES); the rest was cut off.`,
      )
  }
  await inTime({ signal, maxMs }, async () => {
    const output = await tool.execute!(args, context)
    if (!isAsyncIterable(output)) return take(output)
    const pieces = output[Symbol.asyncIterator]()
    try {
      for (;;) {
        const { done, value } = await unlessAborted(signal, pieces.next())
        if (done) return
        take(value)
      }
    } finally {
      // Not awaited: it may be waiting for something that never comes.
      void Promise.resolve(pieces.return?.()).catch(() => {})
    }
  })
}

/**
 * What a tool's own code gives in its time: one that goes on in spite of its
 * signal is not awaited. Throws CallFault, or the reason of the signal.
 */
export async function inTime<T>({ signal, maxMs }: CallTime, work: () => MaybePromise<T>): Promise<T> {
  try {
    return await unlessAborted(signal, work)
  } catch (error) {
    if (signal.aborted)
      throw timedOut(signal.reason) ? new CallFault(`The tool took longer than ${maxMs} ms.`) : signal.reason
    // A message that is full ends the run, not the call.
    throw error instanceof CallFault || isTooLarge(error) ? error : new CallFault(wordsOf(error))
  }
}

export function isTooLarge(error: unknown): boolean {
  return isRunnelError(error) && error.code === 'message_too_large'
}

function timedOut(reason: unknown): boolean {
  return reason instanceof DOMException && reason.name === 'TimeoutError'
}

/** The beginning of a text in so many bytes of UTF-8; splits no character. */
function firstBytes(text: string, max: number): string {
  if (Buffer.byteLength(text) <= max) return text
  const { read } = new TextEncoder().encodeInto(text.slice(0, max), new Uint8Array(max))
  return text.slice(0, read)
}

/** Nothing is nothing; what JSON cannot say fails the call. */
function outputText(piece: unknown): string {
  if (typeof piece === 'string') return piece
  if (piece === undefined) return ''
  const json = JSON.stringify(piece) as string | undefined
  if (json === undefined) throw new CallFault(`The tool gave a ${typeof piece}, which JSON cannot say.`)
  return json
}

function isAsyncIterable(value: unknown): value is AsyncIterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value
}

/** In whole: whoever shows it hides the keys in it first, and cuts it then. */
export function wordsOf(error: unknown): string {
  const words = error instanceof Error ? error.message : String(error)
  return words === '' ? 'The tool failed and did not say why.' : words
}

const maxWords = 10_000

/** What a tool or a filter says of a failure or an end, as it may be shown. */
export function shownWords(words: string, redact: Redact): string {
  return redact(words).slice(0, maxWords)
}

/** The time of a call that begins now. */
export function callTime(run: AbortSignal, maxMs: number): CallTime {
  return { signal: AbortSignal.any([run, AbortSignal.timeout(maxMs)]), maxMs }
}

/** What a call says that a person did not want, for the model and for people. */
export function deniedWords(reason: string | undefined): string {
  return reason === undefined || reason === '' ? 'This call was denied.' : `This call was denied: ${reason}`
}

/** What a call says of who decided about it. */
export function decidedBy(by: By | undefined): JsonObject {
  return by ? { decidedBy: { ...by } } : {}
}

export function noSuchCall(): RunnelError {
  return new RunnelError('not_found', 'There is no such call in this message.')
}
