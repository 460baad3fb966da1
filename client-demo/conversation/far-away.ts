import type { BranchMessage } from '@runnel/client'
import { useEffect, useState } from 'react'
import type { FollowEnd } from './follow-end.ts'
import { stretchesIn } from './stretches.ts'

/** So many of the last stretches are always laid out: the end is where it is, and what comes there can be counted. */
const lastOnes = 2

/**
 * Messages far from the view are not laid out and keep their last size, so a long chat costs only what is in view. Only messages that were laid
 * out once and are out of view: one in view would vanish for a frame.
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
