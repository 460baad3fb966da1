import type { BranchMessage } from '@runnel/client'
import { useBranch } from '@runnel/client/react'

/** `‹ 2/3 ›`: the versions of a message, and which one is on show. */
export function Versions({ chatId, entry }: { chatId: string; entry: BranchMessage }) {
  const { choose } = useBranch(chatId)
  const { siblings, index } = entry
  if (siblings.length < 2) return null
  const go = (to: number) => {
    const id = siblings[to]
    if (id !== undefined) choose(id)
  }
  return (
    <span className="versions" data-testid="switcher">
      <button type="button" onClick={() => go(index - 1)}>
        ‹
      </button>
      {index + 1}/{siblings.length}
      <button type="button" onClick={() => go(index + 1)}>
        ›
      </button>
    </span>
  )
}
