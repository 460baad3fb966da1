/** The SDK's transport over a child's standard input and output, with a reader that repairs messages and passes over what is none. */
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js'
import type { JsonObject } from '../../shared/json.ts'
import type { StdioServer } from './mcp-config.ts'
import { messagesIn } from './mcp-message.ts'

/** `onLog`: pieces of what the child writes to its standard error; without it that is dropped. */
export function stdioTransport(
  { command, args, env, cwd }: StdioServer,
  maxMessageBytes: number,
  onLog: ((text: string) => void) | undefined,
): StdioClientTransport {
  const transport = new StdioClientTransport({
    command,
    args: [...(args ?? [])],
    ...(env !== undefined && { env }),
    ...(cwd !== undefined && { cwd }),
    stderr: onLog === undefined ? 'ignore' : 'pipe',
  })
  // The SDK has no other door: its own reader drops a message as a whole where one field is odd.
  Reflect.set(transport, '_readBuffer', new LineReader(maxMessageBytes))
  if (onLog !== undefined) transport.stderr?.on('data', (chunk: Buffer) => onLog(chunk.toString()))
  return transport
}

/** Has the methods of the SDK's `ReadBuffer`. */
export class LineReader {
  readonly #maxBytes: number
  /** Pieces of a line that is not whole. */
  #pieces: Buffer[] = []
  #bytes = 0
  #messages: JsonObject[] = []

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Throws where a line has no end. */
  append(chunk: Buffer): void {
    let start = 0
    for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, start)) {
      this.#pieces.push(chunk.subarray(start, end))
      this.#messages.push(...messagesIn(Buffer.concat(this.#pieces).toString()))
      this.#pieces = []
      this.#bytes = 0
      start = end + 1
    }
    if (start === chunk.length) return
    this.#pieces.push(chunk.subarray(start))
    this.#bytes += chunk.length - start
    if (this.#bytes <= this.#maxBytes) return
    this.clear()
    throw new Error(`A line has more than ${this.#maxBytes} bytes.`)
  }

  readMessage(): JsonObject | null {
    return this.#messages.shift() ?? null
  }

  clear(): void {
    this.#pieces = []
    this.#bytes = 0
    this.#messages = []
  }
}
