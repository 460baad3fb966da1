import { useEffect, useState, type RefObject } from 'react'

/** So near to the end counts as there. */
const nearPixels = 40

/** Keeps what scrolls at its end as it grows, unless its reader is elsewhere. */
export function useFollowEnd(scroller: RefObject<HTMLElement | null>): { isAway: boolean; toEnd: () => void } {
  const [isAway, setAway] = useState(false)
  const toEnd = () => {
    const element = scroller.current
    if (element) element.scrollTop = element.scrollHeight
  }
  useEffect(() => {
    const element = scroller.current
    if (!element) return
    let isAtEnd = true
    const scrolled = () => {
      isAtEnd = element.scrollHeight - element.scrollTop - element.clientHeight < nearPixels
      setAway(!isAtEnd)
    }
    const grown = new ResizeObserver(() => {
      if (isAtEnd) element.scrollTop = element.scrollHeight
    })
    element.addEventListener('scroll', scrolled, { passive: true })
    for (const child of element.children) grown.observe(child)
    return () => {
      element.removeEventListener('scroll', scrolled)
      grown.disconnect()
    }
  }, [scroller])
  return { isAway, toEnd }
}
