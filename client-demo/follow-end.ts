/** So near to the end counts as there. */
const nearPixels = 40

/** Keeps a scrolled element at its end as it grows, unless its reader has scrolled away. */
export function followEnd(scroller: HTMLElement): { contentChanged: () => void; close: () => void } {
  let atEnd = true
  let frame = 0
  const scrolled = () => {
    atEnd = scroller.scrollHeight - scroller.scrollTop - scroller.clientHeight < nearPixels
  }
  scroller.addEventListener('scroll', scrolled, { passive: true })
  // Once a painted frame: asking for a height makes the browser lay out.
  const contentChanged = () => {
    if (!atEnd || frame !== 0) return
    frame = requestAnimationFrame(() => {
      frame = 0
      scroller.scrollTop = scroller.scrollHeight
    })
  }
  // Pictures get their height when they have come.
  scroller.addEventListener('load', contentChanged, { capture: true })
  return {
    contentChanged,
    close: () => {
      cancelAnimationFrame(frame)
      scroller.removeEventListener('scroll', scrolled)
      scroller.removeEventListener('load', contentChanged, { capture: true })
    },
  }
}
