import type { BranchMessage } from '@runnel/client'
import { useEffect, useState } from 'react'
import type { FollowEnd } from './follow-end.ts'

/** So many of the last are always laid out: the end is where it is, and what comes there can be counted. */
const lastOnes = 2

/**
 * What is far from the window is not laid out, and has the size that it had: so a long chat costs what is in view. Only what has been laid
 * out once, and is out of view: what is in view would vanish for a frame.
 */
export function useFarAway(entries: readonly BranchMessage[], follow: FollowEnd): void {
  const [observed] = useState(() => new WeakSet<Element>())
  const [observer] = useState(
    () =>
      new IntersectionObserver(
        (seen, observer) => {
          for (const { target, isIntersecting } of seen) {
            const element = target as HTMLElement
            if (isIntersecting || element.dataset.status === 'streaming') continue
            element.style.contentVisibility = 'auto'
            observer.unobserve(element)
          }
        },
        { rootMargin: '100% 0px' },
      ),
  )
  useEffect(() => {
    const messages = [...(follow.scroller?.querySelectorAll('.column > [data-message-id]') ?? [])]
    for (const message of messages.slice(0, -lastOnes)) {
      if (observed.has(message)) continue
      observed.add(message)
      observer.observe(message)
    }
  }, [entries, follow, observed, observer])
  useEffect(() => () => observer.disconnect(), [observer])
}
