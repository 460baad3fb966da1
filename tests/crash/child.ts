/**
 * A server that is there to be killed: SQLite file, fast provider. It waits for
 * one line on its standard input, a `Start`, so that it is loaded beforehand.
 */
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { writeSync } from 'node:fs'
import { StatementSync } from 'node:sqlite'
import { setTimeout as sleep } from 'node:timers/promises'
import { createRunnel } from '../../server/app/app.ts'
import type { Provider } from '../../server/provider/events.ts'
import { blockOf, token } from './script.ts'
import type { DeathInSql, Start } from './victim.ts'

const [line] = await once(createInterface({ input: process.stdin }), 'line')
const { path, death, settings } = JSON.parse(line as string) as Start
if (death?.phase === 'recovery') dieAt(death)

const runnel = createRunnel({
  HOST: '127.0.0.1',
  PORT: 0,
  DATABASE_URL: `sqlite:${path}`,
  LOG_LEVEL: 'error',
  RUNNEL_FLUSH_MS: 2,
  RUNNEL_MAX_TASKS: 3,
  ...settings,
  provider: talk(),
})
const { url } = await runnel.listen()
if (death?.phase === 'running') dieAt(death)
writeSync(1, `${url}\n`)

/** Says its script for ever, as fast as a burst a millisecond. */
function talk(): Provider {
  return async function* (request, signal) {
    const question =
      (request.messages?.at(-1)?.content as string | undefined) ??
      request.prompt.findLast((item) => item.role === 'user')!.text
    let open: string | null = null
    for (let index = 0; !signal.aborted; index++) {
      const type = blockOf(index)
      if (type !== open) {
        if (open) yield { type: 'block_end', key: open, status: open === 'tool_call' ? 'pending' : 'completed' }
        open = type
        yield {
          type: 'block_start',
          key: type,
          block:
            type === 'text'
              ? { type, status: 'in_progress' }
              : type === 'reasoning'
                ? { type, status: 'in_progress', origin: 'field', startedAt: Date.now() }
                : { type, status: 'streaming', callId: 'call_1', name: 'search', executor: 'client' },
        }
      }
      yield {
        type: 'delta',
        key: type,
        field: type === 'tool_call' ? 'arguments' : 'text',
        text: token(question, index),
      }
      if (index % 60 === 0) await sleep(1)
    }
  }
}

/** SIGKILL in the middle of a write: no handler, no flush, no goodbye. */
function dieAt({ sql, moment, count }: DeathInSql): void {
  let left = count
  const run = StatementSync.prototype.run as (
    this: StatementSync,
    ...values: unknown[]
  ) => ReturnType<StatementSync['run']>
  StatementSync.prototype.run = function (this: StatementSync, ...values: unknown[]) {
    if (!this.sourceSQL.startsWith(sql)) return run.apply(this, values)
    left -= 1
    if (left === 0 && moment === 'before') process.kill(process.pid, 'SIGKILL')
    const result = run.apply(this, values)
    if (left === 0) process.kill(process.pid, 'SIGKILL')
    return result
  } as StatementSync['run']
}
