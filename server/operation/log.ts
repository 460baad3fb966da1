import { pino, type DestinationStream } from 'pino'
import { isRunnelError, RunnelError } from '../../shared/errors.ts'
import type { Redact } from '../secrets/secrets.ts'

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

/** A logger, of whoever, that gets no keys: neither in texts nor in errors. */
export function withoutSecrets(log: Logger, redact: Redact): Logger {
  const clean = (fields: object) =>
    Object.fromEntries(
      Object.entries(fields).map(([name, value]: [string, unknown]) => [
        name,
        typeof value === 'string' ? redact(value) : value instanceof Error ? cleanError(value, redact) : value,
      ]),
    )
  return {
    debug: (fields, message) => log.debug(clean(fields), redact(message)),
    info: (fields, message) => log.info(clean(fields), redact(message)),
    warn: (fields, message) => log.warn(clean(fields), redact(message)),
    error: (fields, message) => log.error(clean(fields), redact(message)),
  }
}

/** The error itself where there is nothing to hide; else one that says the same, without what libraries hung on it. */
function cleanError(error: Error, redact: Redact, depth = 0): Error {
  const { name, message, stack = '', cause } = error
  const said = redact(message)
  const calls = redact(stack)
  const cleanCause = cause instanceof Error && depth < 8 ? cleanError(cause, redact, depth + 1) : undefined
  if (said === message && calls === stack && cleanCause === cause) return error
  const options = cleanCause && { cause: cleanCause }
  const copy = isRunnelError(error) ? new RunnelError(error.code, said, options) : new Error(said, options)
  return Object.assign(copy, { name, stack: calls, ...('code' in error && { code: error.code }) })
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
  const own = isRunnelError(error) && !error.code.startsWith('provider_')
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
