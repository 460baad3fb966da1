import { useEffect, useState } from 'react'

/** The others are told at most this often. */
const everyMs = 1_000
/** Measured this far below the upper edge of the scroller. */
const eyeLinePixels = 80

/** The message that this person reads, if they are more than a window above the end; otherwise null. */
export function useReadingAt(): string | null {
  const [messageId, setMessageId] = useState<string | null>(null)
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const scrolled = ({ target }: Event) => {
      if (!(target instanceof HTMLElement) || !target.classList.contains('scroll')) return
      timer ??= setTimeout(() => {
        timer = undefined
        setMessageId(messageAt(target))
      }, everyMs)
    }
    // Scroll events do not bubble.
    document.addEventListener('scroll', scrolled, { capture: true, passive: true })
    return () => {
      document.removeEventListener('scroll', scrolled, { capture: true })
      clearTimeout(timer)
    }
  }, [])
  return messageId
}

function messageAt(scroller: HTMLElement): string | null {
  const { scrollHeight, scrollTop, clientHeight } = scroller
  if (scrollHeight - scrollTop - clientHeight <= clientHeight) return null
  const { left, width, top } = scroller.getBoundingClientRect()
  const column = scroller.querySelector<HTMLElement>('.column')?.getBoundingClientRect()
  const x = column ? column.left + column.width / 2 : left + width / 2
  const seen = document.elementFromPoint(x, top + eyeLinePixels)?.closest<HTMLElement>('[data-message-id]')
  return seen?.dataset['messageId'] ?? null
}
