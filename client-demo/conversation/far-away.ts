import type { BranchMessage } from '@runnel/client'
import { useEffect, useState } from 'react'
import type { FollowEnd } from './follow-end.ts'
import { stretchesIn } from './stretches.ts'

/** So many of the last stretches are always laid out: the end is where it is, and what comes there can be counted. */
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
            if (isIntersecting || element.querySelector('[data-status=streaming]')) continue
            element.style.contentVisibility = 'auto'
            observer.unobserve(element)
          }
        },
        { rootMargin: '100% 0px' },
      ),
  )
  useEffect(() => {
    const stretches = follow.column ? [...stretchesIn(follow.column)] : []
    for (const stretch of stretches.slice(0, -lastOnes)) {
      if (observed.has(stretch)) continue
      observed.add(stretch)
      observer.observe(stretch)
    }
  }, [entries, follow, observed, observer])
  useEffect(() => () => observer.disconnect(), [observer])
}
