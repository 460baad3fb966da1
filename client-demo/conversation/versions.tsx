import type { BranchMessage } from '@runnel/client'
import { useClient } from '@runnel/client/react'
import { useRef } from 'react'
import { IconButton } from '../ui/button.tsx'
import { ChevronLeft, ChevronRight } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'

/** `‹ 2/3 ›`: the versions of a message, and which one is on show. */
export function Versions({ chatId, entry }: { chatId: string; entry: BranchMessage }) {
  const words = useWords().conversation
  const client = useClient()
  const previous = useRef<HTMLButtonElement>(null)
  const next = useRef<HTMLButtonElement>(null)
  const { siblings, index } = entry
  if (siblings.length < 2) return null
  const go = (by: -1 | 1) => {
    const to = index + by
    const id = siblings[to]
    if (id === undefined) return
    client.chat(chatId).branch.choose(id)
    // The focus stays on the switcher: at its end it moves to the button that leads back.
    if (siblings[to + by] === undefined) (by === 1 ? previous : next).current?.focus()
  }
  return (
    <span className="versions" role="group" aria-label={words.versions} data-testid="switcher">
      <IconButton
        ref={previous}
        label={words.previous}
        icon={ChevronLeft}
        disabled={index === 0}
        onClick={() => go(-1)}
        data-testid="previous-sibling"
      />
      <span data-testid="sibling-position">
        <span aria-hidden>
          {index + 1}/{siblings.length}
        </span>
        <span className="visually-hidden">{words.version(index + 1, siblings.length)}</span>
      </span>
      <IconButton
        ref={next}
        label={words.next}
        icon={ChevronRight}
        disabled={index === siblings.length - 1}
        onClick={() => go(1)}
        data-testid="next-sibling"
      />
    </span>
  )
}
