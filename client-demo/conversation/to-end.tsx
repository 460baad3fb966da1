import { useSyncExternalStore } from 'react'
import { Button } from '../ui/button.tsx'
import { ArrowDown } from '../ui/icons.ts'
import { useWords } from '../words/words.ts'
import type { FollowEnd } from './follow-end.ts'

/** The way back to the end for who has left it, with what has come meanwhile. */
export function ToEnd({ follow }: { follow: FollowEnd }) {
  const words = useWords().follow
  const { isAway, newLines } = useSyncExternalStore(follow.subscribe, follow.getSnapshot)
  if (!isAway) return null
  const toEnd = () => {
    follow.toEnd()
    // The button goes: keys go on with what is read.
    follow.scroller?.focus({ preventScroll: true })
  }
  return (
    // In what scrolls, so that a wheel above it scrolls, and without a height.
    <div className="to-end">
      <Button icon={ArrowDown} onClick={toEnd} data-testid="to-end" data-lines={newLines}>
        {newLines > 0 ? words.toEndWith(newLines) : words.toEnd}
      </Button>
    </div>
  )
}
