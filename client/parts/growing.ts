import type { Listeners } from '../listeners.ts'
import { TextPieces, type Piece } from '../pieces.ts'

/** What follows a growing text in a form of its own: pieces, Markdown. */
export interface Follower<Shown> {
  readonly length: number
  toString: () => string
  /** From offset `from` on, the text now reads `text`. */
  replaceFrom: (from: number, text: string) => void
  /** The text is whole, until it grows again. */
  end: () => void
  /** The same object while it shows the same. */
  shown: () => Shown
}

/** A way to follow a text. One object for each way: what is followed is known by it. */
export interface TextForm<Shown> {
  /** `tell`: what it shows has changed, and no change of the text was the reason. */
  follow: (tell: () => void) => Follower<Shown>
}

/** A text that grows: its finished pieces are the same objects for ever, the open one ends it. */
export interface TextInPieces {
  readonly finished: readonly Piece[]
  /** May be empty. */
  readonly open: Piece
}

export const inPieces: TextForm<TextInPieces> = {
  follow: () => {
    const pieces = new TextPieces()
    let shown: TextInPieces = { finished: pieces.finished, open: pieces.open }
    return {
      get length() {
        return pieces.length
      },
      toString: () => pieces.toString(),
      replaceFrom: (from, text) => pieces.replaceFrom(from, text),
      end: () => {},
      shown: () => {
        const { finished, open } = pieces
        if (shown.finished !== finished || shown.open !== open) shown = { finished, open }
        return shown
      },
    }
  },
}

/** One text of one block in one form, as it is followed now. */
export interface GrowingPart {
  readonly block: string
  readonly field: string
  readonly follower: Follower<unknown>
  readonly listeners: Listeners
  hasEnded: boolean
  /** It was not told of all changes. */
  isBehind: boolean
}

/** Makes the follower's text `text`, at the cost of looking through it once: what is the same at its beginning stays. False: it was. */
export function bringTo(follower: Follower<unknown>, text: string): boolean {
  const old = follower.toString()
  if (old === text) return false
  let same = 0
  if (text.startsWith(old)) same = old.length
  else while (same < text.length && old.charCodeAt(same) === text.charCodeAt(same)) same++
  follower.replaceFrom(same, text.slice(same))
  return true
}
