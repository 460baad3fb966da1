/**
 * The stages of a run, and every move from one to the next. A move that the
 * stage does not allow gives null, and nothing changes: whoever makes it comes
 * too late. Times are epoch ms.
 */
import type { MessageError, MessageFields, TerminalStatus } from '../../shared/schema.ts'

export type RunStage =
  /** It waits for its turn. */
  | { name: 'queued' }
  /** Something of it runs; `waiting`: calls, and people may be asked about some of them. */
  | (Begun & { name: 'active'; status: 'preparing' | 'streaming' | 'waiting' })
  /** Nothing of it runs until a person or a client answers. */
  | (Begun & { name: 'parked'; since: number })
  | (Over & { name: 'ended'; status: TerminalStatus; error: MessageError | undefined })
  /** Its log is lost: its end is another's to write. */
  | (Over & { name: 'abandoned' })
  /** Its process ended while it waited for people: it waits on in the next one. */
  | (Over & { name: 'suspended' })

interface Begun {
  startedAt: number
  /** ms that it was parked, without the time that goes on. */
  parkedMs: number
  /** The model has said something. */
  hasAnswered: boolean
}

/** Nothing moves it any more. */
interface Over {
  /** Null: it never began. */
  startedAt: number | null
  activeMs: number
}

export const queued: RunStage = { name: 'queued' }

/** Its turn has come. */
export function begin(stage: RunStage, now: number): RunStage | null {
  return stage.name === 'queued' ? { name: 'active', status: 'preparing', ...begunAt(now) } : null
}

/** It waited for people when its process ended, and waits on in this one. */
export function resume(stage: RunStage, now: number): RunStage | null {
  return stage.name === 'queued' ? { name: 'active', status: 'waiting', ...begunAt(now) } : null
}

/** The model is asked, or its calls are run. */
export function enter(stage: RunStage, status: 'streaming' | 'waiting'): RunStage | null {
  return stage.name === 'active' && stage.status !== status ? { ...stage, status } : null
}

/** The model says the first of its answer. */
export function answer(stage: RunStage): RunStage | null {
  const isFirst = stage.name === 'active' && stage.status === 'streaming' && !stage.hasAnswered
  return isFirst ? { ...stage, hasAnswered: true } : null
}

/** All of its calls wait for people. */
export function park(stage: RunStage, now: number): RunStage | null {
  if (stage.name !== 'active' || stage.status !== 'waiting') return null
  const { status: _, ...begun } = stage
  return { ...begun, name: 'parked', since: now }
}

/** Somebody has answered. */
export function unpark(stage: RunStage, now: number): RunStage | null {
  if (stage.name !== 'parked') return null
  const { since, ...begun } = stage
  return { ...begun, name: 'active', status: 'waiting', parkedMs: begun.parkedMs + now - since }
}

export function end(
  stage: RunStage,
  status: TerminalStatus,
  error: MessageError | undefined,
  now: number,
): RunStage | null {
  return isOver(stage) ? null : { name: 'ended', status, error, ...overAt(stage, now) }
}

export function abandon(stage: RunStage, now: number): RunStage | null {
  return isOver(stage) ? null : { name: 'abandoned', ...overAt(stage, now) }
}

/** Only what waits for people can wait on in another process. */
export function suspend(stage: RunStage, now: number): RunStage | null {
  return !isOver(stage) && statusOf(stage) === 'waiting' ? { name: 'suspended', ...overAt(stage, now) } : null
}

export function isOver(stage: RunStage): stage is RunStage & Over {
  return stage.name === 'ended' || stage.name === 'abandoned' || stage.name === 'suspended'
}

export function statusOf(stage: RunStage): MessageFields['status'] {
  switch (stage.name) {
    case 'queued':
      return 'queued'
    case 'active':
    case 'ended':
      return stage.status
    case 'parked':
    case 'suspended':
      return 'waiting'
    case 'abandoned':
      return 'failed'
  }
}

/** Null: it has not begun. */
export function startedAtOf(stage: RunStage): number | null {
  return stage.name === 'queued' ? null : stage.startedAt
}

/** ms that it has run, without the time in which it was parked. */
export function activeMs(stage: RunStage, now: number): number {
  switch (stage.name) {
    case 'queued':
      return 0
    case 'active':
      return now - stage.startedAt - stage.parkedMs
    case 'parked':
      return stage.since - stage.startedAt - stage.parkedMs
    case 'ended':
    case 'abandoned':
    case 'suspended':
      return stage.activeMs
  }
}

function begunAt(now: number): Begun {
  return { startedAt: now, parkedMs: 0, hasAnswered: false }
}

function overAt(stage: RunStage, now: number): Over {
  return { startedAt: startedAtOf(stage), activeMs: activeMs(stage, now) }
}
