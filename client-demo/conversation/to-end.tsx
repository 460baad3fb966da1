import { useSyncExternalStore } from 'react'
import { Button } from '../ui/button.tsx'
import { ArrowDown } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import type { FollowEnd } from './follow-end.ts'

/** A button back to the end for people who left it, with the number of new lines. */
export function ToEnd({ follow }: { follow: FollowEnd }) {
  const words = useWords().follow
  const { isAway, newLines } = useSyncExternalStore(follow.subscribe, follow.getSnapshot)
  if (!isAway) return null
  const toEnd = () => {
    follow.toEnd()
    // The button disappears, so the focus moves to the messages.
    follow.scroller?.focus({ preventScroll: true })
  }
  return (
    // Inside the scroller, so that the wheel scrolls above it, and without a height.
    <div className="to-end">
      <Button icon={ArrowDown} onClick={toEnd} data-testid="to-end" data-lines={newLines}>
        {newLines > 0 ? words.toEndWith(newLines) : words.toEnd}
      </Button>
    </div>
  )
}
