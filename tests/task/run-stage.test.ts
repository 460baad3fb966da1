/** Every move of a run from stage to stage: which are allowed, and what they do to its status and its time. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import * as stages from '../../server/task/run-stage.ts'
import type { RunStage } from '../../server/task/run-stage.ts'

const moves = {
  begin: stages.begin,
  resume: stages.resume,
  stream: (stage) => stages.enter(stage, 'streaming'),
  callTools: (stage) => stages.enter(stage, 'waiting'),
  answer: (stage) => stages.answer(stage),
  park: stages.park,
  unpark: stages.unpark,
  complete: (stage, now) => stages.end(stage, 'completed', undefined, now),
  stop: (stage, now) => stages.end(stage, 'stopped', undefined, now),
  abandon: stages.abandon,
  suspend: stages.suspend,
} satisfies Record<string, (stage: RunStage, now: number) => RunStage | null>
type Move = keyof typeof moves
const names = Object.keys(moves) as Move[]
const move = (name: Move, stage: RunStage, now: number) =>
  (moves[name] as (stage: RunStage, now: number) => RunStage | null)(stage, now)

/** The stage after these moves, one each ms from 1 on. */
function after(...path: Move[]): RunStage {
  return path.reduce((stage, name, i) => move(name, stage, i + 1) ?? stage, stages.queued)
}

describe('a run', () => {
  const whole = { complete: 'completed', stop: 'stopped', abandon: 'failed' } as const
  const table: [path: Move[], allowed: Partial<Record<Move, string>>][] = [
    [[], { begin: 'preparing', resume: 'waiting', ...whole }],
    [['begin'], { stream: 'streaming', callTools: 'waiting', ...whole }],
    [['begin', 'stream'], { callTools: 'waiting', answer: 'streaming', ...whole }],
    [['begin', 'stream', 'answer'], { callTools: 'waiting', ...whole }],
    [['begin', 'stream', 'callTools'], { stream: 'streaming', park: 'waiting', suspend: 'waiting', ...whole }],
    [['resume'], { stream: 'streaming', park: 'waiting', suspend: 'waiting', ...whole }],
    [['resume', 'park'], { unpark: 'waiting', suspend: 'waiting', ...whole }],
    [['begin', 'complete'], {}],
    [['stop'], {}],
    [['begin', 'abandon'], {}],
    [['resume', 'park', 'suspend'], {}],
  ]
  for (const [path, allowed] of table) {
    test(`after ${path.join(', ') || 'nothing'} goes on by ${Object.keys(allowed).join(', ') || 'nothing'}`, () => {
      const stage = after(...path)
      const possible = names.flatMap((name) => {
        const next = move(name, stage, 100)
        return next ? [[name, stages.statusOf(next)]] : []
      })
      expect(Object.fromEntries(possible)).toEqual(allowed)
    })
  }

  test('keeps why it ended', () => {
    const error = { code: 'internal', message: 'No.', retryable: false } as const
    expect(stages.end(after('begin'), 'failed', error, 9)).toMatchObject({ status: 'failed', error, startedAt: 1 })
  })

  test('counts the time in which something of it runs, whatever is called in whatever order', () => {
    const call = fc.record({ name: fc.constantFrom(...names), ms: fc.nat(1_000) })
    fc.assert(
      fc.property(fc.array(call, { maxLength: 40 }), (calls) => {
        let now = 0
        let stage: RunStage = stages.queued
        let answered = 0
        let active = 0
        for (const { name, ms } of calls) {
          now += ms
          if (stage.name === 'active') active += ms
          const next = move(name, stage, now)
          if (!next) continue
          if (name === 'answer') answered += 1
          expect(stages.isOver(stage)).toBe(false)
          if (stages.startedAtOf(stage) !== null) expect(stages.startedAtOf(next)).toBe(stages.startedAtOf(stage))
          else expect([null, now]).toContain(stages.startedAtOf(next))
          if (next.name === 'parked' || next.name === 'suspended') expect(stages.statusOf(next)).toBe('waiting')
          stage = next
        }
        expect(answered).toBeLessThanOrEqual(1)
        const later = now + 500
        expect(stages.activeMs(stage, later)).toBe(active + (stage.name === 'active' ? 500 : 0))
      }),
    )
  })
})
