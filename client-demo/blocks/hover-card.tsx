import { useId, useRef, type KeyboardEvent } from 'react'

const gap = 4

/**
 * A card next to an element that has the pointer or the focus; Escape closes it. It is in the top layer, so nothing
 * cuts it off. `holder` goes to the element, `card` to what is shown, which stands in it: the pointer may go there.
 */
export function useHoverCard() {
  const id = useId()
  const place = useRef<HTMLElement>(null)
  const card = useRef<HTMLSpanElement>(null)
  const show = () => {
    const [anchor, shown] = [place.current, card.current]
    if (!anchor || !shown?.showPopover || shown.matches(':popover-open')) return
    shown.showPopover()
    const { left, top, bottom, width } = anchor.getBoundingClientRect()
    const isRtl = getComputedStyle(anchor).direction === 'rtl'
    const wanted = isRtl ? left + width - shown.offsetWidth : left
    const x = Math.max(8, Math.min(wanted, innerWidth - shown.offsetWidth - 8))
    const above = top - shown.offsetHeight - gap
    shown.style.setProperty('left', `${x}px`)
    shown.style.setProperty('top', `${above >= 8 ? above : bottom + gap}px`)
  }
  const hide = () => {
    const shown = card.current
    if (shown?.showPopover && shown.matches(':popover-open')) shown.hidePopover()
  }
  return {
    holder: {
      onPointerEnter: show,
      onPointerLeave: hide,
      onFocus: show,
      onBlur: hide,
      onKeyDown: ({ key }: KeyboardEvent) => key === 'Escape' && hide(),
      'aria-describedby': id,
    },
    place,
    card: { id, ref: card, popover: 'manual', className: 'source-card' },
  } as const
}
