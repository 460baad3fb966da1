import type { BranchMessage } from '@runnel/client'

/** So many messages: few enough to be laid out in one frame when they come near, and many enough that a chat has few stretches. */
const stretchLength = 10

/** Some messages of a chat that follow one another. */
export interface Stretch {
  readonly number: number
  readonly entries: readonly BranchMessage[]
}

/**
 * A long chat in stretches: browsers look at each thing that may be out of view in each frame, and where one has another height they
 * go through all that stand beside it. They are counted from the root of the chat, `older` messages above the first entry, so that
 * each keeps its messages, whatever comes before or behind it.
 */
export function stretchesOf(entries: readonly BranchMessage[], older: number): readonly Stretch[] {
  const stretches: Stretch[] = []
  for (let from = 0; from < entries.length;) {
    const number = Math.floor((older + from) / stretchLength)
    const end = (number + 1) * stretchLength - older
    stretches.push({ number, entries: entries.slice(from, end) })
    from = end
  }
  return stretches
}

/** What stands in a column, below one another. */
export const stretchesIn = (column: Element): HTMLCollectionOf<Element> => column.getElementsByClassName('stretch')
