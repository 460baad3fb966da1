import { pino, type DestinationStream } from 'pino'
import { RunnelError } from '../shared/errors.ts'

/** What the parts of the server need to say something to its operator: ids, never the text of messages or tokens. */
export interface Logger {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** JSON lines on standard output, or on a stream. */
export function createLogger(level: string, stream?: DestinationStream): Logger {
  return pino({ level, base: null, serializers: { err: describeError } }, stream)
}

interface ErrorDescription {
  name: string
  code?: unknown
  message?: string
  where?: string
  stack?: string
  cause?: ErrorDescription
}

/**
 * An error without the things that libraries hang on it (request, headers,
 * body). A provider's sentence may quote the prompt, a parser's the text: only
 * our own sentences and those of the system are kept.
 */
export function describeError(error: unknown): ErrorDescription {
  if (!(error instanceof Error)) return { name: typeof error }
  const { name, stack, cause } = error
  const code = 'code' in error ? error.code : undefined
  const own = error instanceof RunnelError && !error.code.startsWith('provider_')
  const frames = stack?.slice(stack.search(/^\s+at /m))
  return {
    name,
    ...(code !== undefined && { code }),
    ...((own || (typeof code === 'string' && /^E[A-Z]+$|^ERR_/.test(code))) && { message: error.message }),
    ...(own && error.where !== undefined && { where: error.where }),
    ...(frames !== undefined && /^\s+at /.test(frames) && { stack: frames }),
    ...(cause !== undefined && { cause: describeError(cause) }),
  }
}
