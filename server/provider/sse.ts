import { createParser } from 'eventsource-parser'
import { RunnelError } from '../../shared/errors.ts'
import { isJson } from './json-end.ts'
import { linesOf, mayHoldOdd } from './sse-lines.ts'
import { StrayLines } from './stray.ts'

/** A frame may hold an image; one beyond this many characters is no frame. */
const maxFrameChars = 32 * 1024 * 1024

const loneCR = /\r(?!\n)/

const streaming = { stream: true } as const

interface SseOptions {
  onFrame: (type: string | undefined, data: string) => void
  /** JSON that stands in the stream without a frame around it. */
  onStrayJson?: (json: string) => void
  /** Any other line that is none of a stream's. */
  onStrayLine?: (line: string) => void
  maxChars?: number
}

/** Takes the bytes of a body of server-sent events, cut anywhere, and gives its frames. */
export interface SseReader {
  /** Throws what the listeners throw, and `provider_bad_response` where a frame exceeds the bound. */
  push(bytes: Uint8Array): void
  /** The body is over: gives the last frame where it lacks its blank line. */
  end(): void
}

export function createSseReader({
  onFrame,
  onStrayJson = () => {},
  onStrayLine = () => {},
  maxChars = maxFrameChars,
}: SseOptions): SseReader {
  const decoder = new TextDecoder()
  const stray = new StrayLines(maxChars)
  let isOver = false
  let inFrame = false
  const takeOdd = (line: string) => {
    if (isOver) return
    const [field, value] = splitField(line)
    const name = field.trim().toLowerCase()
    // Some servers indent, and some name the error where its event should be named.
    if (name === 'data' || name === 'error') return onFrame(name === 'error' ? name : undefined, value)
    if (line.trim() === '[DONE]') return onFrame(undefined, line)
    const json = stray.push(line)
    if (json === null) onStrayLine(line)
    else if (json !== undefined) onStrayJson(json)
  }
  const parser = createParser({
    maxBufferSize: maxChars,
    onEvent: (frame) => {
      stray.clear()
      inFrame = true
      for (const data of framesIn(frame.data)) onFrame(frame.event, data)
      inFrame = false
    },
    onError: (error) => {
      if (error.type === 'max-buffer-size-exceeded') throw tooLarge(error)
    },
  })
  /** The line that is not whole yet, in pieces. The parser drops one of which it has seen that it is no field. */
  const partial: string[] = []
  let partialChars = 0
  const keep = (text: string) => {
    if (text === '') return
    partial.push(text)
    partialChars += text.length
    if (partialChars > maxChars) throw tooLarge()
  }
  const take = (text: string) => {
    if (partial.length === 0 && text.endsWith('\n')) return feed(text)
    const end = Math.max(text.lastIndexOf('\n'), text.lastIndexOf('\r')) + 1
    if (end === 0) return keep(text)
    const lines = partial.length === 0 ? text.slice(0, end) : partial.join('') + text.slice(0, end)
    partial.length = partialChars = 0
    feed(lines)
    keep(text.slice(end))
  }
  /** The LF of this CR may be the next character. */
  let endsInCR = false
  const feed = (given: string) => {
    let text = endsInCR && given.startsWith('\n') ? given.slice(1) : given
    endsInCR = text.endsWith('\r')
    if (loneCR.test(text)) text = text.replaceAll(/\r\n?/g, '\n')
    try {
      if (mayHoldOdd(text)) feedLines(text)
      else parser.feed(text)
    } catch (error) {
      if (inFrame) throw error
      isOver = true
      // A frame may have begun before the line that failed, and its text came first.
      try {
        parser.feed('\n\n')
      } catch {
        // What failed first counts.
      }
      throw error
    }
  }
  const feedLines = (text: string) => {
    for (const lines of linesOf(text)) {
      if ('odd' in lines) takeOdd(lines.odd)
      else parser.feed(lines.plain)
    }
  }
  return {
    push: (bytes) => take(decoder.decode(bytes, streaming)),
    end: () => take(`${decoder.decode()}\n\n`),
  }
}

function splitField(line: string): [field: string, value: string] {
  const at = line.indexOf(':')
  return at === -1 ? [line, ''] : [line.slice(0, at), line.slice(line[at + 1] === ' ' ? at + 2 : at + 1)]
}

/** Some servers put no blank line between frames: JSON on each line of what is no JSON as a whole. */
function framesIn(data: string): string[] {
  if (!data.includes('\n') || isJson(data)) return [data]
  const lines = data.split('\n')
  return lines.every((line) => /^\s*(?:\{.*\}|\[DONE\])?\s*$/.test(line)) ? lines : [data]
}

function tooLarge(cause?: unknown): RunnelError {
  return new RunnelError('provider_bad_response', 'The model provider sent a frame that is too large.', { cause })
}
