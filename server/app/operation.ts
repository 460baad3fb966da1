/** What an operator sees of a running server: log lines with ids, and numbers. Never text, tokens or headers. */
import type { OnUnreadable } from '../cluster/cluster.ts'
import type { Logger } from '../operation/log.ts'
import type { Metrics } from '../operation/metrics.ts'
import type { OnRefused } from '../socket/sockets.ts'
import { requestOf } from '../task/prompt.ts'
import type { Run } from '../task/run.ts'

/** Refusals are logged at once, then summed up for so long: a flood of them must not become a flood of lines. */
const quietMs = 10_000

/** Kinds of refusal that are held at once; of others nothing is said until there is room. */
const maxHeld = 1_000

export interface Operation {
  onRun: (event: 'begun' | 'answering' | 'ended', run: Run) => void
  onRefused: OnRefused
  onUnknownEvent: (type: string) => void
  onUnreadable: OnUnreadable
  /** A login has named a user who is not taken. */
  onRefusedUser: (userId: string, sentence: string) => void
  /** Says what was held back. Once a second. */
  sweep: () => void
}

interface Held {
  since: number
  count: number
}

export function operation(log: Logger, metrics: Metrics, now: () => number): Operation {
  const held = new Map<string, Held>()
  /** True if it may be said now. */
  const mayBeSaid = (what: string): boolean => {
    const earlier = held.get(what)
    if (earlier) earlier.count += 1
    else if (held.size >= maxHeld) return false
    else held.set(what, { since: now(), count: 0 })
    return !earlier
  }

  return {
    onRun: (event, run) => {
      if (event === 'answering') return metrics.firstToken(run.activeMs(now()) / 1_000)
      const ids = {
        chatId: run.chatId,
        messageId: run.messageId,
        taskId: run.taskId,
        userId: run.user.id,
        ...requestOf(run),
      }
      if (event === 'begun') {
        const waitedMs = now() - run.createdAt
        metrics.runBegun(waitedMs / 1_000)
        return log.info({ ...ids, waitedMs }, 'run begun')
      }
      const {
        usage,
        outputBytes,
        state: { status },
        error,
      } = run
      const ms = now() - (run.startedAt ?? run.createdAt)
      const tokens = { input: usage?.inputTokens ?? 0, output: usage?.outputTokens ?? 0 }
      log.info(
        { ...ids, status, ms, outputBytes, ...(usage && { tokens }), ...(error && { code: error.code }) },
        'run ended',
      )
      metrics.runEnded({
        status,
        code: error?.code,
        model: run.request.model,
        seconds: ms / 1_000,
        outputBytes,
        tokens,
      })
    },
    onRefused: (place, reason, context) => {
      metrics.refused(place, reason)
      if (mayBeSaid(`${place} ${reason}`)) log.warn({ place, reason, ...context }, 'refused')
    },
    onUnknownEvent: (type) => {
      metrics.unknownProviderEvent()
      if (mayBeSaid(`provider event ${type}`))
        log.warn({ event: type.slice(0, 100) }, 'the provider sent an event of an unknown type')
    },
    onUnreadable: (what, err) => {
      if (mayBeSaid(`${what} of another node`))
        log.warn({ what, err }, 'something on the channels of the nodes could not be read, and was dropped')
    },
    onRefusedUser: (userId, sentence) => {
      if (mayBeSaid(sentence)) log.warn({ userId }, sentence)
    },
    sweep: () => {
      for (const [what, { since, count }] of held) {
        if (now() - since < quietMs) continue
        held.delete(what)
        if (count > 0) log.warn({ what, count, inMs: now() - since }, 'refused or unknown, more of the same')
      }
    },
  }
}
