import type { Json } from '../../shared/schema.ts'
import type { Claim, Claimed, NewRun } from './new-run.ts'

/** A message that waits until the answer before it has ended. */
export interface WaitingMessage {
  /** Of the question that it becomes. */
  id: string
  chatId: string
  /** Who said it. */
  userId: string
  createdAt: number
  /** What it says, and what its run is asked for. */
  said: Json
  /** Why it is not sent; null: it is, when its turn comes. */
  refused: Json | null
}

/** The messages that wait in one chat. */
export interface WaitingLine {
  chatId: string
  /** The message that the first of them answers, once it has ended; null: the beginning of the chat. */
  after: string | null
  /** Another with every change. */
  version: string
  /** The version that the chat's document lists; null: none. */
  listed: string | null
  /** In their order. */
  messages: readonly WaitingMessage[]
}

/** A line as it is read. `ready`: what it waits for has ended, and nothing holds it up. */
export type ReadLine = WaitingLine & { ready: boolean }

export interface NewWaiting {
  message: Omit<WaitingMessage, 'refused'>
  /** It stands before all others. */
  first: boolean
  /** Ids of files that it has. */
  files: readonly string[]
  claim?: Claim
  maxOfChat: number
  maxOfUser: number
}

/** Where in its line a message goes. */
export type Place = 'first' | { before: string } | { after: string }

export interface WaitingChange {
  said?: Json
  refused?: Json | null
  place?: Place
}

/** Which one is taken, and the version of its line that was read. */
export interface Taking {
  id: string
  version: string
  now: number
}

/** The part of the store that holds messages which wait for their turn. */
export interface WaitingStore {
  /**
   * A message waits in its chat. `idle`: nothing is being written there and nobody waits, so nothing was written. Throws
   * `idempotency_mismatch`; `not_found` for its chat or a file; `rate_limited`, `too_large`.
   */
  putWaiting(waiting: NewWaiting): Promise<Claimed | 'idle'>
  getWaiting(id: string): Promise<WaitingMessage | null>
  /** Null where nothing waits, and the chat's document says so. */
  waitingLine(chatId: string, now: number): Promise<ReadLine | null>
  /** With `version` only while its line is this one. False where it does not wait any more, or the line is another. Throws `bad_request` for a place beside one that is not there. */
  changeWaiting(
    message: Pick<WaitingMessage, 'id' | 'chatId'>,
    change: WaitingChange,
    version?: string,
  ): Promise<boolean>
  /** Returns the files that go with it, whose bytes are still to be removed; null where it does not wait any more. */
  removeWaiting(message: Pick<WaitingMessage, 'id' | 'chatId'>): Promise<string[] | null>
  /** It waits no more: its run begins, as by `startRun`, in the same step. False where the line is another by now, or is not ready. */
  takeWaiting(run: NewRun, taking: Taking): Promise<boolean>
  /** The chat's document lists this version. False where it is another by now. */
  waitingListed(chatId: string, version: string): Promise<boolean>
  /** Chats whose lines are ready, or are not what their documents list. */
  waitingChats(now: number): Promise<string[]>
  /** Nothing of the chat's line is taken until then (epoch ms), unless the hold is let go: by null. */
  holdWaiting(chatId: string, hold: string, until: number | null): Promise<void>
}
