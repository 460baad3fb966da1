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

/** What a reply says of REDIS_URL. Readers see these: they name the setting, no places. */
const sentences = new Map(
  Object.entries({
    NOAUTH: 'Redis wants a password. Set it in REDIS_URL.',
    WRONGPASS: 'Redis refuses this user or its password. Check both in REDIS_URL.',
    NOPERM: 'Redis does not allow this user what Runnel needs. Check the user in REDIS_URL, and its rights.',
    OOM: 'Redis is full. Runnel goes on when it has room again.',
  }),
)

/** The connection was closed before Redis said a word. */
export class ClosedEarly extends Error {}

/** The first word of what Redis itself answered; null where the fault lies on the way. */
export function replyCode(error: Error): string | null {
  return error.name === 'ReplyError' ? error.message.split(' ', 1)[0]! : null
}

/** Can the same command succeed later? Whether it was carried out is not known. */
export function isPassing(error: Error): boolean {
  const code = replyCode(error)
  return code === null || passing.has(code)
}

/** Of many commands at once: it can pass, or there is no reply beside it that is of use. */
export function holdsUpAll(fault: Error, replies: readonly unknown[]): boolean {
  return isPassing(fault) || replies.every((reply) => reply instanceof Error)
}

/** Commands have arguments, and arguments text or a password: neither stands in the sentence, and no cause is kept. `where`: for the operator. */
export function unavailable(error?: Error, where?: string, isTls = false): RunnelError {
  const silence = `Redis does not answer.${isTls ? ' Does it speak TLS? REDIS_URL says so (rediss://).' : ''}`
  return new RunnelError('store_unavailable', (error && sentenceOf(error)) ?? silence, {
    ...(where !== undefined && { where }),
  })
}

function sentenceOf(error: Error): string | undefined {
  const reply = replyCode(error)
  if (reply !== null) {
    if (/^ERR (DB index|.*SELECT)/i.test(error.message))
      return 'Redis has no database of that number. Check REDIS_URL, which may end in one (/0).'
    return sentences.get(reply) ?? `Redis refuses: ${reply}.`
  }
  if (error instanceof ClosedEarly)
    return 'Redis closes the connection at once. Check REDIS_URL: rediss:// where it wants TLS, redis:// where not.'
  const code = 'code' in error ? String(error.code) : ''
  if (/certificate|SSL|TLS|altname/i.test(`${code} ${error.message}`) || code === 'EPROTO')
    return 'Runnel and Redis do not agree on TLS. Check redis:// or rediss:// in REDIS_URL, and the certificate.'
  if ('syscall' in error && code !== 'ETIMEDOUT')
    return `Redis cannot be reached (${code}). Start it, or set REDIS_URL to another one.`
  return undefined
}
