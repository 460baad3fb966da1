import { useEffect, useRef } from 'react'
import { Button } from '../ui/button.tsx'
import { useWords } from '../words/words.ts'

/** The end of the loaded part of a list. The next page is loaded when it comes near, or by the button. */
export function More({ load, isPending }: { load: () => void; isPending: boolean }) {
  const words = useWords().list
  const end = useRef<HTMLDivElement>(null)
  useEffect(() => {
    const { current } = end
    if (!current || isPending) return
    // If it came and went within a frame there are several entries, and the last one counts.
    const observer = new IntersectionObserver((entries) => entries.at(-1)?.isIntersecting && load(), {
      root: current.closest('.chats'),
      rootMargin: '600px 0px',
    })
    observer.observe(current)
    return () => observer.disconnect()
  }, [load, isPending])
  return (
    <div ref={end} className="more">
      <Button look="quiet" busy={isPending} onClick={load}>
        {words.more}
      </Button>
    </div>
  )
}
