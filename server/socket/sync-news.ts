import { errorCodes, type ErrorCode } from '../../shared/errors.ts'
import type { Fields } from '../../shared/fields.ts'
import { maxPollEveryMs } from '../../shared/transports.ts'

/** What is said to a session at a node that does not hold it. */
export interface SyncSaid {
  type: 'sync'
  /** Whose session it is, and who is told what came of it. */
  node: string
  from: string
  /** By it that node knows its own question again. */
  id: string
  session: string
  userId: string
  n: number
  /** Of a poll. */
  poll?: { ack: number; waits: boolean; everyMs: number }
  /** Frames, base64. */
  frames: string
}

/** What came of it. `here`: the poll waits there. */
export interface SyncAnswered {
  type: 'synced'
  node: string
  id: string
  outcome: { is: 'here' } | { is: 'done'; frames?: string } | { is: 'refused'; code: ErrorCode; message: string }
}

/** The client of this session is on another line. */
export interface SyncSucceeded {
  type: 'succeeded'
  node: string
  session: string
  userId: string
}

export type SyncNews = SyncSaid | SyncAnswered | SyncSucceeded

/** Throws `bad_request`. */
export function readSyncNews(type: SyncNews['type'], news: Fields): SyncNews {
  const node = news.text('node')
  if (type === 'synced') return { type, node, id: news.text('id'), outcome: readOutcome(news.fields('outcome')) }
  const whose = { node, session: news.text('session'), userId: news.text('userId') }
  if (type === 'succeeded') return { type, ...whose }
  const poll = news.isAbsent('poll') ? undefined : news.fields('poll')
  return {
    type,
    ...whose,
    from: news.text('from'),
    id: news.text('id'),
    n: news.whole('n'),
    ...(poll && {
      poll: { ack: poll.whole('ack'), waits: poll.flag('waits'), everyMs: poll.whole('everyMs', 0, maxPollEveryMs) },
    }),
    frames: news.text('frames'),
  }
}

function readOutcome(outcome: Fields): SyncAnswered['outcome'] {
  const is = outcome.oneOf('is', ['here', 'done', 'refused'] as const)
  if (is === 'done') return { is, ...outcome.optionalText('frames') }
  if (is === 'here') return { is }
  return { is, code: outcome.known('code', errorCodes) ?? 'internal', message: outcome.text('message') }
}
