import { useEffect, useSyncExternalStore } from 'react'
import { useWords } from '../words/words.ts'
import { announce } from './announcer.tsx'
import { Button } from './button.tsx'
import './undo.css'

/** How long a person may undo what they did. */
const momentMs = 6_000

interface Deed {
  text: string
  /** Makes it final. */
  perform: () => void
  takeBack: () => void
}

let deed: Deed | null = null
const listeners = new Set<() => void>()

function show(next: Deed | null): void {
  deed = next
  for (const listener of listeners) listener()
}

/** Shows what was done, and makes it final after a moment unless it is undone. Another deed, or leaving the page, makes the one before final at once. */
export function doUnlessUndone(next: Deed): void {
  deed?.perform()
  show(next)
}

function end(how: 'perform' | 'takeBack'): void {
  const ended = deed
  show(null)
  ended?.[how]()
}

addEventListener('pagehide', () => end('perform'))

/** The bar for the last deed that can be undone. There is one on the page. */
export function UndoBar() {
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => deed,
  )
  const words = useWords().app
  useEffect(() => {
    if (!shown) return
    announce(shown.text)
    const timer = setTimeout(() => end('perform'), momentMs)
    return () => clearTimeout(timer)
  }, [shown])
  if (!shown) return null
  return (
    <div className="undo">
      {shown.text}
      <Button onClick={() => end('takeBack')}>{words.undo}</Button>
    </div>
  )
}
