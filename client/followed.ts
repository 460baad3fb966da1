import { documentKind } from '../shared/schema.ts'
import type { Replica } from './replica.ts'

/** How far it is on the line. */
export type Progress =
  | { name: 'unasked' }
  /** It is read over HTTP, and asked for on the line after that. */
  | { name: 'reading' }
  /** A subscribe is on its way; there is never a second one for the same document before its answer. */
  | { name: 'asked' }
  | { name: 'subscribed'; channel: number }
  | { name: 'refused'; transient: boolean }
  /** There is no place for it on the line; `ever`: there may be one later. Until then it is read over HTTP. */
  | { name: 'unplaced'; ever: boolean }

export interface Followed {
  readonly replica: Replica
  /** Ends what is under way for it. */
  readonly leaving: AbortController
  users: number
  progress: Progress
  /** Was read over HTTP first, or is not to be. */
  isRead: boolean
  /** Transient refusals in a row. */
  refusals: number
}

export function isChat({ replica }: Followed): boolean {
  return documentKind(replica.id) === 'chat'
}
