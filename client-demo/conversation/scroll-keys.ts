import { useEffect, type RefObject } from 'react'
import type { FollowEnd } from './follow-end.ts'
import { scrollsInside } from './scrolls-inside.ts'

/** This share of a page stays in view when the next one is shown. */
const overlapPixels = 48

/**
 * Home, End, PageUp and PageDown move through the conversation wherever the focus is in it. A text field keeps the keys
 * that it can use. Other keys that scroll, which browsers handle, leave the end in the same way.
 */
export function useScrollKeys(conversation: RefObject<HTMLElement | null>, follow: FollowEnd): void {
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement
      const { scroller } = follow
      if (event.defaultPrevented || event.ctrlKey || event.altKey || event.metaKey || !scroller) return
      if (target !== document.body && !conversation.current?.contains(target)) return
      if (target instanceof HTMLSelectElement || target.isContentEditable || keeps(target, event.key)) return
      const isUp = event.key === 'Home' || event.key.endsWith('Up') || (event.key === ' ' && event.shiftKey)
      if (scroller.contains(target) && scrollsInside(target, scroller, isUp ? -1 : 1)) return
      if (event.shiftKey && event.key !== ' ') return
      const page = scroller.clientHeight - overlapPixels
      if (event.key === 'PageUp') follow.moveBy(-page)
      else if (event.key === 'PageDown') follow.moveBy(page)
      else if (event.key === 'Home') follow.moveBy(-scroller.scrollHeight)
      else if (event.key === 'End') follow.toEnd()
      else {
        if (isUp && scroller.contains(target)) follow.leave()
        return
      }
      event.preventDefault()
    }
    document.addEventListener('keydown', pressed)
    return () => document.removeEventListener('keydown', pressed)
  }, [conversation, follow])
}

/** Keys that move the caret in a text field: Home and End, page keys if its text is longer than its box, and arrows always. */
function keeps(target: HTMLElement, key: string): boolean {
  if (!(target instanceof HTMLTextAreaElement || target instanceof HTMLInputElement)) return false
  if (key.startsWith('Page')) return target.scrollHeight > target.clientHeight + 1
  return target.value !== '' || key === ' ' || key.startsWith('Arrow')
}
