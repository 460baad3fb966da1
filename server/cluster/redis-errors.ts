import { RunnelError } from '../../shared/errors.ts'

/** Replies after which the same command can succeed: Redis is loading, full, failing over or cut off. */
const passing = new Set([
  'LOADING',
  'BUSY',
  'OOM',
  'READONLY',
  'MISCONF',
  'NOREPLICAS',
  'MASTERDOWN',
  'CLUSTERDOWN',
  'TRYAGAIN',
  'MOVED',
  'ASK',
  'NOSCRIPT',
  'EXECABORT',
])

/** The first word of what Redis itself answered; null where the fault lies on the way. */
export function replyCode(error: Error): string | null {
  return error.name === 'ReplyError' ? error.message.split(' ', 1)[0]! : null
}

/** Can the same command succeed later? Whether it was carried out is not known. */
export function isPassing(error: Error): boolean {
  const code = replyCode(error)
  return code === null || passing.has(code)
}

/** Commands have arguments, and arguments text: neither stands in the sentence or its cause. */
export function unavailable(error?: Error): RunnelError {
  const code = error && replyCode(error)
  return new RunnelError('store_unavailable', code ? `Redis refuses: ${code}.` : 'Redis does not answer.')
}
