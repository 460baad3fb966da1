import { lazy, Suspense, useEffect, useRef, type KeyboardEvent } from 'react'
import { IconButton } from '../ui/button.tsx'
import { PanelLeftClose, X } from '../ui/icons.ts'
import { Skeleton } from '../ui/skeleton.tsx'
import { useWords } from '../words/words.ts'
import type { ListFrame } from './frame.ts'
import './side.css'

const ChatList = lazy(() => import('./chat-list.tsx'))

/** The side of the page that holds the list. While it is open as a drawer, the page makes the rest inert. */
export function Side({ frame, chatId, searches }: { frame: ListFrame; chatId: string | null; searches: number }) {
  const words = useWords().list
  const { isDrawer, isShown, hide } = frame
  const side = useRef<HTMLDivElement>(null)
  const isOver = isDrawer && isShown
  useEffect(() => {
    if (!isOver) return
    const before = document.activeElement
    side.current?.focus()
    return () => {
      if (before instanceof HTMLElement) before.focus()
    }
  }, [isOver])
  if (!isShown) return null
  const pressed = (event: KeyboardEvent) => {
    if (isDrawer && event.key === 'Escape' && !event.defaultPrevented) hide()
  }
  return (
    <>
      {isDrawer && <div className="scrim" onClick={hide} data-testid="scrim" />}
      <div
        className="side"
        ref={side}
        tabIndex={-1}
        aria-label={words.label}
        role={isDrawer ? 'dialog' : 'navigation'}
        aria-modal={isDrawer || undefined}
        onKeyDown={pressed}
      >
        <div className="brand">
          <i />
          <span>Runnel</span>
          <IconButton
            label={isDrawer ? words.close : words.fold}
            icon={isDrawer ? X : PanelLeftClose}
            onClick={hide}
            data-testid="hide-list"
          />
        </div>
        <Suspense fallback={<Skeleton lines={6} />}>
          <ChatList chatId={chatId} chosen={frame.chosen} searches={searches} />
        </Suspense>
      </div>
    </>
  )
}
