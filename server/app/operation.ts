/** What an operator sees of a running server: log lines with ids, and numbers. Never text, tokens or headers. */
import type { Logger } from '../operation/log.ts'
import type { Metrics } from '../operation/metrics.ts'
import type { OnRefused } from '../socket/sockets.ts'
import { answeringModel } from '../task/answering-model.ts'
import { requestOf } from '../task/prompt.ts'
import type { Run } from '../task/run.ts'
import type { QuietLines } from './quiet-lines.ts'

export interface Operation {
  onRun: (event: 'begun' | 'answering' | 'ended', run: Run) => void
  onRefused: OnRefused
  /** What a provider said and nobody here understands, by its path. */
  onUnknownEvent: (path: string) => void
  /** A login has named a user who is not taken. */
  onRefusedUser: (userId: string, sentence: string) => void
}

export function operation(log: Logger, { mayBeSaid }: QuietLines, metrics: Metrics, now: () => number): Operation {
  /** Paths of which the log knows: no more than metrics tell apart. */
  const named = new Set<string>()
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
        state: { status },
        error,
      } = run
      const usage = run.usage.total
      const outputBytes = run.output.bytes
      const ms = now() - (run.startedAt ?? run.createdAt)
      const tokens = { input: usage?.inputTokens ?? 0, output: usage?.outputTokens ?? 0 }
      log.info(
        { ...ids, status, ms, outputBytes, ...(usage && { tokens }), ...(error && { code: error.code }) },
        'run ended',
      )
      metrics.runEnded({
        status,
        code: error?.code,
        // Another may have answered than the one that was asked.
        model: answeringModel(run),
        seconds: ms / 1_000,
        outputBytes,
        tokens,
      })
    },
    onRefused: (place, reason, context) => {
      metrics.refused(place, reason)
      if (mayBeSaid(`${place} ${reason}`)) log.warn({ place, reason, ...context }, 'refused')
    },
    onUnknownEvent: (given) => {
      const path = metrics.unknownFromProvider(given.replace(/[^\w.:-]+/g, '_'))
      if (named.has(path)) return
      named.add(path)
      log.warn({ path }, 'the provider said something that this version does not understand')
    },
    onRefusedUser: (userId, sentence) => {
      if (mayBeSaid(sentence)) log.warn({ userId }, sentence)
    },
  }
}
