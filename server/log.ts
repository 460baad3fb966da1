import { pino } from 'pino'

/** What the parts of the server need to say something to its operator: ids, never the text of messages or tokens. */
export interface Logger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** JSON lines on standard output. */
export function createLogger(level: string): Logger {
  return pino({ level, base: null })
}
